"""Kinds of deadline: registered by the house that owns their meaning."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from crisiscomms.models import User
from incidents import access
from incidents.models import Deadline


def _works(deadline: Deadline, person: User) -> bool:
    return access.may(person, "work", deadline.incident)


def _room(deadline: Deadline) -> str:
    return reverse("desk:room", args=[deadline.incident.number])


def _nothing(deadline: Deadline, now: datetime) -> None:
    return None


@dataclass(frozen=True)
class Kind:
    """`path` is where the owner can do something about it; `on_warn` prepares the next step."""

    key: str
    label: str
    path: Callable[[Deadline], str]
    on_warn: Callable[[Deadline, datetime], None] = _nothing
    on_missed: Callable[[Deadline, datetime], None] = _nothing
    action: str = "Open"
    # Whether this person can open `path`; whoever cannot, but works on the incident, is led to `beside`, else to the room.
    may_open: Callable[[Deadline, User], bool] = _works
    beside: Callable[[Deadline], str] | None = None
    # Where the kind knows better than the severity's policy: minutes before due, None for the policy's.
    warn_minutes: int | None = None
    # A person says that it is done; others are met by what happens.
    by_hand: bool = False
    may_be_put_off: bool = True
    # Whether it goes on when the incident is closed or stood down: it follows from the end.
    outlives_close: bool = False
    # Where it is waived and handed over when a row of its own says so, as a sentence; empty for the clock's page.
    elsewhere: str = ""


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _kinds[kind.key] = kind


def of(key: str) -> Kind:
    return _kinds[key]


def kind_of(deadline: Deadline) -> Kind:
    return _kinds[deadline.kind]


def path_for(deadline: Deadline, person: User) -> str:
    """Where this person can do something about it."""
    kind = kind_of(deadline)
    if kind.may_open(deadline, person):
        return kind.path(deadline)
    if kind.beside and _works(deadline, person):
        return kind.beside(deadline)
    return _room(deadline)


def action_for(deadline: Deadline, person: User) -> str:
    """What following `path_for` is called for this person: nobody is offered what another has to do."""
    kind, path = kind_of(deadline), path_for(deadline, person)
    if path == _room(deadline):
        return "Open the room"
    return kind.action if kind.may_open(deadline, person) else "Open the message"


def labels() -> list[tuple[str, str]]:
    """Every kind with its name, to choose from."""
    return sorted(((kind.key, kind.label) for kind in _kinds.values()), key=lambda one: one[1])


def has_work(key: str) -> bool:
    """Whether time passing makes this kind do something besides telling people."""
    kind = _kinds.get(key)
    return kind is None or kind.on_warn is not _nothing or kind.on_missed is not _nothing


def registered() -> set[str]:
    return set(_kinds)
