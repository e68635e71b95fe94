"""Phases, severity, milestones: how an incident moves, and what may stop it."""

from datetime import datetime

from django.db import transaction
from guardian.shortcuts import assign_perm

from crisiscomms import audit, notices
from crisiscomms.models import User
from crisiscomms.refusal import Refused
from incidents import access, criteria, deadlines, obligations, signals
from incidents.actions.components import WORKING, set_component_state
from incidents.models import ComponentState, CriterionWaiver, Incident, Milestone

Phase = Incident.Phase


def lock_incident(incident_id: int) -> Incident:
    """The incident, alone to its caller until the transaction ends. Its record's lock comes first, always."""
    audit.hold(Incident.objects.only("number").get(pk=incident_id).chain)
    return Incident.objects.select_for_update(of=("self",)).select_related("lead").get(pk=incident_id)


def let_see(*, incident: Incident, person: User) -> None:
    """Let one person see this incident by name: team members, and executives who are asked to approve."""
    assign_perm("incidents.view_incident", person, incident)


@transaction.atomic
def move_phase(*, incident_id: int, to: str, by: User, now: datetime, waive_reason: str = "") -> Incident:
    """Go to another phase. Exit criteria that are not met need `waive_reason`, recorded with the name.

    Raises Refused for a move that is not in MOVES, for a person who may not, or for open criteria.
    """
    incident = lock_incident(incident_id)
    access.require(by, "lead", incident)
    if to not in Incident.MOVES[incident.phase]:
        raise Refused(f"From {incident.get_phase_display().lower()} there is no way to {_label(to)}.")
    if to == Phase.CLOSED and incident.phase != Phase.RECOVERY:
        raise Refused("An incident closes from recovery. If it was a false alarm, stand it down.")
    back = to == Phase.MANAGEMENT and incident.phase in (Phase.RESOLUTION, Phase.RECOVERY)
    if back and not waive_reason.strip():
        raise Refused("Say why it goes back to management.")
    if not back:
        _leave(incident, by, now, waive_reason)
    _enter(incident, to, by, now, waive_reason if back else "")
    return incident


def _leave(incident: Incident, by: User, now: datetime, waive_reason: str) -> None:
    missing = [item for item in criteria.exit_criteria(incident) if not item.is_met]
    if not missing:
        return
    if not waive_reason.strip():
        open_ones = "; ".join(item.text for item in missing)
        raise Refused(f"{incident.get_phase_display()} cannot end yet: {open_ones}. Waive with a reason if it must.")
    CriterionWaiver.objects.create(
        incident=incident,
        phase=incident.phase,
        keys=[item.key for item in missing],
        reason=waive_reason.strip(),
        by=by,
        at=now,
    )
    text = f"Waived by {by}: {'; '.join(item.text for item in missing)}. Reason: {waive_reason.strip()}"
    audit.record(
        chain=incident.chain, verb="criteria.waived", subject=f"incident:{incident.pk}", text=text, by=by, now=now
    )


def _enter(incident: Incident, to: str, by: User, now: datetime, reason: str) -> None:
    was = incident.get_phase_display()
    incident.phase = to
    incident.phase_since = now
    if to == Phase.RESOLUTION:
        incident.resolved_at = now
    if to == Phase.MANAGEMENT:
        incident.reopened_at = now if incident.resolved_at else incident.reopened_at
        incident.resolved_at = None
    if to == Phase.CLOSED:
        incident.closed_at = now
    incident.save(update_fields=["phase", "phase_since", "reopened_at", "resolved_at", "closed_at"])
    text = f"Phase: {was} → {incident.get_phase_display()}" + (f". {reason}" if reason else "")
    audit.record(
        chain=incident.chain, verb="incident.moved", subject=f"incident:{incident.pk}", text=text, by=by, now=now
    )
    if to == Phase.RESOLUTION:
        _resolve(incident, by, now)
    if to == Phase.CLOSED:
        signals.incident_closed.send(sender=Incident, incident=incident, by=by, now=now)
        deadlines.waive_all(incident=incident, reason="The incident was closed.", by=by, now=now)
    if to == Phase.MANAGEMENT:
        _reopen(incident, by, now)
    obligations.renew(incident, by=by, now=now)


