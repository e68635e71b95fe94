"""Changes of people that weaken control: a second administrator confirms them, as long as there is one."""

from datetime import datetime

from crisiscomms import audit, changes, departures, notices
from crisiscomms.models import ControlChange, Notice, Role, User
from crisiscomms.notices import Mail
from crisiscomms.refusal import Conflict

# Who holds one of these decides what others may do or say: giving it takes two people.
CONTROL_ROLES = {Role.ADMINISTRATOR, Role.EXECUTIVE, Role.LEGAL, Role.SECURITY}
ADMINISTRATOR = str(Role.ADMINISTRATOR)


def without_control(roles: list[str], by: User, *, has: list[str] | None = None) -> tuple[list[str], list[str]]:
    """The roles that count at once, and those that a second administrator has to confirm first."""
    new = [role for role in roles if role in CONTROL_ROLES and role not in (has or [])]
    if not new or not changes.others(by):
        return list(roles), []
    return [role for role in roles if role not in new], new


def holds_control(person: User) -> bool:
    return bool(set(person.roles) & CONTROL_ROLES)


def new_address_waits(person: User, email: str, by: User) -> bool:
    """Codes and links of approval go to the address: whoever chooses it could answer in the person's name."""
    return email.lower() != person.email.lower() and holds_control(person) and bool(changes.others(by))


def removal_waits(person: User, *, stays: bool, able: list[int], by: User) -> bool:
    """Whether too few administrators would be left to watch each other. `able` are those who can sign in."""
    return person.pk in able and not stays and len(able) <= 2 and bool(changes.others(by))


def ask_for_roles(person: User, kept: list[str], wanted: list[str], by: User, now: datetime) -> None:
    changes.ask(
        kind="roles",
        subject=f"person:{person.pk}",
        title=f"{person.name}: give the roles {words(wanted)}",
        payload={"person": person.pk, "add": [str(role) for role in wanted], "email": person.email},
        differences=[
            ("Roles", words(kept), words([*kept, *wanted])),
            ("E-mail, which stays", person.email, person.email),
        ],
        reason=f"Asked for on the page of {person.name}.",
        by=by,
        now=now,
    )


def _give_roles(change: ControlChange, now: datetime) -> None:
    person = _person(change)
    if not person.is_active:
        raise Conflict(f"{person.name} no longer has access. Refuse this.")
    if change.payload.get("email", person.email) != person.email:
        raise Conflict(f"The e-mail address of {person.name} has changed since this was asked for. Refuse this.")
    person.roles = [*person.roles, *(role for role in change.payload["add"] if role not in person.roles)]
    person.save(update_fields=["roles"])
    say("person.changed", person, f"{person.name} now has the roles {words(person.roles)}", change.asked_by, now)


def ask_for_address(person: User, email: str, by: User, now: datetime) -> None:
    changes.ask(
        kind="address",
        subject=f"person:{person.pk}",
        title=f"{person.name}: another e-mail address",
        payload={"person": person.pk, "before": person.email, "email": email},
        differences=[("E-mail", person.email, email)],
        reason=f"Asked for on the page of {person.name}. Codes and links of approval go there: ask them in person.",
        by=by,
        now=now,
    )


def _change_address(change: ControlChange, now: datetime) -> None:
    person, before, email = _person(change), change.payload["before"], change.payload["email"]
    if person.email != before:
        raise Conflict(f"The e-mail address of {person.name} has changed since this was asked for. Refuse this.")
    if User.objects.get_queryset().exclude(pk=person.pk).filter(email__iexact=email).exists():
        raise Conflict("Somebody with this e-mail address is here already. Refuse this.")
    person.email = email
    person.save(update_fields=["email"])
    say("person.changed", person, f"{person.name}: e-mail was {before}, is {email}", change.asked_by, now)
    tell_old_address(person, before, change.asked_by, now)


def ask_for_removal(
    person: User, roles: list[str], is_active: bool, successor: User | None, by: User, now: datetime
) -> None:
    """Take the administrator's role or the access of one of the last two. The other one confirms, or it is taken back."""
    left = [role for role in person.roles if role != ADMINISTRATOR or role in roles]
    departures.check(person, roles=left, stays=is_active, successor=successor)
    before, after = ["yes", words(person.roles)], ["yes" if is_active else "no", words(left)]
    changes.ask(
        kind="administrator",
        subject=f"person:{person.pk}",
        title=f"{person.name}: {'no longer an administrator' if is_active else 'without access'}",
        payload={
            "person": person.pk,
            "roles": [str(role) for role in left],
            "is_active": is_active,
            "successor": successor.pk if successor else None,
        },
        differences=[
            (what, was, will)
            for what, was, will in zip(("Has access", "Roles"), before, after, strict=True)
            if was != will
        ],
        reason="Fewer than two administrators would be left.",
        by=by,
        now=now,
    )


def _remove(change: ControlChange, now: datetime) -> None:
    person, by = _person(change), change.asked_by
    able = [one.pk for one in User.objects.with_role(Role.ADMINISTRATOR) if one.can_sign_in]
    if able == [person.pk]:
        raise Conflict(f"{person.name} is the last administrator now. Refuse this.")
    successor = User.objects.active().filter(pk=change.payload["successor"]).first()
    is_active = change.payload["is_active"]
    roles = [role for role in person.roles if role != ADMINISTRATOR or role in change.payload["roles"]]
    departures.depart(person, roles=roles, stays=is_active, successor=successor, by=by, now=now)
    person.roles, person.is_active = roles, is_active
    person.save(update_fields=["roles", "is_active"])
    state = "" if is_active else ", without access"
    say("person.changed", person, f"{person.name} now has the roles {words(roles)}{state}", by, now)


changes.register(changes.Kind("roles", "Roles of a person", _give_roles))
changes.register(changes.Kind("address", "E-mail address of a person", _change_address))
changes.register(changes.Kind("administrator", "Removal of an administrator", _remove))


def tell_old_address(person: User, before: str, by: User, now: datetime) -> None:
    """By mail to the address that was: who reads it there is who would be robbed."""
    key = f"{person.pk}:{now.isoformat()}"
    notices.tell([person], kind="address_changed", key=key, now=now, before=before, by=by.pk)


@notices.renders("address_changed", urgency="urgent", mail_only=True)
def _address_changed(notice: Notice, now: datetime) -> Mail | None:
    by = User.objects.get_queryset().get(pk=notice.context["by"])
    return Mail(
        "Your e-mail address was changed",
        [
            f"{by.name} changed the address of your account. Mail of Crisis Comms no longer comes to this one.",
            "If you know nothing of it, call another administrator now: somebody may want to act in your name.",
        ],
        to_address=notice.context["before"],
    )


def _person(change: ControlChange) -> User:
    return User.objects.get_queryset().select_for_update(no_key=True).get(pk=change.payload["person"])


def say(verb: str, person: User, text: str, by: User | None, now: datetime) -> None:
    audit.record(chain=audit.INSTALLATION, verb=verb, subject=f"person:{person.pk}", text=text, by=by, now=now)


def words(roles: list[str]) -> str:
    return ", ".join(Role(role).label.lower() for role in roles) or "none"
