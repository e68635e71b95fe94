"""Records: every action writes one event here, inside its own transaction."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from crisiscomms import environment
from crisiscomms.models import AuditDetail, AuditEvent, User

INSTALLATION = "installation"
# What a timeline shows in the place of words that were erased.
ERASED = "(erased)"


@transaction.atomic(savepoint=False)
def record(
    *,
    chain: str,
    verb: str,
    subject: str,
    text: str,
    by: User | None,
    now: datetime,
    data: dict[str, Any] | None = None,
    publishable: bool = False,
) -> AuditEvent:
    """Append one event to its chain. `by=None` is the system itself. `now` is when it happened (UTC).

    `recorded_at` is the database's clock whatever `now` says, so a back-dated act shows both.
    """
    with connection.cursor() as cursor:
        # Two writers of one chain wait for each other here, so numbers have no gap and no double.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0)), clock_timestamp()", [chain])
        recorded_at: datetime = cursor.fetchone()[1]
    last = AuditEvent.objects.filter(chain=chain).order_by("-number").values("number", "digest").first()
    event = AuditEvent(
        chain=chain,
        number=last["number"] + 1 if last else 1,
        at=now,
        recorded_at=recorded_at,
        actor=by,
        verb=verb,
        subject=subject,
        publishable=publishable,
        detail_digest=digest_of_words(text, data or {}),
        previous=bytes(last["digest"]) if last else b"",
    )
    event.digest = digest_of(event)
    event.save(force_insert=True)
    AuditDetail.objects.create(event=event, text=text, data=data or {})
    return event


@dataclass(frozen=True)
class Entry:
    """One event that the system itself has to record."""

    chain: str
    verb: str
    subject: str
    text: str


@transaction.atomic(savepoint=False)
def record_each(entries: Iterable[Entry], *, now: datetime) -> None:
    """Many events of the system in a few statements. The caller holds all their chains (`take_turns`)."""
    waiting = list(entries)
    if not waiting:
        return
    ends = _ends({entry.chain for entry in waiting})
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        recorded_at: datetime = cursor.fetchone()[0]
    events = []
    for entry in waiting:
        number, previous = ends.get(entry.chain, (0, b""))
        event = AuditEvent(
            chain=entry.chain,
            number=number + 1,
            at=now,
            recorded_at=recorded_at,
            verb=entry.verb,
            subject=entry.subject,
            detail_digest=_keyed(_canonical({"text": entry.text, "data": {}})),
            previous=previous,
        )
        event.digest = digest_of(event)
        ends[entry.chain] = event.number, event.digest
        events.append(event)
    AuditEvent.objects.bulk_create(events)
    AuditDetail.objects.bulk_create(
        [AuditDetail(event=event, text=entry.text, data={}) for event, entry in zip(events, waiting, strict=True)]
    )


def _ends(chains: set[str]) -> dict[str, tuple[int, bytes]]:
    """Number and digest of the last event of each chain, one look at the index for each."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c, last.number, last.digest FROM unnest(%s) c CROSS JOIN LATERAL (SELECT number, digest FROM "
            f"{AuditEvent._meta.db_table} WHERE chain = c ORDER BY number DESC LIMIT 1) last",
            [list(chains)],
        )
        return {chain: (number, bytes(digest)) for chain, number, digest in cursor.fetchall()}


def hold(chain: str) -> None:
    """Wait to be the chain's one writer until this transaction ends.

    Every action on an incident does this before it locks any row of it. So two acts on one incident come one
    after the other, in one order of locks, and none of them can stand in the other's way for ever.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [chain])


def take_turns(chains: Iterable[str]) -> set[str]:
    """Be the one writer of each of these chains that is free now, until this transaction ends. Never waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c FROM (SELECT c FROM unnest(%s) c ORDER BY c) asked "
            "WHERE pg_try_advisory_xact_lock(hashtextextended(c, 0))",
            [list(chains)],
        )
        return {chain for (chain,) in cursor.fetchall()}


