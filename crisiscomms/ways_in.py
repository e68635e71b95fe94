"""What opens a door for somebody besides their password: each house says what it keeps, and how that ends."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from crisiscomms.models import User


class End(Protocol):
    def __call__(self, *, person: User, by: User, now: datetime) -> None: ...


@dataclass(frozen=True)
class WayIn:
    """`outlives_theft` ones are rights, not keys: they stay when a phone is lost, and end with the access."""

    key: str
    end: End
    outlives_theft: bool = False


_ways: dict[str, WayIn] = {}


def register(way: WayIn) -> None:
    _ways[way.key] = way


def end_keys(*, person: User, by: User, now: datetime) -> None:
    """Whatever a thief could have taken along is dead from now on, inside the caller's transaction."""
    _end(person, by, now, lambda way: not way.outlives_theft)


def end_all(*, person: User, by: User, now: datetime) -> None:
    """For somebody who loses access: what they had does not come back when they do."""
    _end(person, by, now, lambda way: True)


def _end(person: User, by: User, now: datetime, which: Callable[[WayIn], bool]) -> None:
    for way in _ways.values():
        if which(way):
            way.end(person=person, by=by, now=now)
