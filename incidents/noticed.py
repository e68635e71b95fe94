"""What the room shows of the signals of an incident."""

from datetime import datetime
from typing import Any

from django.db.models import Count, Q, Sum

from crisiscomms.models import User
from incidents import proposals
from incidents.models import Incident, Signal, SignalProposal

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
