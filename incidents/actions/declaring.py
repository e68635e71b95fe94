"""Declaring: the first minute of an incident."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from crisiscomms import audit, notices
from crisiscomms.models import User
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import access, decisions, signals
from incidents.actions import roles, team
from incidents.actions.components import put_component
from incidents.actions.facts import open_checklist
from incidents.clock import obligations
from incidents.models import Component, Incident, PhaseSpan


@transaction.atomic
def declare_incident(
    *,
    title: str,
    kind: str,
    severity: str,
    discovered_at: datetime,
    by: User,
    now: datetime,
    components: dict[int, str] | None = None,
    summary: str = "",
    began_at: datetime | None = None,
    restricted: bool = False,
    is_exercise: bool = False,
    watch_item: Incident | None = None,
    reason: str = "",
) -> Incident:
    """Declare an incident, start its clocks and tell the team. A `watch_item` becomes it, with its number and record.

    `components` maps a component's id to its state. The clocks count from `discovered_at`, not from the press.
    `reason`, if any, stands with the decision to start the crisis protocol.
    Raises Refused when the moment lies in the future or the person may not declare.
    """
    access.require(by, "declare")
    check_answers(title, kind, severity, discovered_at, now)
    answers = {
        "title": title.strip(),
        "summary": summary.strip(),
        "kind": kind,
        "severity": severity,
        "discovered_at": discovered_at,
        "began_at": min(began_at or discovered_at, discovered_at),
        "declared_at": now,
        "declared_by": by,
        "lead": by,
    }
    if watch_item is not None:
        incident = _turn(watch_item, answers, restricted, by, now)
    else:
        incident = open_incident(
            phase=Incident.Phase.INITIAL_RESPONSE, restricted=restricted, is_exercise=is_exercise, by=by, now=now,
            **answers,
        )  # fmt: skip
    _say_declared(incident, reason, by, now)
    # Before the components: of a restricted incident even its declarer sees nothing until they are let in.
    roles.begin_lead(incident, by=by, now=now)
    told = team.assemble(incident, by=by, now=now)
    put_components(incident, components or {}, by, now)
    open_checklist(incident=incident, by=by, now=now)
    obligations.renew(incident, by=by, now=now)
    notices.tell(told, kind="declared", key=incident.ref, now=now, incident=incident.pk)
    signals.incident_declared.send(sender=Incident, incident=incident, by=by, now=now)
    return incident


def open_incident(*, phase: str, by: User | None, now: datetime, **fields: Any) -> Incident:
    """A new number, in its first phase. `by=None`: a rule over signals opened it."""
    incident = Incident.objects.create(
        number=next_number(), phase=phase, phase_since=now, opened_at=now, opened_by=by, **fields
    )
    PhaseSpan.objects.create(incident=incident, phase=phase, began_at=now, by=by)
    return incident


def put_components(incident: Incident, states: dict[int, str], by: User | None, now: datetime) -> None:
    """What is affected when it is declared or first watched, and has been since it began."""
    known = set(incident.component_states.values_list("component", flat=True))
    for component in Component.objects.filter(pk__in=states):
        since = None if component.pk in known else incident.began_at
        put_component(incident=incident, component=component, state=states[component.pk], by=by, now=now, since=since)


def _turn(watch_item: Incident, answers: dict[str, Any], restricted: bool, by: User, now: datetime) -> Incident:
    """The watch item as an incident. One that was restricted stays so: who was kept out is not let in by a press."""
    from incidents.actions.lifecycle import enter, lock_incident

    incident = lock_incident(watch_item.pk)
    if not Incident.objects.visible_to(by).filter(pk=incident.pk).exists():
        raise NotAllowed(access.refusal("view"))
    if incident.phase != Incident.Phase.PRE_CRISIS:
        raise Conflict(f"{incident.ref} is no watch item any more: it is in {incident.get_phase_display().lower()}.")
    for name, value in answers.items():
        setattr(incident, name, value)
    incident.restricted = incident.restricted or restricted
    enter(incident, Incident.Phase.INITIAL_RESPONSE, by, now, "Declared", also=[*answers, "restricted"])
    return incident


def _say_declared(incident: Incident, reason: str, by: User, now: datetime) -> None:
    """The decision to start the crisis protocol, which takes the right to it at that severity."""
    settled = decisions.settle(by, decisions.Kind.PROTOCOL, incident)
    decisions.note(
        incident=incident,
        kind=decisions.Kind.PROTOCOL,
        question="Crisis protocol, or normal work?",
        options=["Crisis protocol", "Normal work"],
        choice=f"Crisis protocol, {incident.get_severity_display().lower()}",
        reason=reason,
        settled=settled,
        by=by,
        now=now,
        is_recorded=True,
    )
    audit.record(
        chain=incident.chain,
        verb="incident.declared",
        subject=f"incident:{incident.pk}",
        text=f"Declared: {incident.title} ({incident.get_kind_display()}, {incident.get_severity_display()})",
        by=by,
        now=now,
    )


def check_answers(title: str, kind: str, severity: str, discovered_at: datetime, now: datetime) -> None:
    if not title.strip():
        raise Refused("Say what happened, as a customer would say it.")
    if kind not in Incident.Kind.values or severity not in Incident.Severity.values:
        raise Refused("Choose a kind and a severity from the list.")
    if discovered_at > now:
        raise Refused("The time of discovery lies in the future. Give the time when it was noticed.")
    if discovered_at < now - timedelta(days=366):
        raise Refused("The time of discovery lies more than a year back. Check the date.")


def next_number() -> int:
    """The first number that is free; nobody else takes one until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('incident number', 0))")
    highest = Incident.objects.aggregate(top=Max("number"))["top"]
    return (highest or 0) + 1
