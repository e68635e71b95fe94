"""Adding people, changing what they may do, and letting them go without leaving anything alone."""

from datetime import datetime
from hashlib import blake2b
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from crisiscomms import changes, control, departures, invitations
from crisiscomms.changes import require_administrator
from crisiscomms.control import words
from crisiscomms.models import Role, User
from crisiscomms.organisation import set_organisation
from crisiscomms.refusal import Conflict, Refused

# What the page of a person shows and sends back.
SHOWN = ["name", "email", "title", "phone", "roles", "time_zone", "deputy_id", "out_from", "out_until", "is_active"]


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

    Without a password they are invited by mail. Roles that carry control are asked of a second administrator.
    """
    if by is not None:
        require_administrator(by)
        kept, wanted = control.without_control(roles, by)
    else:
        kept, wanted = roles, []
    if User.objects.active().filter(email__iexact=email.strip()).exists():
        raise Refused("Somebody with this e-mail address is here already.")
    try:
        with transaction.atomic():
            person = User.objects.create_user(email, password, name=name.strip(), roles=kept, date_joined=now, **fields)
    except IntegrityError:
        raise Refused("Somebody with this e-mail address is here already.") from None
    control.say("person.added", person, f"{person.name} added with the roles {words(kept)}", by, now)
    if by is not None and password is None:
        invitations.invite(person_id=person.pk, by=by, now=now)
    if by is not None and wanted:
        control.ask_for_roles(person, kept, wanted, by, now)
    return person


@transaction.atomic
def change_person(
    *,
    person_id: int,
    roles: list[str],
    is_active: bool,
    by: User,
    now: datetime,
    successor: User | None = None,
    seen: str = "",
    **fields: Any,
) -> User:
    """Change somebody; effective with their next request and in queued work.

    What weakens control is asked of a second administrator: new roles that carry it, another address of who holds one,
    the removal of one of the last two administrators. Everything else counts at once. Who loses access, or the roles
    for what they hold, hands it over to `successor`. `seen` is `as_seen` of what the page showed: raises Conflict when
    somebody else was first. Refuses to leave the installation without an administrator.
    """
    able = [one.pk for one in changes.lock_administrators(by) if one.can_sign_in]
    person = User.objects.get_queryset().select_for_update(no_key=True).get(pk=person_id)
    if seen and seen != as_seen(person):
        raise Conflict(_what_is_now(person))
    stays = is_active and Role.ADMINISTRATOR in roles
    if able == [person.pk] and not stays:
        raise Refused("This is the last administrator. Make somebody else one first.")
    if control.new_address_waits(person, fields.get("email", person.email), by):
        control.ask_for_address(person, fields.pop("email"), by, now)
    if control.removal_waits(person, stays=stays, able=able, by=by):
        control.ask_for_removal(person, roles, is_active, successor, by, now)
        roles, is_active = [*roles, control.ADMINISTRATOR] if is_active else person.roles, True
    kept, wanted = control.without_control(roles, by, has=person.roles if person.is_active else [])
    if person.is_active:
        departures.depart(person, roles=kept, stays=is_active, successor=successor, by=by, now=now)
    _write(person, by, now, roles=kept, is_active=is_active, **fields)
    if wanted and is_active:
        control.ask_for_roles(person, kept, wanted, by, now)
    return person


def _write(person: User, by: User, now: datetime, *, roles: list[str], is_active: bool, **fields: Any) -> None:
    before, said = person.email, _changed(person, fields)
    for name, value in {**fields, "roles": roles, "is_active": is_active}.items():
        setattr(person, name, value)
    person.save()
    state = "" if is_active else ", without access"
    control.say("person.changed", person, f"{person.name} now has the roles {words(roles)}{state}{said}", by, now)
    if person.email.lower() != before.lower():
        control.tell_old_address(person, before, by, now)


def as_seen(person: User) -> str:
    """A mark of everything that a page shows of a person and sends back."""
    shown = [getattr(person, name) for name in SHOWN]
    return blake2b(repr(shown).encode(), digest_size=12).hexdigest()


def _what_is_now(person: User) -> str:
    access = "has access" if person.is_active else "has no access"
    return (
        f"Somebody changed this person while you had the page open: {person.name} <{person.email}> {access} and has the "
        f"roles {words(person.roles)}. Look at it all once more; saving again puts in what stands here."
    )


def _changed(person: User, fields: dict[str, Any]) -> str:
    """What the record says besides roles and access. Name and address decide who somebody is, so both stand there."""
    moved = [name for name, value in fields.items() if getattr(person, name) != value]
    said = [
        f"; {label} was {getattr(person, name)}, is {fields[name]}"
        for name, label in (("name", "name"), ("email", "e-mail"))
        if name in moved
    ]
    others = [User._meta.get_field(name).verbose_name for name in moved if name not in ("name", "email")]
    return "".join(said) + (f"; also changed: {', '.join(map(str, others))}" if others else "")


@transaction.atomic
def release_administrator(*, email: str, now: datetime) -> User:
    """The installation itself takes the role from an administrator who is really gone and cannot confirm it.

    For whoever runs the server. Refused for the last one who can sign in.
    """
    locked = User.objects.with_role(Role.ADMINISTRATOR).select_for_update(no_key=True)
    admins = list(locked)
    person = next((one for one in admins if one.email.lower() == email.strip().lower()), None)
    if person is None:
        raise Refused("No administrator has this e-mail address.")
    if not [one for one in admins if one.can_sign_in and one.pk != person.pk]:
        raise Refused("This is the last administrator who can sign in. Add another one first: create_admin.")
    person.roles = [role for role in person.roles if role != Role.ADMINISTRATOR]
    person.save(update_fields=["roles"])
    text = f"{person.name} was released as an administrator by the installation; roles now: {words(person.roles)}"
    control.say("person.changed", person, text, None, now)
    return person


@transaction.atomic
def change_self(*, person: User, now: datetime, **fields: Any) -> User:
    """What everybody says about themselves: reachable how, in which zone, away until when, and who stands in."""
    me = User.objects.get_queryset().select_for_update(no_key=True).get(pk=person.pk)
    deputy, until = fields.get("deputy", me.deputy), fields.get("out_until", me.out_until)
    if until is not None and until > now and deputy is None:
        raise Refused("Name a deputy: somebody has to be asked while you are away.")
    for name, value in fields.items():
        setattr(me, name, value)
    me.save(update_fields=list(fields))
    away = f", away until {until:%-d %B %H:%M} UTC" if until is not None and until > now else ""
    control.say("person.changed_self", me, f"{me.name} changed their own details{away}", me, now)
    return me


@transaction.atomic
def take_roles(*, person_id: int, granted: set[str], governed: set[str], source: str, now: datetime) -> User:
    """What the company's identity provider says about somebody's roles, at their sign-in.

    It decides about the `governed` ones alone; others stay as they were given here. It never takes the last
    administrator away: then that role stays, and the record says so.
    """
    locked = User.objects.with_role(Role.ADMINISTRATOR).select_for_update(no_key=True)
    admins = [one.pk for one in locked if one.can_sign_in]
    person = User.objects.get_queryset().select_for_update(no_key=True).get(pk=person_id)
    wanted = {role for role in person.roles if role not in governed} | (granted & governed)
    kept = ""
    if Role.ADMINISTRATOR in person.roles and admins in ([], [person.pk]) and Role.ADMINISTRATOR not in wanted:
        wanted.add(str(Role.ADMINISTRATOR))
        kept = ", and stays the last administrator"
    if wanted == set(person.roles):
        return person
    person.roles = [role for role in Role.values if role in wanted]
    person.save(update_fields=["roles"])
    text = f"{source} gave {person.name} the roles {words(person.roles)} at sign-in{kept}"
    control.say("person.changed", person, text, None, now)
    return person


@transaction.atomic
def set_up_first(
    *, organisation: str, name: str, email: str, password: str, now: datetime, time_zone: str = "UTC"
) -> User:
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
    set_organisation(by=None, now=now, name=organisation, from_name=organisation)
    roles = [Role.ADMINISTRATOR, Role.PRODUCT_MARKETING]
    return add_person(
        email=email, name=name, roles=[str(role) for role in roles], by=None, now=now, password=password,
        time_zone=time_zone,
    )  # fmt: skip
