"""Signs of life: what beat, the workers and the clock leave in the cache, and how old each of them is.

They are read by `/readyz`, `/metrics` and the watchdog. Losing the cache loses them for half a minute, nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.core.cache import cache

KEPT_SECONDS = 600
PAGE_BYTES = 4096
# Beat knocks at every queue each half minute. A sender or an import may be at work for 45 s before it hears that.
LIMITS = {"deadlines": 90, "approvals": 90, "default": 90, "delivery": 180, "imports": 180}
BEAT, CLOCK = "beat", "clock"
BEAT_LIMIT, CLOCK_LIMIT = 90, 60


@dataclass(frozen=True)
class Sign:
    """`age` in seconds; None when it was not seen for ten minutes. `memory` is what the answering process holds."""

    name: str
    age: float | None
    limit: int
    memory: int = 0

    @property
    def is_alive(self) -> bool:
        return self.age is not None and self.age < self.limit


def mark(name: str, *, now: datetime, memory: int = 0) -> None:
    cache.set(f"heartbeat:{name}", (now.timestamp(), memory), timeout=KEPT_SECONDS)


def sign(name: str, limit: int, *, now: datetime) -> Sign:
    moment, memory = cache.get(f"heartbeat:{name}") or (None, 0)
    return Sign(name, None if moment is None else max(0.0, now.timestamp() - moment), limit, memory)


def of_queues(*, now: datetime) -> Iterable[Sign]:
    return [sign(name, limit, now=now) for name, limit in LIMITS.items()]


def of_beat(*, now: datetime) -> Sign:
    return sign(BEAT, BEAT_LIMIT, now=now)


def of_clock(*, now: datetime) -> Sign:
    """When the deadlines were last looked at, to the end."""
    return sign(CLOCK, CLOCK_LIMIT, now=now)


def memory_of_this_process() -> int:
    """Bytes in memory now; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return 0
