"""What is open in an incident, for somebody who takes over. Higher houses register what only they know."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from incidents.models import Incident


@dataclass(frozen=True)
class Open:
    """One thing, in words; `due_at` where it has a time."""

    words: str
    due_at: datetime | None = None


Read = Callable[[Incident], list[Open]]
_readers: dict[str, Read] = {}


def register(key: str, read: Read) -> None:
    _readers[key] = read


def in_incident(incident: Incident) -> list[Open]:
    """Everything open, what has a time first."""
    found = [one for read in _readers.values() for one in read(incident)]
    return sorted(found, key=lambda one: (one.due_at is None, one.due_at and one.due_at.timestamp()))


def _clocks(incident: Incident) -> list[Open]:
    clocks = incident.deadlines.open().select_related("owner").order_by("due_at")[:20]
    return [Open(f"{clock.title}, {clock.owner}", clock.due_at) for clock in clocks]


register("clocks", _clocks)
