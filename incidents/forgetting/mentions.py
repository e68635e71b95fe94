"""Who said what about an incident: forgotten after its time, or because a person asks."""

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from crisiscomms import personal, retention
from incidents.models import Correction, Mention
from incidents.outside import corrections

COLUMNS = ("author", "quote", "link", "answered_how", "struck_why")


def _over(before: datetime) -> QuerySet[Mention]:
    """Of incidents closed before that moment; of none, seen before it."""
    over = Q(incident=None, seen_at__lt=before) | Q(incident__closed_at__lt=before)
    return Mention.objects.filter(over, forgotten_at=None)


def _forget(found: QuerySet[Mention], now: datetime) -> int:
    """What is counted stays: channel, place, sentiment, readers, and that it was answered."""
    mentions = list(found)
    for one in mentions:
        one.author, one.quote, one.link, one.forgotten_at = "", "", "", now
        one.answered_how = "(forgotten)" if one.answered_at else ""
        one.struck_why = "(forgotten)" if one.struck_at else ""
        one.save(update_fields=[*COLUMNS, "forgotten_at"])
    corrections.forget(mentions)
    return len(mentions)


def _of(person: personal.Person) -> QuerySet[Mention]:
    """Also what named them until it was corrected."""
    before = Correction.objects.filter(personal.naming(person, "changes")).values("mention")
    return Mention.objects.filter(personal.naming(person, *COLUMNS) | Q(pk__in=before), forgotten_at=None)


def _held(person: personal.Person) -> list[dict[str, Any]]:
    return [
        {
            "seen_at": one.seen_at.isoformat(),
            "where": f"{one.get_channel_display()}, {one.where}",
            **{name: getattr(one, name) for name in COLUMNS},
            "corrections": [row.changes for row in one.corrections.all()],
        }
        for one in _of(person).prefetch_related("corrections").order_by("pk")
    ]


retention.register(
    retention.Rule(
        "mentions",
        "Who said what in the monitoring log",
        lambda before: _over(before).count(),
        lambda before, now, limit: _forget(_over(before).order_by("pk")[:limit], now),
    )
)
personal.register(
    personal.Holder(
        "mentions",
        "Monitoring log",
        _held,
        lambda person, now: _forget(_of(person), now),
        "Who said it, their words, the link and our answer, in mentions that name their address.",
        "That something was said in that channel, how it was meant and how many may have read it.",
    )
)
