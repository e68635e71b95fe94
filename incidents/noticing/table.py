"""The list of signals: its columns, its filter, and what each of them means."""

from typing import Any

from django.db.models import Q, QuerySet

from crisiscomms.models import User
from crisiscomms.tables import Column, Table
from incidents.models import Signal

CELLS = "incidents/signal_cells.html"
SIGNALS = Table(
    key="signals",
    order="-received",
    nouns=("signal", "signals"),
    columns=(
        Column("title", "What", lambda one: one.title, f"{CELLS}#title", is_fixed=True),
        Column("origin", "From", lambda one: one.origin, f"{CELLS}#origin"),
        Column("status", "State", lambda one: one.get_status_display(), f"{CELLS}#status"),
        Column(
            "received",
            "First seen",
            lambda one: one.received_at,
            f"{CELLS}#received",
            sort="received_at id",
            ways=("oldest first", "newest first"),
        ),
        Column("seen", "Times", lambda one: one.seen_count, f"{CELLS}#seen", is_number=True),
        Column("last", "Last seen", lambda one: one.last_seen_at, f"{CELLS}#last"),
        Column("place", "Belongs to", lambda one: one.incident.ref if one.incident else "", f"{CELLS}#place"),
        Column("reason", "Rule", lambda one: one.reason, is_shown=False),
    ),
)


def listed(user: User) -> QuerySet[Signal]:
    """What this person may know of, without the bodies: one query."""
    return Signal.objects.visible_to(user).select_related("source", "by", "incident").defer("text", "values")


def narrow(signals: QuerySet[Signal], wanted: dict[str, Any]) -> QuerySet[Signal]:
    for word in wanted["q"].split():
        signals = signals.filter(title__icontains=word)
    if wanted["source"]:
        signals = (
            signals.filter(source=None) if wanted["source"] == "people" else signals.filter(source=wanted["source"])
        )
    if wanted["status"]:
        signals = signals.filter(status=wanted["status"])
    if wanted["place"]:
        signals = signals.filter(Q(incident=None) if wanted["place"] == "free" else Q(incident__isnull=False))
    return signals
