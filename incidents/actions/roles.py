"""Roles in an incident: taken, handed over with a note, and ended. One person at a time holds each."""

from datetime import datetime

from django.db import transaction

from crisiscomms import audit, notices
from crisiscomms.models import Role, User
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import access, team
from incidents.actions.lifecycle import let_see, lock_incident
from incidents.models import Deadline, Incident, RoleAssignment, TeamMember
from incidents.team import ownership
from incidents.team.ownership import LEAD, RoleRule

NOTE_LIMIT = 2000
# Who may decide about roles and teams besides whoever leads the incident, in words.
LEADERS = "people of " + ", ".join(sorted(str(Role(role).label) for role in access.MAY["lead"]))
# Deadlines that follow somebody's seat or task, not a role in the incident.
BOUND = ("approval", "recovery_task")


@transaction.atomic
def assume_role(*, incident_id: int, role: str, by: User, now: datetime) -> RoleAssignment:
    """Take a role that nobody holds. Raises Conflict when somebody was first, NotAllowed with who may hold it."""
    incident = lock_incident(incident_id)
    access.require(by, "work", incident)
    rule = _rule(incident, role)
    held = team.holder(incident, role)
    if held is not None:
        who = "You hold" if held == by else f"{held} holds"
        raise Conflict(f"{who} this role already: {rule.label.lower()} of {incident.ref}. It can be handed over.")
    _require_able(by, rule, incident)
    join(incident, by, now)
    made = _begin(incident, rule.key, by, by=by, now=now)
    count = incident.deadlines.open().filter(kind__in=rule.clocks).exclude(owner=by).update(owner=by)
    _say(incident, "assumed", f"{rule.label}: {by}{_clocks(count)}", by, now)
    return made


@transaction.atomic
def hand_over_role(
    *, incident_id: int, role: str, to: User, note: str, by: User, now: datetime, seen: int | None = None
) -> RoleAssignment:
    """Give a role to somebody, with a note, whether or not anybody holds it. They are told, with what is open.

    `seen` is the assignment that the page showed (0 for nobody): raises Conflict when it was handed over meanwhile.
    """
    incident = lock_incident(incident_id)
    rule = _rule(incident, role)
    held = team.assignment(incident, role)
    holder = held.person if held else team.holder(incident, role)
    if seen is not None and seen != (held.pk if held else 0):
        now_held = f"{holder} holds it now" if holder else "Nobody holds it now"
        raise Conflict(f"{rule.label} changed hands while you had the page open. {now_held}: look again.")
    _require_may_give(by, rule, incident, holder, now)
    if not note.strip():
        raise Refused("Say what the next one has to know: where things stand, and what comes next.")
    if len(note) > NOTE_LIMIT:
        raise Refused(f"The note may have {NOTE_LIMIT} characters at most.")
    if to == holder:
        raise Refused(f"{to} holds this role already.")
    if not access.may(to, "work", incident):
        _bring_in(incident, to, by, now)
    _require_able(to, rule, incident)
    join(incident, to, now)
    made = pass_role(incident, rule.key, held=held, holder=holder, to=to, note=note.strip(), by=by, now=now)
    before = f"{holder} hands over to {to}" if holder == by else f"{to} in place of {holder}" if holder else str(to)
    _say(incident, "handed_over", f"{rule.label}: {before}. Note: {note.strip()}", by, now)
    if to != by:
        notices.tell([to], kind="role_given", key=f"role:{made.pk}", now=now, role=made.pk)
    if holder is not None and holder != by:
        notices.tell([holder], kind="role_passed", key=f"role:{made.pk}", now=now, role=made.pk)
    return made


@transaction.atomic
def release_role(*, incident_id: int, role: str, by: User, now: datetime) -> None:
    """End a role: nobody holds it then, and its clocks go to who is on duty for it, else to the lead."""
    incident = lock_incident(incident_id)
    rule = _rule(incident, role)
    held = team.assignment(incident, role)
    _require_may_give(by, rule, incident, held.person if held else None, now)
    if role == LEAD:
        raise Refused("Somebody has to lead it: hand the lead over.")
    if held is None:
        raise Conflict(f"Nobody holds this role any more: {rule.label.lower()} of {incident.ref}.")
    end(incident, held, by=by, now=now)


def end(incident: Incident, held: RoleAssignment, *, by: User, now: datetime) -> None:
    """Inside the caller's transaction, who holds the incident's lock. The lead is told that the place is empty."""
    _end(held, by=by, now=now)
    rule = ownership.role(held.role)
    count = settle_clocks(incident, held.person, now, rule.clocks if rule else ())
    _say(incident, "released", f"{ownership.label_of(held.role)}: {held.person} ends it{_clocks(count)}", by, now)
    if incident.lead != by:
        notices.tell([incident.lead], kind="role_vacant", key=f"role:{held.pk}", now=now, role=held.pk)