def digest_of(event: AuditEvent) -> bytes:
    """The keyed digest of everything the event says, and of the event before it."""
    return _keyed(
        _canonical(
            {
                "chain": event.chain,
                "number": event.number,
                "at": event.at.astimezone(UTC).isoformat(),
                "actor": event.actor_id,
                "verb": event.verb,
                "subject": event.subject,
                "publishable": event.publishable,
                "detail": bytes(event.detail_digest).hex(),
                "previous": bytes(event.previous).hex(),
            }
        )
    )


def digest_of_words(text: str, data: dict[str, Any]) -> bytes:
    """The keyed digest of an event's words, which stays when they are erased."""
    return _keyed(_canonical({"text": text, "data": data}))


@dataclass(frozen=True)
class Head:
    """How far a chain had come at some time: kept elsewhere, it is the anchor by which a cut tail is found."""

    chain: str
    number: int
    digest: str


def heads() -> list[Head]:
    """The last event of every chain, in the order of their names."""
    return [Head(chain, number, digest.hex()) for chain, (number, digest) in sorted(_ends(_chains()).items())]


def _chains() -> set[str]:
    """The names of all chains, from one to the next along the index: the cost follows them, not their events."""
    table = AuditEvent._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE known AS ((SELECT chain FROM {table} ORDER BY chain LIMIT 1) UNION ALL "
            f"SELECT (SELECT next.chain FROM {table} next WHERE next.chain > known.chain ORDER BY next.chain LIMIT 1) "
            "FROM known WHERE known.chain IS NOT NULL) SELECT chain FROM known WHERE chain IS NOT NULL"
        )
        return {chain for (chain,) in cursor.fetchall()}


def lost(anchors: Iterable[Head]) -> Iterator[str]:
    """What is no longer as these anchors knew it, in sentences: events that were cut off or written anew."""
    anchors = sorted(anchors, key=lambda one: (one.chain, one.number))
    chains = {anchor.chain for anchor in anchors}
    now = dict(AuditEvent.objects.filter(chain__in=chains).values_list("chain").annotate(last=Max("number")))
    for anchor in anchors:
        event = AuditEvent.objects.filter(chain=anchor.chain, number=anchor.number).only("digest").first()
        if now.get(anchor.chain, 0) < anchor.number:
            yield f"The end of {anchor.chain} was cut off: it had {anchor.number} events, now {now.get(anchor.chain, 0)}."
        elif event is not None and bytes(event.digest).hex() != anchor.digest:
            yield f"Event {anchor.number} of {anchor.chain} is another one than before."


def faults(chain: str, *, anchors: Iterable[Head] = ()) -> Iterator[str]:
    """What is wrong with a chain, in sentences; nothing when it is whole. A cut tail needs an outside anchor."""
    yield from _broken(chain)
    yield from lost(anchors)


def _broken(chain: str) -> Iterator[str]:
    previous, number = b"", 0
    events = AuditEvent.objects.filter(chain=chain).order_by("number").select_related("detail")
    for event in events.iterator():
        number += 1
        if event.number != number:
            yield f"Event {number} of {chain} is missing."
            number = event.number
        elif bytes(event.previous) != previous or bytes(event.digest) != digest_of(event):
            yield f"Event {number} of {chain} was changed."
        detail = event.detail
        words = digest_of_words(detail.text, detail.data)
        if detail.erased_at is None and words != bytes(event.detail_digest):
            yield f"The words of event {number} of {chain} were changed."
        previous = bytes(event.digest)


def erase(keys: Iterable[int], *, now: datetime) -> int:
    """Forget the words of these events; their digests stay, so the chain still verifies. Returns how many."""
    words = AuditDetail.objects.filter(pk__in=list(keys), erased_at=None)
    return words.update(text=ERASED, data={}, erased_at=now)


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _keyed(value: bytes) -> bytes:
    key = environment.derived_key(settings.RECORD_SIGNING_KEY, "audit")
    return hmac.new(key, value, hashlib.sha256).digest()
