"""Adding people, changing what they may do, and letting them go without leaving anything alone."""

from datetime import datetime
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from crisiscomms import audit, changes, handover, invitations
from crisiscomms.api import tokens
from crisiscomms.changes import require_administrator
from crisiscomms.models import ControlChange, Role, User
from crisiscomms.organisation import set_organisation
from crisiscomms.refusal import Conflict, Refused

# Who holds one of these decides what others may do or say: giving it takes two people.
CONTROL_ROLES = {Role.ADMINISTRATOR, Role.EXECUTIVE, Role.LEGAL, Role.SECURITY}


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
        kept, wanted = _without_control(roles, by)
    else:
        kept, wanted = roles, []
    if User.objects.active().filter(email__iexact=email.strip()).exists():
        raise Refused("Somebody with this e-mail address is here already.")
    try:
        with transaction.atomic():
            person = User.objects.create_user(email, password, name=name.strip(), roles=kept, date_joined=now, **fields)
    except IntegrityError:
        raise Refused("Somebody with this e-mail address is here already.") from None
    _say("person.added", person, f"{person.name} added with the roles {_words(kept)}", by, now)
    if by is not None and password is None:
        invitations.invite(person_id=person.pk, by=by, now=now)
    if by is not None and wanted:
        _ask_for_roles(person, kept, wanted, by, now)
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
    **fields: Any,
) -> User:
    """Change roles or access; effective with the person's next request and in queued work.

    New roles that carry control are asked of a second administrator; everything else counts at once. Who loses access
    hands over what they hold to `successor`. Refuses to leave the installation without an administrator.
    """
    require_administrator(by)
    # All administrators are locked, so that two of them cannot remove each other at the same instant. Not their keys:
    # a record that is being written names its actor, and must not wait for us while we wait for it.
    locked = User.objects.with_role(Role.ADMINISTRATOR).select_for_update(no_key=True)
    admins = [one.pk for one in locked if one.can_sign_in]
    person = User.objects.get_queryset().select_for_update(no_key=True).get(pk=person_id)
    if admins == [person.pk] and not (is_active and Role.ADMINISTRATOR in roles):
        raise Refused("This is the last administrator. Make somebody else one first.")
    kept, wanted = _without_control(roles, by, has=person.roles if person.is_active else [])
    if person.is_active and not is_active:
        _leave(person, successor, by, now)
    person.roles, person.is_active = kept, is_active
    for name, value in fields.items():
        setattr(person, name, value)
    person.save()
    state = "" if is_active else ", without access"
    _say("person.changed", person, f"{person.name} now has the roles {_words(kept)}{state}", by, now)
    if wanted and is_active:
        _ask_for_roles(person, kept, wanted, by, now)
    return person


def _leave(person: User, successor: User | None, by: User, now: datetime) -> None:
    """Whoever loses access leaves nothing alone: no clock without an owner, no incident without a lead."""
    held = handover.held_by(person)
    if held and successor is None:
        words = ", ".join(f"{count} {holding.words}" for holding, count in held)
        raise Refused(f"{person.name} holds {words}. Choose who takes that over.")
    if successor is not None:
        if successor.pk == person.pk or not successor.is_active:
            raise Refused("Choose somebody else, who has access, to take over.")
        given = handover.pass_all_on(person=person, to=successor, by=by, now=now)
        if given:
            _say("person.handed_over", person, f"{person.name} handed over to {successor.name}: {given}", by, now)
    invitations.withdraw_all(person, now)
    tokens.revoke_all(person=person, by=by, now=now)


def _without_control(roles: list[str], by: User, *, has: list[str] | None = None) -> tuple[list[str], list[str]]:
    """The roles that count at once, and those that a second administrator has to confirm first."""
    new = [role for role in roles if role in CONTROL_ROLES and role not in (has or [])]
    if not new or not changes.others(by):
        return list(roles), []
    return [role for role in roles if role not in new], new


def _ask_for_roles(person: User, kept: list[str], wanted: list[str], by: User, now: datetime) -> None:
    changes.ask(
        kind="roles",
        subject=f"person:{person.pk}",
        title=f"{person.name}: give the roles {_words(wanted)}",
        payload={"person": person.pk, "add": [str(role) for role in wanted]},
        differences=[("Roles", _words(kept), _words([*kept, *wanted]))],
        reason=f"Asked for on the page of {person.name}.",
        by=by,
        now=now,
    )


def _give_roles(change: ControlChange, now: datetime) -> None:
    person = User.objects.get_queryset().select_for_update(no_key=True).get(pk=change.payload["person"])
    if not person.is_active:
        raise Conflict(f"{person.name} no longer has access. Refuse this.")
    person.roles = [*person.roles, *(role for role in change.payload["add"] if role not in person.roles)]
    person.save(update_fields=["roles"])
    _say("person.changed", person, f"{person.name} now has the roles {_words(person.roles)}", change.asked_by, now)


changes.register(changes.Kind("roles", "Roles of a person", _give_roles))


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
    _say("person.changed_self", me, f"{me.name} changed their own details{away}", me, now)
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
    text = f"{source} gave {person.name} the roles {_words(person.roles)} at sign-in{kept}"
    _say("person.changed", person, text, None, now)
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
    set_organisation(by=None, now=now, name=organisation, from_name=organisation)
    roles = [Role.ADMINISTRATOR, Role.PRODUCT_MARKETING]
    return add_person(email=email, name=name, roles=[str(role) for role in roles], by=None, now=now, password=password)


def _say(verb: str, person: User, text: str, by: User | None, now: datetime) -> None:
    audit.record(chain=audit.INSTALLATION, verb=verb, subject=f"person:{person.pk}", text=text, by=by, now=now)


def _words(roles: list[str]) -> str:
    return ", ".join(Role(role).label.lower() for role in roles) or "none"
