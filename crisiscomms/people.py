"""Adding people and changing what they may do."""

from datetime import datetime
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from crisiscomms import audit
from crisiscomms.models import Role, User
from crisiscomms.organisation import set_organisation
from crisiscomms.refusal import Refused


def require_administrator(by: User) -> None:
    if not by.has_role(Role.ADMINISTRATOR):
        raise Refused("Only an administrator may change people and set-up.")


@transaction.atomic
def add_person(
    *,
    email: str,
    name: str,
    roles: list[str],
    by: User | None,
    now: datetime,
    password: str | None = None,
    **fields: Any,
) -> User:
    """A new person. `by=None` is the installation itself (first administrator, demo).

    Without a password they set one by “Forgot your password?”.
    """
    if by is not None:
        require_administrator(by)
    if User.objects.active().filter(email__iexact=email.strip()).exists():
        raise Refused("Somebody with this e-mail address is here already.")
    try:
        with transaction.atomic():
            person = User.objects.create_user(
                email, password, name=name.strip(), roles=roles, date_joined=now, **fields
            )
    except IntegrityError:
        raise Refused("Somebody with this e-mail address is here already.") from None
    text = f"{person.name} added with the roles {_words(roles)}"
    audit.record(
        chain=audit.INSTALLATION, verb="person.added", subject=f"person:{person.pk}", text=text, by=by, now=now
    )
    return person


@transaction.atomic
def change_person(*, person_id: int, roles: list[str], is_active: bool, by: User, now: datetime, **fields: Any) -> User:
    """Change roles or access; effective with the person's next request and in queued work.

    Refuses to leave the installation without an administrator.
    """
    require_administrator(by)
    # All administrators are locked, so that two of them cannot remove each other at the same instant.
    admins = list(User.objects.with_role(Role.ADMINISTRATOR).select_for_update().values_list("pk", flat=True))
    person = User.objects.get_queryset().select_for_update().get(pk=person_id)
    keeps = is_active and Role.ADMINISTRATOR in roles
    if admins == [person.pk] and not keeps:
        raise Refused("This is the last administrator. Make somebody else one first.")
    person.roles, person.is_active = roles, is_active
    for name, value in fields.items():
        setattr(person, name, value)
    person.save()
    state = "" if is_active else ", without access"
    text = f"{person.name} now has the roles {_words(roles)}{state}"
    audit.record(
        chain=audit.INSTALLATION, verb="person.changed", subject=f"person:{person.pk}", text=text, by=by, now=now
    )
    return person


@transaction.atomic
def set_up_first(*, organisation: str, name: str, email: str, password: str, now: datetime) -> User:
    """The first administrator of an empty installation. Refused once anybody exists."""
    with connection.cursor() as cursor:
        # An empty table has no row to lock, so two who arrive together take turns here.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('first set-up', 0))")
    if User.objects.get_queryset().exists():
        raise Refused("This installation has people already. Sign in, or ask an administrator to add you.")
    person = User(email=email, name=name)
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise Refused(" ".join(error.messages)) from None
    set_organisation(name=organisation, from_name=organisation)
    roles = [Role.ADMINISTRATOR, Role.PRODUCT_MARKETING]
    return add_person(email=email, name=name, roles=[str(role) for role in roles], by=None, now=now, password=password)


def _words(roles: list[str]) -> str:
    return ", ".join(Role(role).label.lower() for role in roles) or "none"
