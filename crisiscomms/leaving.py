"""Whether this worker was asked to stop. Long work looks here between two pieces, and gives back what it has not begun.

One byte of memory that the worker shares with the processes it starts: the signal reaches the parent only, and a
process that sends mail must end at a place of its own choosing.
"""

import mmap
from typing import Any

from celery.signals import worker_init, worker_shutting_down

_asked = mmap.mmap(-1, 1)


def is_asked() -> bool:
    return _asked[0] == 1


@worker_shutting_down.connect
def ask(**_: Any) -> None:
    _asked[0] = 1


@worker_init.connect
def stay(**_: Any) -> None:
    _asked[0] = 0
