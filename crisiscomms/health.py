"""Is the site able to do its work: every part, how old its last sign of life is, and what has waited too long."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from crisiscomms import clock, due, heartbeats

log = structlog.get_logger("crisiscomms")


@dataclass
class Health:
    """`parts` says yes or no for each; `why` says in words what is not well and by how much."""

    parts: dict[str, bool]
    ages: dict[str, Any] = field(default_factory=dict)
    lags: dict[str, Any] = field(default_factory=dict)
    why: list[str] = field(default_factory=list)

    @property
    def is_ready(self) -> bool:
        return all(self.parts.values())

    def as_data(self) -> dict[str, Any]:
        return {**self.parts, "ages": self.ages, "due": self.lags, "why": self.why}


def look() -> Health:
    """Never raises: what cannot be asked is not well."""
    now = _database_time()
    found = Health({"database": now is not None, "broker": _broker(), "workers": False, "beat": False, "work": False})
    for part, words in (("database", "The database does not answer."), ("broker", "Redis does not answer.")):
        if not found.parts[part]:
            found.why.append(words)
    _signs(found, now or timezone.now())
    if now is not None:
        _work(found, now)
    return found


def _database_time() -> datetime | None:
    try:
        return clock.now() if _answers() else None
    except (DatabaseError, InterfaceError) as error:
        log.warning("database not ready", error=type(error).__name__)
        return None


def _answers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone())


def _broker() -> bool:
    # The cache forgives a Redis that is gone, so the answer is what counts.
    cache.set("readyz", 1, timeout=5)
    return bool(cache.get("readyz") == 1)


def _signs(found: Health, now: datetime) -> None:
    queues, beat = heartbeats.of_queues(now=now), heartbeats.of_beat(now=now)
    found.parts["workers"] = all(one.is_alive for one in queues)
    found.parts["beat"] = beat.is_alive
    for one in (*queues, beat):
        name = "beat" if one is beat else f"queue {one.name}"
        found.ages[one.name] = {"age_s": one.age and round(one.age), "limit_s": one.limit}
        if not one.is_alive:
            age = "for ten minutes or more" if one.age is None else f"for {one.age:.0f} s"
            found.why.append(f"No sign of life from {name} {age}; the limit is {one.limit} s.")


def _work(found: Health, now: datetime) -> None:
    try:
        lags = due.lags(now=now)
    except (DatabaseError, InterfaceError) as error:
        log.warning("due work not readable", error=type(error).__name__)
        return
    found.parts["work"] = not any(one.is_late for one in lags)
    for one in lags:
        found.lags[one.key] = {"oldest_s": round(one.seconds), "limit_s": round(one.limit)}
        if one.is_late:
            found.why.append(f"{one.label}: due for {one.seconds:.0f} s; the limit is {one.limit:.0f} s.")
