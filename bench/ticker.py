"""The clock as a process of its own."""

import os
from datetime import datetime
from multiprocessing.synchronize import Barrier, Event
from time import sleep
from typing import Any


def _begin(database: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crisiscomms.settings")
    import django
    from django.db import connection

    django.setup()
    connection.settings_dict["NAME"] = database


def until_nothing_is_due(database: str, now: datetime, barrier: Barrier, results: Any) -> None:
    """Tick until nothing is left, and put down how many this process handled. What the other holds is looked at again."""
    _begin(database)
    from incidents import deadlines
    from incidents.models import Deadline

    Deadline.objects.due_for_action(now).exists()
    barrier.wait()
    handled = 0
    while Deadline.objects.due_for_action(now).exists():
        handled += deadlines.tick(now=now)
    results.put(handled)


def knock(database: str, owner: int, barrier: Barrier, over: Event, lags: Any) -> None:
    """Every 2 s, until `over`: how long each row waited from its moment to the commit of what was done about it."""
    _begin(database)
    from crisiscomms import clock
    from incidents import deadlines
    from incidents.models import Deadline

    clock.now()
    barrier.wait()
    found: list[float] = []
    while not over.is_set():
        now = clock.now()
        while deadlines.tick(now=now) == 500:
            pass
        done = clock.now()
        mine = Deadline.objects.filter(subject__startswith="stream-", warned_at=now).values_list("warn_at", flat=True)
        found += [(done - at).total_seconds() for at in mine if at is not None]
        sleep(max(0.0, 2 - (clock.now() - now).total_seconds()))
    lags.put(found)
