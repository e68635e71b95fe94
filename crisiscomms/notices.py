"""Mails to the team. A lower house writes a row; the delivery worker renders and sends it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crisiscomms.models import Notice, User


@dataclass(frozen=True)
class Mail:
    """What one notice says. `link` is the one thing to press."""

    subject: str
    paragraphs: list[str]
    link: str = ""
    link_label: str = ""
    quote_text: str = ""
    quote_html: str = ""


Renderer = Callable[[Notice, datetime], Mail | None]
_renderers: dict[str, Renderer] = {}


def renders(kind: str) -> Callable[[Renderer], Renderer]:
    """Register how a kind of notice is worded. Returning None means: no longer needed, skip it."""

    def register(function: Renderer) -> Renderer:
        _renderers[kind] = function
        return function

    return register


def render(notice: Notice, now: datetime) -> Mail | None:
    return _renderers[notice.kind](notice, now)


def kinds() -> set[str]:
    return set(_renderers)


def tell(people: Iterable[User], *, kind: str, key: str, now: datetime, **context: Any) -> int:
    """Queue one mail per person, inside the caller's transaction.

    `key` makes it safe to repeat: nobody is told the same kind and key twice. Returns how many are new.
    """
    if kind not in _renderers:
        raise LookupError(f"Nobody renders notices of kind {kind!r}.")
    rows = [
        Notice(person=person, kind=kind, key=key, context=context, created_at=now, next_attempt_at=now)
        for person in {person.pk: person for person in people if person.is_active}.values()
    ]
    before = Notice.objects.filter(kind=kind, key=key).count()
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    return Notice.objects.filter(kind=kind, key=key).count() - before