def begin_lead(incident: Incident, *, by: User | None, now: datetime) -> RoleAssignment:
    """Whoever leads it now holds the role of it: a new incident, or a watch item that somebody else declares."""
    held = team.assignment(incident, LEAD)
    if held is not None and held.person == incident.lead:
        return held
    if held is not None:
        _end(held, by=by, now=now)
    return _begin(incident, LEAD, incident.lead, by=by, now=now)


def pass_role(
    incident: Incident,
    role: str,
    *,
    held: RoleAssignment | None,
    holder: User | None,
    to: User,
    by: User,
    now: datetime,
    note: str = "",
) -> RoleAssignment:
    """End it for one and begin it for the other, with its clocks; the lead is written on the incident as well."""
    if held is not None:
        _end(held, by=by, now=now)
    made = _begin(incident, role, to, by=by, now=now, note=note)
    if role == LEAD:
        incident.lead = to
        incident.save(update_fields=["lead"])
        # Whatever no other role of theirs holds goes with the lead; decisions and tasks stay whose they are.
        kinds = tuple(incident.deadlines.open().exclude(kind__in=BOUND).values_list("kind", flat=True).distinct())
    else:
        rule = ownership.role(role)
        kinds = rule.clocks if rule else ()
    if holder is not None:
        settle_clocks(incident, holder, now, kinds)
    if role != LEAD:
        incident.deadlines.open().filter(kind__in=kinds).exclude(owner=to).update(owner=to)
    return made


def settle_clocks(incident: Incident, person: User, now: datetime, kinds: tuple[str, ...]) -> int:
    """Give this person's open clocks of these kinds to whom they belong now. Returns how many moved."""
    moved = 0
    for kind in kinds:
        owner = team.owner_for(incident, kind, now)
        if owner != person:
            moved += Deadline.objects.open().filter(incident=incident, owner=person, kind=kind).update(owner=owner)
    return moved


def end_all(incident: Incident, *, by: User, now: datetime) -> None:
    """The incident is over, and so is every role in it."""
    for held in incident.roles.open():
        _end(held, by=by, now=now)


def join(incident: Incident, person: User, now: datetime, *, role: str = "", stands_in_for: User | None = None) -> bool:
    """On the team, and able to see it. Returns whether they were not on it before."""
    let_see(incident=incident, person=person)
    fields = {"role": role or person.roles[0], "joined_at": now, "stands_in_for": stands_in_for}
    return TeamMember.objects.get_or_create(incident=incident, person=person, defaults=fields)[1]


def _bring_in(incident: Incident, person: User, by: User, now: datetime) -> None:
    """Of a restricted incident only some may let somebody in; a seller nobody can."""
    if not access.may(person, "work"):
        raise Refused(f"{person} cannot work on incidents with their roles. Choose somebody of the workshop.")
    if not team.may_let_in(by, incident):
        raise NotAllowed(
            f"{incident.ref} is restricted and {person} is not on its team. "
            f"{incident.lead}, who leads it, may let them in. So may {LEADERS} who are on it."
        )
    join(incident, person, now)


def _rule(incident: Incident, role: str) -> RoleRule:
    rule = ownership.role(role)
    if rule is None:
        raise Refused("There is no such role. Choose one from the list.")
    if incident.phase == Incident.Phase.CLOSED:
        raise Refused(f"{incident.ref} is closed. Its roles ended with it.")
    return rule


def _require_able(person: User, rule: RoleRule, incident: Incident) -> None:
    if not rule.may_hold(person):
        raise NotAllowed(
            f"{person} may not be {rule.label.lower()} of {incident.ref}. People of these departments may: "
            f"{rule.departments_label}."
        )
    access.require(person, "work", incident)


def _require_may_give(by: User, rule: RoleRule, incident: Incident, holder: User | None, now: datetime) -> None:
    access.require(by, "work", incident)
    if not team.may_give(by, incident, holder, now):
        whose = f"{holder}, who holds it, may. " if holder is not None and holder != incident.lead else ""
        raise NotAllowed(
            f"You may not decide who is {rule.label.lower()} of {incident.ref}. {whose}"
            f"{incident.lead}, who leads it, may. So may {LEADERS}."
        )


def _begin(
    incident: Incident, role: str, person: User, *, by: User | None, now: datetime, note: str = ""
) -> RoleAssignment:
    return RoleAssignment.objects.create(incident=incident, role=role, person=person, began_at=now, note=note, by=by)


def _end(held: RoleAssignment, *, by: User | None, now: datetime) -> None:
    held.ended_at, held.ended_by = max(now, held.began_at), by
    held.save(update_fields=["ended_at", "ended_by"])


def _clocks(count: int) -> str:
    return f"; {count} clock{'s' if count > 1 else ''} with it" if count else ""


def _say(incident: Incident, what: str, text: str, by: User, now: datetime) -> None:
    audit.record(
        chain=incident.chain, verb=f"role.{what}", subject=f"incident:{incident.pk}", text=text, by=by, now=now
    )
