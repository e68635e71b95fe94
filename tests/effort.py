"""How much work something is, whatever the machine and however busy it is."""

import time
from collections.abc import Callable

TRIES = 5


def effort(act: Callable[[], object]) -> float:
    """The processor time of an act, in turns of a loop of half a million (0.07 s on the machine where bounds were set).

    The loop runs before and after, as a shared machine gets faster and slower by the minute. The least of some tries
    counts: the first of a process also loads what it needs, and neighbours, who share the processor's caches, only add.
    """
    return min(_try(act) for _ in range(TRIES))


def _try(act: Callable[[], object]) -> float:
    before = _seconds(_turn)
    taken = _seconds(act)
    return taken / max(before, _seconds(_turn))


def _turn() -> None:
    sum(number * number for number in range(500_000))


def _seconds(act: Callable[[], object]) -> float:
    begun = time.process_time()
    act()
    return time.process_time() - begun
