"""Claiming rows, and writing back what became of them: every statement touches its own columns only."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from stakeholders.recipients import SUPPRESSED, UNSUBSCRIBED

# How many rows are claimed at once, by how often they were claimed before. A row that kills its worker is soon
# alone, so that it cannot take the others with it (faults, D2).
LADDER = {0: 800, 1: 25, 2: 5}
ALONE = 1

# Two workers never win one row: the claim locks rows of this table alone and skips locked ones.
CLAIM = """
    UPDATE delivery_notification SET state = 'claimed', lease_until = %(lease)s, on_wire_at = NULL,
        attempts = attempts + 1, next_attempt_at = NULL
    WHERE id IN (
        SELECT id FROM delivery_notification
        WHERE dispatch_id = %(dispatch)s AND state IN ('queued', 'retry') AND next_attempt_at <= %(now)s
          AND attempts >= %(from)s AND attempts <= %(to)s
        ORDER BY tier, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING id, contact_id, address, merge, attempts
"""
LEAVE_OUT = """
    UPDATE delivery_notification n SET state = 'skipped', lease_until = NULL, ended_at = %(now)s,
        reason = CASE WHEN c.suppressed_at IS NOT NULL THEN %(suppressed)s ELSE %(unsubscribed)s END
    FROM stakeholders_contact c
    WHERE n.id = ANY(%(ids)s) AND n.state = 'claimed' AND c.id = n.contact_id
      AND (c.suppressed_at IS NOT NULL OR c.unsubscribed_at IS NOT NULL)
    RETURNING n.id
"""
# `attempts` grows with every claim, so it tells our claim from a later one of the same row. A lease is what only
# claimed rows have; asked by their state, the planner walks the index of claimed rows and all its dead entries.
ON_WIRE = """
    UPDATE delivery_notification n SET on_wire_at = %(now)s, lease_until = %(lease)s
    FROM unnest(%(ids)s::bigint[], %(attempts)s::smallint[]) AS r(id, attempts)
    WHERE n.id = r.id AND n.lease_until IS NOT NULL AND n.attempts = r.attempts
    RETURNING n.id
"""
# One statement: an attempt is noted only for a row that moved, so a repeat after a lost commit changes nothing.
WRITE_BACK = """
    WITH r AS (
        SELECT * FROM unnest(%(ids)s::bigint[], %(attempts)s::smallint[], %(states)s::varchar[], %(reasons)s::varchar[],
            %(next)s::timestamptz[], %(ended)s::timestamptz[], %(twice)s::boolean[], %(at)s::timestamptz[],
            %(outcomes)s::varchar[], %(codes)s::smallint[])
        AS r(id, attempts, state, reason, next_attempt_at, ended_at, possibly_twice, at, outcome, code)
    ), moved AS (
        UPDATE delivery_notification n SET state = r.state, reason = r.reason, next_attempt_at = r.next_attempt_at,
            ended_at = r.ended_at, possibly_twice = n.possibly_twice OR r.possibly_twice, lease_until = NULL
        FROM r WHERE n.id = r.id AND n.lease_until IS NOT NULL AND n.attempts = r.attempts
        RETURNING n.id
    )
    INSERT INTO delivery_deliveryattempt (notification_id, number, at, outcome, code, text)
    SELECT r.id, r.attempts, r.at, r.outcome, r.code, r.reason FROM r JOIN moved USING (id)
"""


@dataclass(frozen=True)
class Claimed:
    id: int
    contact_id: int
    address: str
    merge: dict[str, Any]
    attempts: int


@dataclass(frozen=True)
class Outcome:
    """What one try came to, and the state that follows from it by policy."""

    row: Claimed
    outcome: str
    state: str
    reason: str
    at: datetime
    code: int | None = None
    next_attempt_at: datetime | None = None
    ended_at: datetime | None = None
    possibly_twice: bool = False


def claim(*, dispatch_id: int, now: datetime, lease: datetime, most: int = LADDER[0]) -> list[Claimed]:
    """Take the next due rows of a dispatch, tier 1 first, at most `most`; an empty list when none is due."""
    rungs = [(tries, tries, min(size, most)) for tries, size in LADDER.items()] + [(len(LADDER), 32_000, ALONE)]
    with connection.cursor() as cursor:
        for low, high, size in rungs:
            cursor.execute(
                CLAIM, {"dispatch": dispatch_id, "now": now, "lease": lease, "from": low, "to": high, "limit": size}
            )
            rows = [_claimed(*row) for row in cursor.fetchall()]
            if rows:
                return sorted(rows, key=lambda row: row.id)
    return []


def leave_out(rows: list[Claimed], *, now: datetime) -> list[Claimed]:
    """Without those who unsubscribed, or whose address died, after the list was frozen: they end as left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            LEAVE_OUT,
            {"ids": [row.id for row in rows], "now": now, "unsubscribed": UNSUBSCRIBED, "suppressed": SUPPRESSED},
        )
        gone = {row[0] for row in cursor.fetchall()}
    return [row for row in rows if row.id not in gone]


def _claimed(pk: int, contact_id: int, address: str, merge: str, attempts: int) -> Claimed:
    # Django leaves JSON of raw cursors as text.
    return Claimed(pk, contact_id, address, json.loads(merge), attempts)


def mark_on_wire(*, rows: list[Claimed], now: datetime, lease: datetime) -> set[int]:
    """Note that these are about to be written to the wire. Returns the ids that are still ours."""
    with connection.cursor() as cursor:
        columns = {"ids": [row.id for row in rows], "attempts": [row.attempts for row in rows]}
        cursor.execute(ON_WIRE, {**columns, "now": now, "lease": lease})
        return {row[0] for row in cursor.fetchall()}


def is_running(dispatch_id: int) -> bool:
    """Held shared until the caller's transaction ends: once a stop has committed, no chunk begins."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM delivery_dispatch WHERE id = %s AND state = 'running' FOR SHARE", [dispatch_id])
        return cursor.fetchone() is not None


def write_back(outcomes: list[Outcome]) -> None:
    """Record outcomes and their attempts. Rows that are no longer ours stay as they are."""
    if not outcomes:
        return
    columns: dict[str, list[Any]] = {
        "ids": [one.row.id for one in outcomes],
        "attempts": [one.row.attempts for one in outcomes],
        "states": [one.state for one in outcomes],
        "reasons": [one.reason[:300] for one in outcomes],
        "next": [one.next_attempt_at for one in outcomes],
        "ended": [one.ended_at for one in outcomes],
        "twice": [one.possibly_twice for one in outcomes],
        "at": [one.at for one in outcomes],
        "outcomes": [one.outcome for one in outcomes],
        "codes": [one.code for one in outcomes],
    }
    # One statement: whole by itself, and part of the caller's transaction where there is one.
    with connection.cursor() as cursor:
        cursor.execute(WRITE_BACK, columns)


def give_back(rows: list[Claimed], *, again_at: datetime) -> None:
    """Rows that were claimed and never tried: queued again, and the try does not count. Only while they are ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE delivery_notification n SET state = 'queued', lease_until = NULL, on_wire_at = NULL,
               next_attempt_at = %s, attempts = greatest(n.attempts - 1, 0)
               FROM unnest(%s::bigint[], %s::smallint[]) AS r(id, attempts)
               WHERE n.id = r.id AND n.lease_until IS NOT NULL AND n.attempts = r.attempts""",
            [again_at, [row.id for row in rows], [row.attempts for row in rows]],
        )


def lease_end(now: datetime, seconds: int) -> datetime:
    return now + timedelta(seconds=seconds)
