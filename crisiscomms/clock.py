"""What time it is: read from the database once per request or task, and passed down as `now=`.

Rules never ask for the time themselves, so tests, the demo and a replayed task decide what "now" is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

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


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Inside this block, `now()` is `moment`."""
    token = _set.set(moment)
    try:
        yield
    finally:
        _set.reset(token)