def _reopen(incident: Incident, by: User, now: datetime) -> None:
    """Not fixed after all: what followed from the resolution rests, and has to be earned anew."""
    for deadline in incident.deadlines.open().filter(kind="recovery_task"):
        deadlines.waive(
            incident=incident,
            kind=deadline.kind,
            subject=deadline.subject,
            reason="The incident went back to management.",
            by=by,
            now=now,
        )
    incident.milestones.filter(kind__in=[Milestone.Kind.MITIGATED, Milestone.Kind.RESOLVED_TOLD]).delete()


def _resolve(incident: Incident, by: User, now: datetime) -> None:
    for state in ComponentState.objects.open().filter(incident=incident).select_related("component"):
        set_component_state(incident=incident, component=state.component, state=WORKING, by=by, now=now)
    # Recovery opens its programme in the same transaction; see docs/adr on signals.
    signals.incident_resolved.send(sender=Incident, incident=incident, by=by, now=now)


@transaction.atomic
def stand_down(*, incident_id: int, reason: str, by: User, now: datetime) -> Incident:
    """It was a false alarm: close it from any phase before resolution, with a reason, and go quiet."""
    incident = lock_incident(incident_id)
    access.require(by, "lead", incident)
    if Phase.CLOSED not in Incident.MOVES[incident.phase] or incident.phase == Phase.RECOVERY:
        raise Refused(f"An incident in {incident.get_phase_display().lower()} cannot be stood down.")
    if not reason.strip():
        raise Refused("Say why it is stood down.")
    for state in ComponentState.objects.open().filter(incident=incident).select_related("component"):
        set_component_state(incident=incident, component=state.component, state=WORKING, by=by, now=now)
    incident.stood_down = True
    incident.save(update_fields=["stood_down"])
    _enter(incident, Phase.CLOSED, by, now, f"Stood down. {reason.strip()}")
    return incident


@transaction.atomic
def change_severity(*, incident_id: int, severity: str, by: User, now: datetime) -> Incident:
    """Change how bad it is, and re-plan the open clocks that follow from it; the timeline says so."""
    incident = lock_incident(incident_id)
    access.require(by, "lead", incident)
    if severity not in Incident.Severity.values:
        raise Refused("Choose a severity from the list.")
    if incident.phase == Phase.CLOSED:
        raise Refused("A closed incident keeps its severity.")
    if incident.severity == severity:
        return incident
    was = incident.get_severity_display()
    incident.severity, incident.severity_since = severity, now
    incident.save(update_fields=["severity", "severity_since"])
    text = f"Severity: {was} → {incident.get_severity_display()}. " + obligations.in_words(
        obligations.renew(incident, by=by, now=now)
    )
    audit.record(
        chain=incident.chain, verb="incident.severity", subject=f"incident:{incident.pk}", text=text, by=by, now=now
    )
    team = [member.person for member in incident.team.select_related("person")]
    notices.tell(
        team, kind="severity", key=f"{incident.ref}:{now.isoformat()}", now=now, incident=incident.pk, text=text
    )
    return incident


@transaction.atomic
def reach_milestone(*, incident: Incident, kind: str, by: User | None, now: datetime) -> bool:
    """Note that something was reached. Safe to repeat; returns whether it was new.

    `by=None` is a higher house that knows it from what has left (acknowledged, told as resolved).
    """
    if by is not None:
        access.require(by, "work", incident)
        if kind in (Milestone.Kind.ACKNOWLEDGED, Milestone.Kind.RESOLVED_TOLD):
            raise Refused("This is noted by itself when a message has left.")
    if kind not in Milestone.Kind.values:
        raise Refused("Choose a milestone from the list.")
    _, is_new = Milestone.objects.get_or_create(incident=incident, kind=kind, defaults={"reached_at": now, "by": by})
    if is_new:
        text = f"Milestone: {Milestone.Kind(kind).label.lower()}"
        audit.record(
            chain=incident.chain, verb="milestone.reached", subject=f"incident:{incident.pk}", text=text, by=by, now=now
        )
        signals.milestone_reached.send(sender=Incident, incident=incident, kind=kind, by=by, now=now)
        obligations.renew(incident, by=by, now=now)
    return is_new


def _label(phase: str) -> str:
    return str(Phase(phase).label.lower()) if phase in Phase.values else "a phase that does not exist"
