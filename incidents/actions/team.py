"""Who is on the team of an incident: brought in and let go."""

from datetime import datetime

from django.db import transaction

from crisiscomms import audit, notices
from crisiscomms.models import Role, User
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import abilities, access, team
from incidents.actions import roles
from incidents.actions.lifecycle import lock_incident
from incidents.models import Incident, IncidentUserObjectPermission, TeamMember


@transaction.atomic
def add_to_team(*, incident_id: int, person: User, by: User, now: datetime, role: str = "") -> list[User]:
    """Bring somebody in, and their deputy while they are away; `role` is the department they are there for.

    Returns who is new, each of whom is told. Raises Conflict when they are on it already.
    """
    incident = lock_incident(incident_id)
    access.require(by, "work", incident)
    if incident.phase == Incident.Phase.CLOSED:
        raise Refused(f"{incident.ref} is closed, and its team stays as it is.")
    if not team.may_let_in(by, incident):
        raise NotAllowed(_only_some(incident))
    if role and role not in person.roles:
        raise Refused(f"{person} is not of this department. Choose one of theirs.")
    _require_guest(person, incident)
    new = [person] if roles.join(incident, person, now, role=role) else []
    if not new:
        raise Conflict(f"{person} is on the team of {incident.ref} already.")
    text = f"{person} ({Role(role or person.roles[0]).label}) joins the team"
    deputy = team.stand_in(person, now)
    if deputy is not None and access.may(deputy, "view"):
        text += f". They are away: {deputy} stands in for them"
        new += [deputy] if roles.join(incident, deputy, now, stands_in_for=person) else []
    _say(incident, "joined", text, by, now)
    notices.tell(new, kind="team_joined", key=f"{incident.ref}:{now.isoformat()}", now=now, incident=incident.pk)
    return new


def _require_guest(person: User, incident: Incident) -> None:
    if not access.may(person, "view"):
        raise Refused(f"{person} may not see incidents with their roles, so they cannot be on a team.")


@transaction.atomic
def remove_from_team(*, incident_id: int, person: User, by: User, now: datetime) -> None:
    """Let somebody go: their roles end, their clocks pass on, and of a restricted incident they see nothing at once."""
    incident = lock_incident(incident_id)
    access.require(by, "view", incident)
    if person != by and not team.may_give(by, incident, None, now):
        raise NotAllowed(
            f"You may take yourself off the team of {incident.ref}. {incident.lead}, who leads it, may take others "
            f"off. So may {roles.LEADERS}."
        )
    if incident.phase == Incident.Phase.CLOSED:
        raise Refused(f"{incident.ref} is closed, and its team stays as it is.")
    member = TeamMember.objects.filter(incident=incident, person=person).first()
    if member is None:
        raise Conflict(f"{person} is not on the team of {incident.ref} any more.")
    if incident.lead == person:
        raise Refused(f"{person} leads {incident.ref}. Hand the lead over first.")
    if incident.deadlines.open().filter(owner=person, kind="recovery_task").exists():
        raise Refused(f"{person} owns tasks of the recovery programme. Hand those over on its board first.")
    member.delete()
    for held in incident.roles.open().filter(person=person).select_related("person"):
        roles.end(incident, held, by=by, now=now)
    _pass_clocks(incident, person, now)
    IncidentUserObjectPermission.objects.filter(user=person, content_object=incident).delete()
    _say(incident, "left", f"{person} is not on the team any more", by, now)
    if person != by:
        key = f"{incident.ref}:{now.isoformat()}"
        notices.tell([person], kind="team_left", key=key, now=now, incident=incident.pk, ref=incident.ref)


def _pass_clocks(incident: Incident, person: User, now: datetime) -> None:
    for deadline in incident.deadlines.open().filter(owner=person):
        deadline.owner = team.owner_for(incident, deadline.kind, now)
        if deadline.owner == person:
            deadline.owner = incident.lead
        deadline.save(update_fields=["owner"])


def assemble(incident: Incident, *, by: User, now: datetime) -> list[User]:
    """The team of the first minute. Returns who is told."""
    told = team.first_team(incident.severity, by, restricted=incident.restricted, now=now)
    for one in told:
        roles.join(incident, one.person, now, role=one.role, stands_in_for=one.stands_in_for)
    on_duty = [one.person.pk for one in told if one.is_on_duty]
    incident.team.filter(person__in=on_duty).update(was_on_duty=True)
    return [one.person for one in told]


def _still_open(asked: abilities.Asked) -> str:
    return "It is closed." if asked.incident.phase == Incident.Phase.CLOSED else ""


def _lets_in(asked: abilities.Asked) -> str:
    if not (access.may(asked.person, "work") and asked.sees):
        return access.refusal("work")
    return "" if team.may_let_in(asked.person, asked.incident) else _only_some(asked.incident)


def _only_some(incident: Incident) -> str:
    return (
        f"{incident.ref} is restricted. {incident.lead}, who leads it, may bring somebody in. "
        f"So may {roles.LEADERS} who are on it."
    )


abilities.register(abilities.Ability("take_role", "Take a role", _still_open))
abilities.register(abilities.Ability("add_to_team", "Add somebody to the team", _still_open, _lets_in))


def _say(incident: Incident, what: str, text: str, by: User, now: datetime) -> None:
    audit.record(
        chain=incident.chain, verb=f"team.{what}", subject=f"incident:{incident.pk}", text=text, by=by, now=now
    )
