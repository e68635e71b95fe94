"""Phases, severity, milestones: how an incident moves, and what may stop it."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import transaction
from guardian.shortcuts import assign_perm

from crisiscomms import audit, notices
from crisiscomms.models import User
from crisiscomms.refusal import Conflict, Refused
from crisiscomms.wording import readers_time
from incidents import abilities, access, criteria, deadlines, decisions, signals
from incidents.actions.components import WORKING, minute_of, moment_within, put_component
from incidents.actions.locking import lock_incident
from incidents.clock import obligations
from incidents.models import ComponentState, CriterionTick, CriterionWaiver, Incident, Milestone, PhaseSpan

Phase = Incident.Phase
# What does not hold any more once it turns out not to be fixed.
UNDONE = (Milestone.Kind.MITIGATED, Milestone.Kind.RESOLVED_TOLD)


def let_see(*, incident: Incident, person: User) -> None:
    """Let one person see this incident by name: team members, and executives who are asked to approve."""
    assign_perm("incidents.view_incident", person, incident)


@transaction.atomic
def move_phase(
    *, incident_id: int, to: str, by: User, now: datetime, waive_reason: str = "", break_glass: str = ""
) -> Incident:
    """Go to another phase. Exit criteria that are not met need `waive_reason`, recorded with the name.

    `break_glass` is why somebody without the right moves it. Raises Refused for a move that is not in MOVES or for
    open criteria, NotAllowed for a person who may not.
    """
    incident = lock_incident(incident_id)
    access.require(by, "view", incident)
    settled = decisions.settle(by, decisions.Kind.PHASE, incident, break_glass=break_glass)
    _check_move(incident, to)
    back = _is_back(incident, to)
    if back and not waive_reason.strip():
        raise Refused("Say why it goes back to management.")
    waived = [] if back else _leave(incident, by, now, waive_reason)
    decisions.note(
        incident=incident,
        kind=decisions.Kind.PHASE,
        question=f"Where does it go from {incident.get_phase_display().lower()}?",
        options=[str(Phase(phase).label) for phase in Phase.values if phase in Incident.MOVES[incident.phase]],
        choice=str(Phase(to).label),
        reason=waive_reason if back or waived else "",
        settled=settled,
        by=by,
        now=now,
        is_recorded=True,
    )
    enter(incident, to, by, now, waive_reason if back else "")
    return incident


def _check_move(incident: Incident, to: str) -> None:
    if to not in Incident.MOVES[incident.phase]:
        raise Refused(f"From {incident.get_phase_display().lower()} there is no way to {_label(to)}.")
    if incident.phase == Phase.PRE_CRISIS:
        raise Refused("A watch item becomes an incident by declaring it, and ends by standing it down.")
    if to == Phase.CLOSED and incident.phase != Phase.RECOVERY:
        raise Refused("An incident closes from recovery. If it was a false alarm, stand it down.")


def _is_back(incident: Incident, to: str) -> bool:
    return to == Phase.MANAGEMENT and incident.phase in (Phase.RESOLUTION, Phase.RECOVERY)


def _leave(incident: Incident, by: User, now: datetime, waive_reason: str) -> list[criteria.Criterion]:
    """Returns what was waived."""
    missing = [item for item in criteria.exit_criteria(incident) if not item.is_met]
    if not missing:
        return []
    if not waive_reason.strip():
        open_ones = "; ".join(item.text for item in missing)
        raise Refused(
            f"{incident.get_phase_display()} cannot end yet: {open_ones}. To go on all the same, say why that is waived."
        )
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
    return missing


@transaction.atomic
def tick_criterion(*, incident_id: int, key: str, note: str, by: User, now: datetime) -> CriterionTick:
    """Say that a criterion of the present phase holds which the product cannot look up, and by what you know it.

    Raises Refused for one that is looked up by itself, and for one that is ticked already.
    """
    incident = lock_incident(incident_id)
    abilities.require("tick", incident, by, now)
    criterion = next((item for item in criteria.exit_criteria(incident) if item.key == key and item.is_ticked), None)
    if criterion is None:
        raise Refused("This is no criterion of the present phase that a person ticks.")
    if criterion.tick is not None:
        raise Refused(f"{criterion.tick.by} has ticked it already: {criterion.tick.note}")
    if not note.strip():
        raise Refused("Say by what you know that it holds.")
    tick = CriterionTick.objects.create(
        span=incident.spans.get(ended_at=None), key=key, note=note.strip()[:1000], by=by, at=now
    )
    text = f"It holds: {criterion.text}. {tick.note}"
    audit.record(
        chain=incident.chain, verb="criterion.ticked", subject=f"incident:{incident.pk}", text=text, by=by, now=now
    )
    return tick


def enter(incident: Incident, to: str, by: User, now: datetime, reason: str, also: Iterable[str] = ()) -> None:
    """Be in another phase from now on, and do what that brings. The caller has the lock and has asked who may.

    `also` are fields that the caller has set and that have to change together with the phase.
    """
    was, was_resolved = incident.get_phase_display(), incident.resolved_at is not None
    _next_span(incident, to, by, now, reason)
    incident.phase = to
    incident.phase_since = now
    if to == Phase.RESOLUTION:
        incident.resolved_at = now
    if to == Phase.MANAGEMENT:
        incident.reopened_at = now if was_resolved else incident.reopened_at
        incident.resolved_at = None
    if to == Phase.CLOSED:
        incident.closed_at = now
    incident.save(update_fields=["phase", "phase_since", "reopened_at", "resolved_at", "closed_at", *also])
    text = f"Phase: {was} → {incident.get_phase_display()}" + (f". {reason}" if reason else "")
    audit.record(
        chain=incident.chain, verb="incident.moved", subject=f"incident:{incident.pk}", text=text, by=by, now=now
    )
    if to == Phase.RESOLUTION:
        _resolve(incident, by, now)
    if to == Phase.CLOSED:
        signals.incident_closed.send(sender=Incident, incident=incident, by=by, now=now)
        how = "stood down" if incident.stood_down else "closed"
        deadlines.waive_all(incident=incident, reason=f"The incident was {how}.", by=by, now=now)
    if to == Phase.MANAGEMENT and was_resolved:
        _reopen(incident, by, now)
    if reason and to == Phase.MANAGEMENT:
        signals.incident_reopened.send(sender=Incident, incident=incident, by=by, now=now)
    obligations.renew(incident, by=by, now=now)


def _next_span(incident: Incident, to: str, by: User, now: datetime, reason: str) -> None:
    for span in incident.spans.filter(ended_at=None):
        span.ended_at = max(now, span.began_at)
        span.save(update_fields=["ended_at"])
    PhaseSpan.objects.create(incident=incident, phase=to, began_at=now, by=by, reason=reason)


def _reopen(incident: Incident, by: User, now: datetime) -> None:
    """Not fixed after all: what followed from the resolution rests, and has to be earned anew."""
    deadlines.waive_all(
        incident=incident, reason="The incident went back to management.", by=by, now=now, only="recovery_task"
    )
    Milestone.objects.filter(incident=incident, kind__in=UNDONE).update(undone_at=now)


def _resolve(incident: Incident, by: User, now: datetime) -> None:
    for state in ComponentState.objects.open().filter(incident=incident).select_related("component"):
        put_component(incident=incident, component=state.component, state=WORKING, by=by, now=now)
    # Recovery opens its programme in the same transaction; see docs/adr on signals.
    signals.incident_resolved.send(sender=Incident, incident=incident, by=by, now=now)


@transaction.atomic
def stand_down(*, incident_id: int, reason: str, by: User, now: datetime, break_glass: str = "") -> Incident:
    """It was a false alarm, or nothing came of it: close it before resolution, with a reason, and go quiet."""
    incident = lock_incident(incident_id)
    settled = abilities.settle("stand_down", incident, by, now, break_glass=break_glass)
    if not reason.strip():
        raise Refused("Say why it is stood down.")
    for state in ComponentState.objects.open().filter(incident=incident).select_related("component"):
        put_component(incident=incident, component=state.component, state=WORKING, by=by, now=now)
    incident.stood_down = True
    incident.save(update_fields=["stood_down"])
    decisions.note(
        incident=incident,
        kind=decisions.Kind.STAND_DOWN,
        question="Does it go on, or is it stood down?",
        options=["Goes on", "Stood down"],
        choice="Stood down",
        reason=reason,
        settled=settled,
        by=by,
        now=now,
        is_recorded=True,
    )
    enter(incident, Phase.CLOSED, by, now, f"Stood down. {reason.strip()}")
    return incident


@transaction.atomic
def change_severity(
    *, incident_id: int, severity: str, by: User, now: datetime, reason: str = "", break_glass: str = ""
) -> Incident:
    """Change how bad it is, and re-plan the open clocks that follow from it; the timeline says so."""
    incident = lock_incident(incident_id)
    if severity not in Incident.Severity.values:
        raise Refused("Choose a severity from the list.")
    settled = abilities.settle("severity", incident, by, now, break_glass=break_glass)
    if incident.severity == severity:
        return incident
    was = incident.get_severity_display()
    incident.severity, incident.severity_since = severity, now
    incident.save(update_fields=["severity", "severity_since"])
    decisions.note(
        incident=incident,
        kind=decisions.Kind.SEVERITY,
        question="How severe is it?",
        options=[str(label) for label in Incident.Severity.labels],
        choice=f"{incident.get_severity_display()} (was {was.lower()})",
        reason=reason,
        settled=settled,
        by=by,
        now=now,
        is_recorded=True,
    )
    why = f" {reason.strip()}" if reason.strip() else ""
    text = f"Severity: {was} → {incident.get_severity_display()}.{why} " + obligations.in_words(
        obligations.renew(incident, by=by, now=now)
    )
    audit.record(
        chain=incident.chain, verb="incident.severity", subject=f"incident:{incident.pk}", text=text, by=by, now=now
    )
    signals.severity_changed.send(sender=Incident, incident=incident, by=by, now=now)
    team = [member.person for member in incident.team.select_related("person")]
    notices.tell(
        team, kind="severity", key=f"{incident.ref}:{now.isoformat()}", now=now, incident=incident.pk, text=text
    )
    return incident


@transaction.atomic
def reach_milestone(
    *, incident: Incident, kind: str, by: User | None, now: datetime, since: datetime | None = None
) -> bool:
    """Note that something was reached, now or at `since`. Safe to repeat; returns whether it was new.

    What follows from it is counted from when it was reached, not from when that is noted. `by=None` is a higher house
    that knows it from what has left (acknowledged, told as resolved).
    """
    incident = lock_incident(incident.pk)
    if by is not None:
        abilities.require("milestone", incident, by, now)
        if kind in (Milestone.Kind.ACKNOWLEDGED, Milestone.Kind.RESOLVED_TOLD):
            raise Refused("This is noted by itself when a message has left.")
    if kind not in Milestone.Kind.values:
        raise Refused("Choose a milestone from the list.")
    if since is not None:
        since = moment_within(incident, since, now)
        _require_not_undone(incident, kind, since)
    fields = {"reached_at": since or now, "noted_at": now if since else None, "by": by}
    reached, is_new = Milestone.objects.get_or_create(incident=incident, kind=kind, undone_at=None, defaults=fields)
    if since is not None and since != reached.reached_at:
        raise Conflict(f"This is noted already: {reached.get_kind_display()}, {readers_time(reached.reached_at)}.")
    if is_new:
        text = f"Milestone: {Milestone.Kind(kind).label.lower()}"
        text += f", at {since.astimezone(UTC):%d %b %H:%M} UTC" if since else ""
        audit.record(
            chain=incident.chain, verb="milestone.reached", subject=f"incident:{incident.pk}", text=text, by=by, now=now
        )
        signals.milestone_reached.send(sender=Incident, incident=incident, kind=kind, by=by, now=now)
        obligations.renew(incident, by=by, now=now)
    return is_new


def _require_not_undone(incident: Incident, kind: str, since: datetime) -> None:
    """What a step back took away is reached again after it."""
    back = incident.reopened_at
    if kind in UNDONE and back is not None and since < minute_of(back):
        raise Refused(f"The incident went back to management at {readers_time(back)}. Give a time after that.")


def _label(phase: str) -> str:
    return str(Phase(phase).label.lower()) if phase in Phase.values else "a phase that does not exist"


def _not_while(*phases: str, words: str) -> abilities.Sentence:
    """Words with `{phase}` for the phases in which it cannot be done."""
    return lambda asked: (
        words.format(phase=asked.incident.get_phase_display().lower()) if asked.incident.phase in phases else ""
    )


_FIRST = _not_while(Phase.PRE_CRISIS, words="A watch item has to be declared first.")
_OPEN = _not_while(Phase.CLOSED, words="It is closed.")


def _move_now(asked: abilities.Asked) -> str:
    return _FIRST(asked) or _OPEN(asked)


abilities.register(abilities.Ability("move", "Go on to the next phase", _move_now, decision=decisions.Kind.PHASE))
abilities.register(
    abilities.Ability(
        "back",
        "Back to management",
        _not_while(
            *(phase for phase in Phase.values if phase not in (Phase.RESOLUTION, Phase.RECOVERY)),
            words="Only what was resolved goes back to management.",
        ),
        decision=decisions.Kind.PHASE,
    )
)
abilities.register(
    abilities.Ability(
        "stand_down",
        "Stand down",
        _not_while(
            Phase.RESOLUTION, Phase.RECOVERY, Phase.CLOSED, words="An incident in {phase} cannot be stood down."
        ),
        decision=decisions.Kind.STAND_DOWN,
    )
)
abilities.register(
    abilities.Ability(
        "severity",
        "Change the severity",
        _not_while(Phase.CLOSED, words="A closed incident keeps its severity."),
        decision=decisions.Kind.SEVERITY,
    )
)
abilities.register(abilities.Ability("tick", "Tick a criterion", _OPEN))
abilities.register(abilities.Ability("milestone", "Note a milestone", _move_now))
abilities.register(abilities.Ability("component", "Change a component", _OPEN))
