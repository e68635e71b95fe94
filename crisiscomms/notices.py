"""What the team is told. A lower house writes a row; the bell shows it, and it leaves by the way each person chose."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crisiscomms import ways
from crisiscomms.models import ChatLine, Notice, NoticeChoice, User
from crisiscomms.models.ways import IN_CHAT, Way
from crisiscomms.ways import Urgency


@dataclass(frozen=True)
class Mail:
    """What one notice says. `link` is the one thing to press.

    `about` is what it belongs to, as a heading of the digest. `is_restricted`: nothing of it may be said where others
    read too, as in a chat.
    """

    subject: str
    paragraphs: list[str]
    link: str = ""
    link_label: str = ""
    quote_text: str = ""
    quote_html: str = ""
    about: str = ""
    is_restricted: bool = False
    # For a mail to an address that is the person's no longer; empty is the address of now.
    to_address: str = ""


Renderer = Callable[[Notice, datetime], Mail | None]
_renderers: dict[str, Renderer] = {}
_looks: dict[str, Renderer] = {}
_urgencies: dict[str, Urgency] = {}
_mail_only: set[str] = set()


def renders(kind: str, *, urgency: Urgency, mail_only: bool = False) -> Callable[[Renderer], Renderer]:
    """Register how a kind of notice is worded. Returning None means: no longer needed, skip it.

    `mail_only` is for words that make or carry a secret: they prove who holds the mailbox, so they stand nowhere else,
    and always leave by mail.
    """

    def register(function: Renderer) -> Renderer:
        _renderers[kind] = function
        _urgencies[kind] = urgency
        if mail_only:
            _mail_only.add(kind)
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


def urgency(kind: str) -> Urgency:
    return _urgencies[kind]


def tell(people: Iterable[User], *, kind: str, key: str, now: datetime, **context: Any) -> int:
    """Tell each person by the way they chose, inside the caller's transaction.

    `key` makes it safe to repeat: nobody is told the same kind and key twice. Returns how many are new.
    """
    if kind not in _renderers:
        raise LookupError(f"Nobody renders notices of kind {kind!r}.")
    told = set(Notice.objects.filter(kind=kind, key=key).values_list("person", flat=True))
    new = {person.pk: person for person in people if person.is_active and person.pk not in told}
    chosen = _ways(new.values(), kind)
    rows = [
        Notice(person=person, kind=kind, key=key, context=context, created_at=now, **_mailing(kind, chosen[pk], now))
        for pk, person in new.items()
    ]
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    _queue_lines(kind, key, [pk for pk, way in chosen.items() if way in IN_CHAT], now)
    return Notice.objects.filter(kind=kind, key=key).count() - len(told)


def _ways(people: Iterable[User], kind: str) -> dict[int, Way]:
    choices = ways.choices_of(people)
    with_chat = any(_wants_chat(choice) for choice in choices.values()) and ways.has_chat()
    return {pk: ways.way_of(choice, _urgencies[kind], with_chat=with_chat) for pk, choice in choices.items()}


def _wants_chat(choice: NoticeChoice) -> bool:
    return any(way in IN_CHAT for way in (choice.urgent, choice.normal, choice.quiet))


def _mailing(kind: str, way: Way, now: datetime) -> dict[str, Any]:
    if kind in _mail_only or way in (Way.MAIL, Way.BOTH):
        return {"state": Notice.State.QUEUED, "next_attempt_at": now}
    return {"state": Notice.State.DIGEST if way == Way.DIGEST else Notice.State.UNMAILED}


def _queue_lines(kind: str, key: str, people: list[int], now: datetime) -> None:
    """One line each for those who are told in the chat as well or instead; none for what stands in a mail only."""
    if not people or kind not in _looks:
        return
    found = Notice.objects.filter(kind=kind, key=key, person__in=people)
    ChatLine.objects.bulk_create(
        [ChatLine(notice=notice, next_attempt_at=now) for notice in found], ignore_conflicts=True
    )


def say_as_well(notice: Notice, now: datetime) -> None:
    """The mail did not get through: say it in the chat too, once, if somebody has to act and a chat is connected."""
    if urgency(notice.kind) == "urgent" and notice.kind in _looks and ways.has_chat():
        line = ChatLine(notice=notice, is_second_way=True, next_attempt_at=now)
        ChatLine.objects.bulk_create([line], ignore_conflicts=True)


def mail_instead(notice: Notice, now: datetime) -> None:
    """The line in the chat did not get through: what was to be told there alone is mailed."""
    waiting = Notice.objects.filter(pk=notice.pk, state=Notice.State.UNMAILED)
    waiting.update(state=Notice.State.QUEUED, next_attempt_at=now)
