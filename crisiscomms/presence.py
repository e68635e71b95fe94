"""Who else has a page open now: noted with each poll of the bell, and forgotten when the polls stop.

It is a courtesy and no lock: what two people change at once is held apart where it is saved. It stands in Redis only;
without Redis nobody is shown. Houses register their pages with who may see them, so that nobody reads names there
who may not open the page.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache as once

import redis
import structlog
from django.conf import settings
from django.core.cache import cache

from crisiscomms.models import User

# The bell of such a page asks each 10 s; together with this a closed tab is gone within a minute.
KEPT = timedelta(seconds=40)
SHAPE = re.compile(r"([a-z]{1,20}):([a-z0-9_-]{1,40})")
log = structlog.get_logger("crisiscomms")
_doors: dict[str, Callable[[User, str], bool]] = {}


@dataclass(frozen=True)
class Here:
    """The others on a page, as (person, whether they write), by name."""

    page: str
    others: list[tuple[User, bool]]

    @property
    def mark(self) -> str:
        """Differs when somebody else is there, or begins to write."""
        return "-".join([self.page, *(f"{person.pk}{'w' if writes else ''}" for person, writes in self.others)])


def register(kind: str, may_see: Callable[[User, str], bool]) -> None:
    """`may_see` says whether a person may open the page with this key; anything may stand in the key."""
    _doors[kind] = may_see


def look(page: str, *, by: User, now: datetime, is_writing: bool = False) -> Here | None:
    """Note that somebody has the page open, and say who else has. None, and no trace, where they may not see it."""
    shape = SHAPE.fullmatch(page)
    if shape is None or shape[1] not in _doors or not _doors[shape[1]](by, shape[2]):
        return None
    seen = {key: one for key, one in _noted(page, by, now, is_writing).items() if key != by.pk}
    people = User.objects.active().filter(pk__in=seen).order_by("name", "pk") if seen else []
    return Here(page, [(person, seen[person.pk]) for person in people])


def _noted(page: str, by: User, now: datetime, is_writing: bool) -> dict[int, bool]:
    """Person → whether they write, of everybody whose last sign is fresh. Nobody when Redis does not answer."""
    key, last = cache.make_key(f"presence:{page}"), int(now.timestamp())
    try:
        with _client().pipeline(transaction=False) as pipe:
            pipe.hset(key, str(by.pk), f"{last}{'w' if is_writing else ''}")
            pipe.expire(key, KEPT)
            pipe.hgetall(key)
            found: dict[bytes, bytes] = pipe.execute()[-1]
    except redis.RedisError as error:
        log.warning("presence without redis", error=type(error).__name__)
        return {}
    fresh = last - KEPT.total_seconds()
    return {int(who): sign.endswith(b"w") for who, sign in found.items() if int(sign.rstrip(b"w")) >= fresh}


@once
def _client() -> "redis.Redis":
    """One for the process. It waits shortly: no page is worth less than who else looks at it."""
    return redis.Redis.from_url(settings.ENV.redis_url, socket_timeout=0.3, socket_connect_timeout=0.3)
