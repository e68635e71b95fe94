"""Taking in what was noticed: stored first, answered fast. The rules look at it later (judging.py).

One source is taken in one delivery after the other, so what repeats is found and counted, however many knock at
once. Ten thousand repeats of one alert change one row, one minute's count and the source's own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce, Greatest

from crisiscomms.models import User
from incidents.hooks.protocol import NEWS, Noticed
from incidents.models import Signal, SignalBody, SignalMinute, SignalReceipt, SignalSource
from incidents.models.signals import PERSON
from incidents.noticing.vocabulary import COUNTED

Status = Signal.Status
# Something that comes again and again is looked at anew no more often than this.
LOOK_AGAIN = timedelta(seconds=10)
# Different things from one source within a minute: beyond this it is told to wait.
MOST_NEW = 1_000
# Longer than any signed body is news, so that a receipt is there as long as a replay could pass.
RECEIPTS_KEPT = NEWS + timedelta(days=1)
PEOPLE = 0


class TooMany(Exception):
    """More new things in a minute than a source may tell of."""


@dataclass(frozen=True)
class Taken:
    new: int = 0
    known: int = 0


@transaction.atomic
def take(*, source_id: int, found: list[Noticed], raw: str, delivery_id: str, now: datetime) -> Taken:
    """Store what one delivery of a source tells. The same delivery again changes nothing. Raises TooMany."""
    source = SignalSource.objects.select_for_update(no_key=True).get(pk=source_id)
    if delivery_id and _is_known(source, delivery_id, now):
        return _count(source, Taken(known=1), now)
    latest = {one.fingerprint: one for one in found}
    have = _latest(source, list(latest))
    again = {have[key].pk: latest[key] for key in latest if key in have and not _begins_anew(have[key], latest[key])}
    fresh = [one for key, one in latest.items() if key not in have or _begins_anew(have[key], one)]
    _again([one for one in have.values() if one.pk in again], again, now)
    _begin(source, fresh, raw, delivery_id, now)
    _add_up(source.pk, source.kind, latest.values(), now)
    return _count(source, Taken(new=len(fresh), known=len(again)), now)


def report(*, noticed: Noticed, raw: str, by: User, now: datetime) -> Signal:
    """What a person noticed: each report stands by itself."""
    body = SignalBody.objects.create(text=raw, received_at=now)
    signal = Signal.objects.create(**_fields(noticed, now), by=by, body=body)
    _add_up(PEOPLE, PERSON, [noticed], now)
    _ring()
    return signal


def _is_known(source: SignalSource, delivery_id: str, now: datetime) -> bool:
    """Whether this id was used before; from now on it was. Receipts are forgotten, what a signal is called is not."""
    _, is_new = SignalReceipt.objects.get_or_create(
        source=source, external_id=delivery_id, defaults={"received_at": now}
    )
    return not is_new or Signal.objects.filter(source=source, external_id=delivery_id).exists()


def _latest(source: SignalSource, fingerprints: list[str]) -> dict[str, Signal]:
    """The newest signal with each fingerprint, without its body."""
    found = Signal.objects.filter(source=source, fingerprint__in=fingerprints)
    newest = found.order_by("fingerprint", "-pk").distinct("fingerprint")
    wanted = ("fingerprint", "status", "ended_at", "values", "happened_at", "received_at", "told_at")
    return {one.fingerprint: one for one in newest.only(*wanted)}


def _begins_anew(have: Signal, noticed: Noticed) -> bool:
    """It was over, and goes on again. What tells of a time before the end came late."""
    return have.ended_at is not None and not noticed.is_over and noticed.at > have.ended_at


def _is_late(have: Signal, noticed: Noticed) -> bool:
    """Sent before what is known of it happened: a delivery that waited, or one that somebody sent again.

    Sender's clock against sender's clock: where one of the two gave no moment, nothing is late.
    """
    known = have.told_at or (have.happened_at if have.happened_at < have.received_at else None)
    return known is not None and noticed.told_at < known


def _again(have: Iterable[Signal], noticed: dict[int, Noticed], now: datetime) -> None:
    going_on = [one for one in have if one.status == Status.FIRING]
    look = Coalesce("due_at", Greatest(Value(now), F("judged_at") + Value(LOOK_AGAIN)))
    Signal.objects.filter(pk__in=list(noticed)).update(
        seen_count=F("seen_count") + 1, last_seen_at=Greatest(F("last_seen_at"), Value(now))
    )
    Signal.objects.filter(pk__in=[one.pk for one in going_on]).update(due_at=look)
    changed = []
    for one in going_on:
        told, is_late = noticed[one.pk], _is_late(one, noticed[one.pk])
        if told.is_over:
            if not is_late:
                Signal.objects.filter(pk=one.pk).update(status=Status.RESOLVED, ended_at=max(told.at, one.happened_at))
            continue
        said_at = _by_their_clock(told, now)
        if told.values != one.values or said_at != one.told_at:
            one.values = {**one.values, **told.values}
            one.told_at = one.told_at if is_late or said_at is None else said_at
            changed.append(one)
    Signal.objects.bulk_update(changed, ["values", "told_at"], batch_size=200)


def _begin(source: SignalSource, fresh: list[Noticed], raw: str, delivery_id: str, now: datetime) -> None:
    if not fresh:
        return
    lately = Signal.objects.filter(source=source, received_at__gt=now - timedelta(minutes=1)).count()
    if lately + len(fresh) > MOST_NEW:
        raise TooMany
    body = SignalBody.objects.create(text=raw, received_at=now)
    alone = delivery_id if len(fresh) == 1 else ""
    rows = [Signal(**_fields(one, now), source=source, body=body, external_id=alone) for one in fresh]
    Signal.objects.bulk_create(rows, batch_size=500)
    _ring()


def _by_their_clock(noticed: Noticed, now: datetime) -> datetime | None:
    """Up to when the sender knew what it says; None where it gave no moment, so that ours stands there instead."""
    return noticed.told_at if noticed.told_at < now else None


def _fields(noticed: Noticed, now: datetime) -> dict[str, Any]:
    return {
        "fingerprint": noticed.fingerprint,
        "title": noticed.title,
        "text": noticed.text,
        "link": noticed.link,
        "status": Status.RESOLVED if noticed.is_over else Status.FIRING,
        "ended_at": noticed.at if noticed.is_over else None,
        "values": noticed.values,
        "happened_at": noticed.at,
        "received_at": now,
        "last_seen_at": now,
        "told_at": _by_their_clock(noticed, now),
        "due_at": now,
    }


def _add_up(source: int, kind: str, noticed: Iterable[Noticed], now: datetime) -> None:
    """Add to this minute's counts, in one statement and in one order, so that none waits for another for ever."""
    amounts: dict[str, float] = {}
    for one in noticed:
        if one.is_over:
            continue
        amounts[""] = amounts.get("", 0) + 1
        for name in COUNTED:
            amount = one.values.get(name)
            if isinstance(amount, float) and amount > 0:
                amounts[name] = amounts.get(name, 0) + amount
    if not amounts:
        return
    names = sorted(amounts)
    table = SignalMinute._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {table} (source, kind, name, minute, amount)
            SELECT %s, %s, one.name, %s, one.amount FROM unnest(%s::text[], %s::float8[]) AS one (name, amount)
            ON CONFLICT (source, name, minute) DO UPDATE SET amount = {table}.amount + excluded.amount
            """,
            [source, kind, minute_of(now), names, [amounts[name] for name in names]],
        )


def minute_of(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _count(source: SignalSource, taken: Taken, now: datetime) -> Taken:
    SignalSource.objects.filter(pk=source.pk).update(
        taken=F("taken") + taken.new, known=F("known") + taken.known, last_taken_at=now
    )
    return taken


def note_refusal(*, source: SignalSource, why: str, now: datetime) -> None:
    """What was refused is counted, with why, for the administrator's eyes."""
    SignalSource.objects.filter(pk=source.pk).update(
        refused=F("refused") + 1, last_refused_at=now, last_refused_why=why[:200]
    )


def forget_receipts(*, now: datetime, limit: int = 5_000) -> int:
    """Remove ids that nobody could use again."""
    old = SignalReceipt.objects.filter(received_at__lt=now - RECEIPTS_KEPT).values_list("pk", flat=True)[:limit]
    return SignalReceipt.objects.filter(pk__in=list(old)).delete()[0]


def _ring() -> None:
    from incidents import tasks

    transaction.on_commit(lambda: tasks.judge_signals.delay(), robust=True)
