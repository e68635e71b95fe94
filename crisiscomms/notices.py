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


@dataclass(frozen=True)
class Telling:
    """One person to be told one thing. `way`, where the way does not follow from what they chose."""

    person: User
    kind: str
    key: str
    context: dict[str, Any]
    way: Way | None = None


def tell(people: Iterable[User], *, kind: str, key: str, now: datetime, **context: Any) -> int:
    """Tell each person by the way they chose, inside the caller's transaction.

    `key` makes it safe to repeat: nobody is told the same kind and key twice. Returns how many are new.
    """
    return tell_each([Telling(person, kind, key, context) for person in people], now=now)


def tell_each(told: Iterable[Telling], *, now: datetime) -> int:
    """Many tellings in a few statements. The first of the same person, kind and key counts."""
    new: dict[tuple[int, str, str], Telling] = {}
    for one in told:
        if one.kind not in _renderers:
            raise LookupError(f"Nobody renders notices of kind {one.kind!r}.")
        if one.person.is_active:
            new.setdefault((one.person.pk, one.kind, one.key), one)
    for known in _known(new.values()):
        new.pop(known, None)
    if not new:
        return 0
    chosen = _ways(new)
    rows = [
        Notice(person=one.person, kind=one.kind, key=one.key, context=one.context, created_at=now)
        for one in new.values()
    ]
    for row, one in zip(rows, new, strict=True):
        for name, value in _mailing(row.kind, chosen[one], now).items():
            setattr(row, name, value)
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    _queue_lines([one for one, way in chosen.items() if way in IN_CHAT], now)
    return len(new)


def _known(told: Iterable[Telling]) -> Iterable[tuple[int, str, str]]:
    """Who has been told already."""
    told = list(told)
    people, keys = {one.person.pk for one in told}, {one.key for one in told}
    found = Notice.objects.filter(person__in=people, kind__in={one.kind for one in told}, key__in=keys)
    return list(found.values_list("person", "kind", "key"))


def _ways(told: dict[tuple[int, str, str], Telling]) -> dict[tuple[int, str, str], Way]:
    choices = ways.choices_of({one.person.pk: one.person for one in told.values()}.values())
    asked = any(one.way in IN_CHAT for one in told.values())
    with_chat = (asked or any(_wants_chat(choice) for choice in choices.values())) and ways.has_chat()

    def way(one: Telling) -> Way:
        own = ways.way_of(choices[one.person.pk], _urgencies[one.kind], with_chat=with_chat)
        if one.way is None:
            return own
        return one.way if with_chat or one.way not in IN_CHAT else Way.MAIL

    return {key: way(one) for key, one in told.items()}


def _wants_chat(choice: NoticeChoice) -> bool:
    return any(way in IN_CHAT for way in (choice.urgent, choice.normal, choice.quiet))


def _mailing(kind: str, way: Way, now: datetime) -> dict[str, Any]:
    if kind in _mail_only or way in (Way.MAIL, Way.BOTH):
        return {"state": Notice.State.QUEUED, "next_attempt_at": now}
    return {"state": Notice.State.DIGEST if way == Way.DIGEST else Notice.State.UNMAILED}


def _queue_lines(told: list[tuple[int, str, str]], now: datetime) -> None:
    """One line each for those who are told in the chat as well or instead; none for what stands in a mail only."""
    wanted = {one for one in told if one[1] in _looks}
    if not wanted:
        return
    found = Notice.objects.filter(
        person__in={pk for pk, _, _ in wanted},
        kind__in={kind for _, kind, _ in wanted},
        key__in={k for _, _, k in wanted},
    )
    lines = [
        ChatLine(notice=notice, next_attempt_at=now)
        for notice in found
        if (notice.person_id, notice.kind, notice.key) in wanted
    ]
    ChatLine.objects.bulk_create(lines, ignore_conflicts=True)


def say_as_well(notice: Notice, now: datetime) -> None:
    """The mail did not get through: say it in the chat too, once, if somebody has to act and a chat is connected."""
    if urgency(notice.kind) == "urgent" and notice.kind in _looks and ways.has_chat():
        line = ChatLine(notice=notice, is_second_way=True, next_attempt_at=now)
        ChatLine.objects.bulk_create([line], ignore_conflicts=True)


def mail_instead(notice: Notice, now: datetime) -> None:
    """The line in the chat did not get through: what was to be told there alone is mailed."""
    waiting = Notice.objects.filter(pk=notice.pk, state=Notice.State.UNMAILED)
    waiting.update(state=Notice.State.QUEUED, next_attempt_at=now)
