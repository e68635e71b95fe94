"""What the team is told. A lower house writes a row; the delivery worker mails it, and the bell shows it."""

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
    # For a mail to an address that is the person's no longer; empty is the address of now.
    to_address: str = ""


Renderer = Callable[[Notice, datetime], Mail | None]
_renderers: dict[str, Renderer] = {}
_looks: dict[str, Renderer] = {}


def renders(kind: str, *, mail_only: bool = False) -> Callable[[Renderer], Renderer]:
    """Register how a kind of notice is worded. Returning None means: no longer needed, skip it.

    `mail_only` is for words that make or carry a secret: they prove who holds the mailbox, so they stand nowhere else.
    """

    def register(function: Renderer) -> Renderer:
        _renderers[kind] = function
        if not mail_only:
            _looks.setdefault(kind, function)
        return function

    return register


def looks(kind: str) -> Callable[[Renderer], Renderer]:
    """Register what the bell shows where the mail makes a secret: the same thing, reached by signing in."""

    def register(function: Renderer) -> Renderer:
        _looks[kind] = function
        return function

    return register


def render(notice: Notice, now: datetime) -> Mail | None:
    return _renderers[notice.kind](notice, now)


def look(notice: Notice, now: datetime) -> Mail | None:
    """What the notice says inside the product; changes nothing. None: no longer needed, or no longer theirs to see."""
    return _looks[notice.kind](notice, now)


def shown() -> set[str]:
    """The kinds that also stand inside the product."""
    return set(_looks)


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
