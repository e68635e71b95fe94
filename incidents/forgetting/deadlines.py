"""Why a clock was put off or waived may name somebody outside: forgotten because that person asks."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from crisiscomms import audit, personal
from incidents.models import Deadline

COLUMNS = ("waived_reason", "snoozed_reason")


def _of(person: personal.Person) -> QuerySet[Deadline]:
    return Deadline.objects.filter(personal.naming(person, *COLUMNS))


def _held(person: personal.Person) -> list[dict[str, Any]]:
    found = _of(person).select_related("incident").order_by("pk")
    return [
        {"incident": one.incident.ref, "clock": one.title, "reasons": [getattr(one, name) for name in COLUMNS]}
        for one in found
    ]


def _erase(person: personal.Person, now: datetime) -> int:
    """Whichever of the two names them; that there was a reason stays."""
    return sum(
        Deadline.objects.filter(personal.naming(person, name)).update(**{name: audit.ERASED}) for name in COLUMNS
    )


personal.register(
    personal.Holder(
        "clocks",
        "Reasons of clocks",
        _held,
        _erase,
        "Why a clock was put off or waived, where the words name their address.",
        "That it was put off or waived, when and by whom.",
    )
)
