"""What people do with signals: tell of one, say where it belongs, or that it is over."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from crisiscomms import audit
from crisiscomms.models import User
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import access
from incidents.actions.lifecycle import lock_incident
from incidents.actions.watching import open_watch_item
from incidents.hooks import protocol
from incidents.hooks.protocol import Noticed
from incidents.models import Component, Incident, Signal
from incidents.noticing import intake, vocabulary

LARGEST_VALUES = 100_000


@transaction.atomic
def report_signal(
    *,
    title: str,
    by: User,
    now: datetime,
    text: str = "",
    link: str = "",
    happened_at: datetime | None = None,
    values: dict[str, Any] | None = None,
    components: list[Component] | None = None,
) -> Signal:
    """Somebody noticed something. The rules look at it within seconds."""
    access.require(by, "report")
    if not protocol.line(title):
        raise Refused("Say in a few words what was noticed.")
    if happened_at and happened_at > now:
        raise Refused("This lies in the future. Give the time when it was noticed.")
    found = protocol.values(values or {})
    if len(json.dumps(values or {})) > LARGEST_VALUES:
        raise Refused("These are too many values at once.")
    noticed = Noticed(
        title=protocol.line(title),
        same=f"person:{by.pk}:{now.isoformat()}:{title}",
        at=happened_at or now,
        text=text.strip()[:4000],
        link=protocol.address(link),
        values=found,
    )
    raw = json.dumps({"title": title, "text": text, "link": link, "values": values or {}}, ensure_ascii=False)
    signal = intake.report(noticed=noticed, raw=raw, by=by, now=now)
    signal.components.set(components or [])
    _say(signal, None, "reported", f"Noticed: {signal.title}", by, now)
    return signal


@transaction.atomic
def attach_signal(*, signal_id: int, incident_id: int, by: User, now: datetime) -> Signal:
    """It belongs to this incident or watch item; so does what repeats it."""
    incident = lock_incident(incident_id)
    access.require(by, "work", incident)
    if incident.phase == Incident.Phase.CLOSED:
        raise Refused(f"{incident.ref} is closed. Choose one that is open.")
    signal = _lock(signal_id, by)
    if signal.incident_id == incident.pk:
        return signal
    if signal.incident_id is not None:
        raise Conflict("It belongs to another one already. Take it out there first.")
    signal.incident = incident
    signal.save(update_fields=["incident"])
    _say(signal, incident, "attached", f"Signal attached: {signal.title} ({signal.origin})", by, now)
    return signal


@transaction.atomic
def detach_signal(*, signal_id: int, by: User, now: datetime) -> Signal:
    """It did not belong there. It is free again, and the rules look at it anew."""
    at = Signal.objects.visible_to(by).values_list("incident", flat=True).get(pk=signal_id)
    if at is None:
        raise Refused("It belongs to no incident.")
    incident = lock_incident(at)
    access.require(by, "work", incident)
    signal = _lock(signal_id, by)
    if signal.incident_id != incident.pk:
        raise Conflict("Somebody else has moved it meanwhile.")
    # Not the proposal's any more either: accepting that must not bring it back.
    signal.incident, signal.proposal, signal.due_at = None, None, now
    signal.save(update_fields=["incident", "proposal", "due_at"])
    _say(signal, incident, "detached", f"Signal taken out: {signal.title} ({signal.origin})", by, now)
    return signal


@transaction.atomic
def end_signal(*, signal_id: int, by: User, now: datetime) -> Signal:
    """It is over. What comes again after this is a new one."""
    access.require(by, "report")
    at = Signal.objects.visible_to(by).filter(pk=signal_id).values_list("incident", flat=True).first()
    # The record's lock before the signal's row, as everywhere.
    incident = lock_incident(at) if at is not None else None
    signal = _lock(signal_id, by)
    if signal.incident_id != at:
        raise Conflict("Somebody else has moved it meanwhile.")
    if signal.status == Signal.Status.FIRING:
        signal.status, signal.ended_at = Signal.Status.RESOLVED, now
        signal.save(update_fields=["status", "ended_at"])
        _say(signal, incident, "ended", f"Signal is over: {signal.title}", by, now)
    return signal


@transaction.atomic
def watch_signal(*, signal_id: int, title: str, kind: str, severity: str, by: User, now: datetime) -> Incident:
    """Keep an eye on it: a watch item that this signal, and what repeats it, belongs to."""
    seen = Signal.objects.visible_to(by).get(pk=signal_id)
    if seen.incident_id is not None:
        raise Conflict("It belongs to an incident already.")
    item = open_watch_item(
        title=title,
        kind=kind,
        severity=severity,
        summary=seen.text,
        components={one.pk: "degraded" for one in seen.components.all()},
        noticed_at=max(min(seen.happened_at, now), now - timedelta(days=365)),
        by=by,
        now=now,
    )
    attach_signal(signal_id=signal_id, incident_id=item.pk, by=by, now=now)
    return item


def _lock(signal_id: int, by: User) -> Signal:
    signal = Signal.objects.visible_to(by).select_for_update(of=("self",), no_key=True).filter(pk=signal_id).first()
    if signal is None:
        raise NotAllowed("You may not see this signal.")
    return signal


def _say(signal: Signal, incident: Incident | None, verb: str, text: str, by: User | None, now: datetime) -> None:
    chain = incident.chain if incident else audit.INSTALLATION
    audit.record(chain=chain, verb=f"signal.{verb}", subject=f"signal:{signal.pk}", text=text, by=by, now=now)


def matching(values: dict[str, Any], parts: list[Component]) -> list[Component]:
    """The components that the values name, as people write them or as labels do."""
    told = ", ".join(str(values[name]) for name in vocabulary.PLACES if isinstance(values.get(name), str))
    names = {vocabulary.name_of(one) for one in told.split(",")} - {""}
    return [part for part in parts if names & {vocabulary.name_of(part.name), vocabulary.name_of(part.product.name)}]
