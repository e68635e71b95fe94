"""Due work: how long the oldest piece of each kind has been waiting. Each house registers what it owns.

`since` must be cheap whatever stands in the tables: one look at an index of what is due, never a count.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

Since = Callable[[datetime], datetime | None]


@dataclass(frozen=True)
class Kind:
    """`since(now)` is the moment from which the oldest due piece waits, or None when nothing is due."""

    key: str
    label: str
    limit: timedelta
    since: Since


@dataclass(frozen=True)
class Lag:
    key: str
    label: str
    seconds: float
    limit: float

    @property
    def is_late(self) -> bool:
        return self.seconds > self.limit


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _kinds[kind.key] = kind


def kinds() -> set[str]:
    return set(_kinds)


def lag(key: str, *, now: datetime) -> Lag:
    kind = _kinds[key]
    since = kind.since(now)
    seconds = max(0.0, (now - since).total_seconds()) if since else 0.0
    return Lag(kind.key, kind.label, seconds, kind.limit.total_seconds())


def lags(*, now: datetime) -> list[Lag]:
    return [lag(key, now=now) for key in sorted(_kinds)]
