"""What the room shows of the signals of an incident, and what stands of them in its record when it is taken out."""

from datetime import datetime
from typing import Any

from django.db.models import Count, Q, Sum

from crisiscomms.models import User
from incidents.models import Incident, Signal, SignalProposal
from incidents.noticing import proposals
from incidents.record import parts as record_parts
from incidents.record.parts import moment
from incidents.record.parts import person as named

SHOWN = 6


def for_room(incident: Incident, person: User, now: datetime) -> dict[str, Any]:
    """The newest signals of this incident, how many there are, and what a rule asks about it. Three queries."""
    mine = Signal.objects.filter(incident=incident)
    counts = mine.aggregate(
        total=Count("pk"), going_on=Count("pk", filter=Q(status=Signal.Status.FIRING)), seen=Sum("seen_count")
    )
    asked = SignalProposal.objects.filter(incident=incident, state=SignalProposal.State.OPEN).first()
    rows = mine.select_related("source", "by").defer("text", "values").order_by("-last_seen_at", "-pk")[:SHOWN]
    return {
        **counts,
        "seen": counts["seen"] or 0,
        "rows": list(rows),
        "proposal": asked,
        "may_decide": asked is not None and proposals.may_decide(person, asked),
    }


def _for_record(incident: Incident) -> dict[str, Any]:
    """What was noticed and what rules proposed. What was sent is not in it: it ages by the policy of retention."""
    noticed = Signal.objects.filter(incident=incident).select_related("source", "by").order_by("received_at", "pk")
    asked = SignalProposal.objects.filter(incident=incident).select_related("rule", "decided_by").order_by("pk")
    return {"signals": [_signal(one) for one in noticed], "proposals": [_proposal(one) for one in asked]}


def _signal(one: Signal) -> dict[str, Any]:
    return {
        "title": one.title,
        "text": one.text,
        "from": one.origin,
        "happened_at": moment(one.happened_at),
        "received_at": moment(one.received_at),
        "last_seen_at": moment(one.last_seen_at),
        "over_since": moment(one.ended_at),
        "seen": one.seen_count,
        "values": one.values,
        "rule": one.reason,
    }


def _proposal(one: SignalProposal) -> dict[str, Any]:
    return {
        "rule": f"{one.rule.name}, version {one.rule_version}",
        "reason": one.reason,
        "kind": one.kind,
        "severity": one.severity,
        "proposed_at": moment(one.proposed_at),
        "state": one.state,
        "decided_by": named(one.decided_by),
        "decided_at": moment(one.decided_at),
        "answer": one.answer,
    }


record_parts.register(record_parts.Part("signals", "Signals, and what rules proposed", _for_record, position=55))
