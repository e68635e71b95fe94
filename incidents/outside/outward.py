"""What the room shows of the outward side: the halt list, mentions, competitors."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Q

from incidents.actions.halting import DURING
from incidents.models import HaltItem, Incident, Mention, ResponseTask


def halt_numbers(incident: Incident) -> dict[str, int]:
    """How many are in which state; `total` and `off` beside them."""
    return _counted(incident.halt_items.values_list("state", flat=True))


def with_due(incident: Incident) -> list[HaltItem]:
    """The checks, each with `due_at` of its open clock, those that wait first."""
    clocks = incident.deadlines.open().filter(kind__in=["halt", "resume"])
    due = dict(clocks.values_list("subject", "due_at"))
    items = list(incident.halt_items.select_related("owner", "by"))
    for item in items:
        item.due_at = due.get(f"halt:{item.pk}")  # type: ignore[attr-defined]
    return sorted(items, key=lambda one: (one.due_at is None, one.due_at or one.at))  # type: ignore[attr-defined]


def for_room(incident: Incident) -> dict[str, Any]:
    items = with_due(incident)
    reactions = incident.competitor_reactions.select_related("decided_by").prefetch_related("tasks")
    mentions = (
        Mention.objects.counted()
        .filter(incident=incident)
        .aggregate(
            total=Count("pk"),
            negative=Count("pk", filter=Q(sentiment="negative")),
            positive=Count("pk", filter=Q(sentiment="positive")),
            waiting=Count("pk", filter=Q(needs_answer=True, answered_at=None)),
        )
    )
    listed = list(reactions[:5])
    return {
        "halt_numbers": _counted(item.state for item in items),
        "halt_waiting": [one for one in items if one.due_at is not None],  # type: ignore[attr-defined]
        "halt_is_during": incident.phase in DURING,
        "mention_numbers": mentions,
        "mentions_waiting": _waiting(incident) if mentions["waiting"] else [],
        "competitor_reactions": listed,
        "responses_open": sum(task.state == ResponseTask.State.OPEN for one in listed for task in one.tasks.all()),
    }


def _waiting(incident: Incident) -> list[Mention]:
    return list(Mention.objects.waiting().filter(incident=incident).select_related("owner").order_by("seen_at")[:5])


def _counted(states: Iterable[str]) -> dict[str, int]:
    counts = Counter(states)
    found = {str(state): counts.get(state, 0) for state in HaltItem.State.values}
    return {**found, "total": sum(found.values()), "off": found["halted"] + found["kept_off"]}
