"""What time it is: read from the database once per request or task, and passed down as `now=`.

Rules never ask for the time themselves, so tests, the demo and a replayed task decide what "now" is.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

from django.db import connection

_set: ContextVar[datetime | None] = ContextVar("now", default=None)


def now() -> datetime:
    """The database's clock (aware, UTC), unless a test or the demo has set another moment."""
    chosen = _set.get()
    if chosen is not None:
        return chosen
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def carried_on(ask: Callable[[], datetime]) -> Callable[[], datetime]:
    """A clock for one stretch of work, a minute at most: `ask` is asked once, and this machine counts on from there.

    Where `ask` is not the database's clock, or a test or the demo has set another moment, it is asked each time.
    """
    if ask is not now or _set.get() is not None:
        return ask
    moment, begun = ask(), time.monotonic()
    return lambda: moment + timedelta(seconds=time.monotonic() - begun)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Inside this block, `now()` is `moment`."""
    token = _set.set(moment)
    try:
        yield
    finally:
        _set.reset(token)
