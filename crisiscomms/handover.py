"""What a person holds that must not be left alone: each house says what that is, and how it passes to another."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from crisiscomms.models import User


class PassOn(Protocol):
    def __call__(self, *, person: User, to: User, by: User, now: datetime) -> None: ...


@dataclass(frozen=True)
class Holding:
    """`words` is how a page names it: “incidents they lead”. `count` counts what is still open.

    `may_hold` says whether roles allow to hold it: who loses those that do has to pass it on.
    """

    key: str
    words: str
    count: Callable[[User], int]
    pass_on: PassOn
    may_hold: Callable[[list[str]], bool] = lambda roles: True


_holdings: dict[str, Holding] = {}


def register(holding: Holding) -> None:
    _holdings[holding.key] = holding


def held_by(person: User) -> list[tuple[Holding, int]]:
    """What this person holds now, the kinds with nothing left out."""
    counted = [(holding, holding.count(person)) for holding in _holdings.values()]
    return [(holding, count) for holding, count in counted if count]


def lost_with(person: User, roles: list[str]) -> list[tuple[Holding, int]]:
    """What this person holds and could not hold any more with these roles alone."""
    return [
        (holding, count)
        for holding, count in held_by(person)
        if holding.may_hold(person.roles) and not holding.may_hold(roles)
    ]


def pass_on(given: list[tuple[Holding, int]], *, person: User, to: User, by: User, now: datetime) -> str:
    """Give all this to another person, inside the caller's transaction. Returns what was given, in words."""
    for holding, _ in given:
        holding.pass_on(person=person, to=to, by=by, now=now)
    return ", ".join(f"{count} {holding.words}" for holding, count in given)


def _replaces(person: User) -> int:
    return User.objects.active().filter(deputy=person).count()


def _replace(*, person: User, to: User, by: User, now: datetime) -> None:
    # Nobody is their own deputy: for the successor the place stays empty.
    User.objects.active().filter(deputy=person).exclude(pk=to.pk).update(deputy=to)
    User.objects.active().filter(deputy=person).update(deputy=None)


register(Holding("deputy", "people whose deputy they are", _replaces, _replace))
