"""What the team is told. A lower house writes a row; the bell shows it, and it leaves by the way each person chose."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

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
    """Many tellings in a few statements. The first of the same person, kind and key counts, now and ever."""
    asked: dict[tuple[int, str, str], Telling] = {}
    for one in told:
        if one.kind not in _renderers:
            raise LookupError(f"Nobody renders notices of kind {one.kind!r}.")
        if one.person.is_active:
            asked.setdefault((one.person.pk, one.kind, one.key), one)
    if not asked:
        return 0
    chosen = _ways(asked)
    in_chat = {one for one, way in chosen.items() if way in IN_CHAT and one[1] in _looks}
    count, new = _write(asked, chosen, now, named=bool(in_chat))
    _queue_lines([pk for pk, one in new.items() if one in in_chat], now)
    return count


def _write(
    asked: dict[tuple[int, str, str], Telling], chosen: dict[tuple[int, str, str], Way], now: datetime, *, named: bool
) -> tuple[int, dict[int, tuple[int, str, str]]]:
    """In one statement; what was told before stays as it is. How many are new, and if `named` which, by their keys."""
    mailing = [_mailing(kind, chosen[person, kind, key], now) for person, kind, key in asked]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO {Notice._meta.db_table}
                    (person_id, kind, key, context, created_at, state, next_attempt_at, attempts, last_error)
                SELECT p, k, y, c::jsonb, %s, s, n, 0, '' FROM unnest(
                    %s::bigint[], %s::varchar[], %s::varchar[], %s::text[], %s::varchar[], %s::timestamptz[]
                ) AS t (p, k, y, c, s, n)
                ON CONFLICT DO NOTHING {"RETURNING id, person_id, kind, key" if named else ""}""",
            [
                now,
                [person for person, _, _ in asked],
                [kind for _, kind, _ in asked],
                [key for _, _, key in asked],
                [json.dumps(one.context) for one in asked.values()],
                [str(one["state"]) for one in mailing],
                [one.get("next_attempt_at") for one in mailing],
            ],
        )
        new = {pk: (person, kind, key) for pk, person, kind, key in cursor.fetchall()} if named else {}
        return cursor.rowcount, new


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


def _queue_lines(new: list[int], now: datetime) -> None:
    """One line each for those who are told in the chat as well or instead; none for what stands in a mail only."""
    if not new:
        return
    lines = [ChatLine(notice_id=pk, next_attempt_at=now) for pk in new]
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
