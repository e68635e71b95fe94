"""What a person holds in incidents, and how it passes to another when they lose access."""

from datetime import datetime

from crisiscomms import audit, handover, ways_in
from crisiscomms.models import User
from crisiscomms.refusal import Refused
from incidents import access, team
from incidents.actions import let_see, lock_incident, roles
from incidents.models import Deadline, Incident, IncidentUserObjectPermission, RoleAssignment
from incidents.team import ownership
from incidents.team.ownership import LEAD


def _leads(person: User) -> int:
    return Incident.objects.filter(lead=person, closed_at=None).count()


def _lead(*, person: User, to: User, by: User, now: datetime) -> None:
    for pk in Incident.objects.filter(lead=person, closed_at=None).order_by("pk").values_list("pk", flat=True):
        incident = lock_incident(pk)
        _let_in(incident, to)
        if not access.may(to, "work", incident):
            raise Refused(f"{to.name} cannot lead {incident.ref} with their roles. Choose somebody of the workshop.")
        roles.join(incident, to, now)
        held = team.assignment(incident, LEAD)
        roles.pass_role(incident, LEAD, held=held, holder=person, to=to, by=by, now=now)
        text = f"{to.name} leads now, in place of {person.name}"
        audit.record(chain=incident.chain, verb="incident.lead", subject=incident.ref, text=text, by=by, now=now)


def _roles(person: User) -> int:
    return RoleAssignment.objects.open().filter(person=person).exclude(role=LEAD).count()


def _pass_roles(*, person: User, to: User, by: User, now: datetime) -> None:
    """A role that the successor may not hold ends, and the lead is told that the place is empty."""
    mine = RoleAssignment.objects.open().filter(person=person).exclude(role=LEAD)
    for pk in mine.order_by("incident", "pk").values_list("pk", flat=True):
        incident = lock_incident(RoleAssignment.objects.get(pk=pk).incident_id)
        held = RoleAssignment.objects.open().select_related("person").filter(pk=pk).first()
        if held is None:
            continue
        rule = ownership.role(held.role)
        if rule is None or not rule.may_hold(to):
            roles.end(incident, held, by=by, now=now)
            continue
        _let_in(incident, to)
        roles.join(incident, to, now)
        roles.pass_role(incident, held.role, held=held, holder=person, to=to, by=by, now=now)
        text = f"{rule.label}: {to.name}, in place of {person.name}"
        audit.record(chain=incident.chain, verb="role.handed_over", subject=incident.ref, text=text, by=by, now=now)


def _clocks(person: User) -> int:
    return Deadline.objects.open().filter(owner=person).count()


def _watch(*, person: User, to: User, by: User, now: datetime) -> None:
    incidents = Incident.objects.filter(deadlines__in=Deadline.objects.open().filter(owner=person)).distinct()
    for incident in incidents.order_by("pk"):
        audit.hold(incident.chain)
        _let_in(incident, to)
        count = Deadline.objects.open().filter(owner=person, incident=incident).update(owner=to)
        text = f"{count} deadlines of {person.name} are {to.name}’s now"
        audit.record(chain=incident.chain, verb="deadline.owner", subject=incident.ref, text=text, by=by, now=now)


def _let_in(incident: Incident, to: User) -> None:
    if not access.may(to, "view", incident):
        let_see(incident=incident, person=to)
    if not access.may(to, "view", incident):
        raise Refused(f"{to.name} may not see {incident.ref} with their roles. Choose somebody else.")


def _end_grants(*, person: User, by: User, now: datetime) -> None:
    IncidentUserObjectPermission.objects.filter(user=person).delete()


ways_in.register(ways_in.WayIn("incidents", _end_grants, outlives_theft=True))
handover.register(handover.Holding("leads", "open incidents they lead", _leads, _lead, access.roles_may("work")))
handover.register(handover.Holding("roles", "roles in open incidents", _roles, _pass_roles, access.roles_may("work")))
handover.register(handover.Holding("clocks", "deadlines they watch", _clocks, _watch, access.roles_may("view")))
