"""Claiming rows, and writing back what became of them: every statement touches its own columns only."""

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction

from stakeholders.recipients import SUPPRESSED, UNSUBSCRIBED

# How many rows are claimed at once, by how often they were claimed before. A row that kills its worker is soon
# alone, so that it cannot take the others with it (faults, D2).
LADDER = {0: 800, 1: 25, 2: 5}
ALONE = 1

# Two workers never win one row: the claim locks rows of this table alone and skips locked ones. What was taken is
# written into the claim, so that its rows are found by their keys and no index has to follow them. The due rows are
# chosen once, in a step of their own: as a condition (`id IN (…)`) PostgreSQL may choose again for each row it joins,
# skip what it has just locked, and so take more than the limit. As an array they are looked up by their key: joined,
# the planner may read the whole table for every claim.
CLAIM = """
    WITH claim AS (SELECT nextval('delivery_claim_id_seq') AS id), due AS MATERIALIZED (
        SELECT id FROM delivery_notification
        WHERE dispatch_id = %(dispatch)s AND state IN ('queued', 'retry') AND next_attempt_at <= %(now)s
          AND attempts >= %(from)s AND attempts <= %(to)s
        ORDER BY tier, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ), took AS (
        UPDATE delivery_notification n SET state = 'claimed', claim_id = (SELECT id FROM claim),
            attempts = attempts + 1, next_attempt_at = NULL
        WHERE n.id = ANY(ARRAY(SELECT id FROM due))
        RETURNING n.id, claim_id, contact_id, address, merge, attempts
    ), noted AS (
        INSERT INTO delivery_claim (id, dispatch_id, ids, lease_until, begun_upto, sent_upto)
        SELECT claim_id, %(dispatch)s, array_agg(id), %(lease)s, 0, 0 FROM took GROUP BY claim_id
    )
    SELECT claim_id, id, contact_id, address, merge, attempts, (
        SELECT suppressed_at IS NOT NULL OR unsubscribed_at IS NOT NULL FROM stakeholders_contact c
        WHERE c.id = took.contact_id
    ) FROM took ORDER BY id
"""
LEAVE_OUT = """
    UPDATE delivery_notification n SET state = 'skipped', claim_id = NULL, ended_at = %(now)s,
        reason = CASE WHEN c.suppressed_at IS NOT NULL THEN %(suppressed)s ELSE %(unsubscribed)s END
    FROM stakeholders_contact c
    WHERE n.id = ANY(%(ids)s) AND n.claim_id = %(claim)s AND c.id = n.contact_id
      AND (c.suppressed_at IS NOT NULL OR c.unsubscribed_at IS NOT NULL)
    RETURNING n.id
"""
# One row says how far a worker has come, however many mails it holds: marking each mail would cost ten times as much.
# Held shared until it is written, the dispatch cannot be stopped meanwhile: once a stop has committed, no group begins.
BEGIN = """
    UPDATE delivery_claim SET begun_upto = %(upto)s, sent_upto = %(sent)s, lease_until = %(lease)s
    WHERE id = %(claim)s
      AND dispatch_id = (SELECT id FROM delivery_dispatch WHERE id = %(dispatch)s AND state = 'running' FOR SHARE)
"""
# An attempt is noted only for a row that moved, so a repeat after a lost commit changes nothing. The outcomes travel
# as one JSON text: ten arrays of parameters cost more than the writing itself.
_WRITE_BACK = """
    WITH moved AS (
        UPDATE delivery_notification n SET state = r.state, reason = r.text, next_attempt_at = r.again,
            ended_at = CASE WHEN r.again IS NULL THEN r.at END, claim_id = NULL,
            possibly_twice = n.possibly_twice OR r.twice
        FROM json_to_recordset(%(outcomes)s) AS r(id bigint, state varchar, outcome varchar, text varchar,
            at timestamptz, code smallint, again timestamptz, twice boolean)
        WHERE n.id = ANY(%(ids)s::bigint[]) AND n.id = r.id AND n.claim_id = %(claim)s
        RETURNING n.id, n.attempts, r.at, r.outcome, r.code, r.text
    ), noted AS (
        INSERT INTO delivery_deliveryattempt (notification_id, number, at, outcome, code, text)
        SELECT id, attempts, at, outcome, code, text FROM moved
    )"""
WRITE_BACK = f"{_WRITE_BACK} SELECT 1"
END = f"{_WRITE_BACK} DELETE FROM delivery_claim WHERE id = %(claim)s"
GIVE_BACK = """
    UPDATE delivery_notification SET state = 'queued', claim_id = NULL, next_attempt_at = %(again)s,
        attempts = greatest(attempts - 1, 0)
    WHERE id = ANY(%(ids)s) AND claim_id = %(claim)s
"""


class Claimed(NamedTuple):
    id: int
    contact_id: int
    address: str
    merge: dict[str, Any]
    attempts: int


class Claim(NamedTuple):
    """One worker's batch, in the order in which it goes out: by id, which is by tier as well."""

    id: int
    dispatch_id: int
    rows: list[Claimed]
    # Of these rows, those who said no, or whose address died, after the list was frozen.
    to_leave_out: list[int]


class Outcome(NamedTuple):
    """What one try came to, and the state that follows from it by policy. `again` is when it is tried next."""

    id: int
    outcome: str
    state: str
    text: str
    at: datetime
    code: int | None = None
    again: datetime | None = None
    possibly_twice: bool = False


def claim(*, dispatch_id: int, now: datetime, lease: datetime, most: int = LADDER[0]) -> Claim | None:
    """Take the next due rows of a dispatch, tier 1 first, at most `most`; None when none is due."""
    rungs = [(tries, tries, min(size, most)) for tries, size in LADDER.items()] + [(len(LADDER), 32_000, ALONE)]
    with connection.cursor() as cursor:
        for low, high, size in rungs:
            cursor.execute(
                CLAIM, {"dispatch": dispatch_id, "now": now, "lease": lease, "from": low, "to": high, "limit": size}
            )
            rows = cursor.fetchall()
            if rows:
                said_no = [row[1] for row in rows if row[6]]
                return Claim(rows[0][0], dispatch_id, [_claimed(*row[1:6]) for row in rows], said_no)
    return None


def leave_out(claim: Claim, *, now: datetime) -> Claim:
    """Without those who unsubscribed, or whose address died, after the list was frozen: they end as left out."""
    if not claim.to_leave_out:
        return claim
    words = {"unsubscribed": UNSUBSCRIBED, "suppressed": SUPPRESSED}
    with connection.cursor() as cursor:
        cursor.execute(LEAVE_OUT, {**words, "ids": claim.to_leave_out, "claim": claim.id, "now": now})
        gone = {row[0] for row in cursor.fetchall()}
    return claim._replace(rows=[row for row in claim.rows if row.id not in gone])


def _claimed(pk: int, contact_id: int, address: str, merge: str, attempts: int) -> Claimed:
    # Django leaves JSON of raw cursors as text.
    return Claimed(pk, contact_id, address, json.loads(merge), attempts)


def begin(claim: Claim, *, upto: int, sent_upto: int, lease: datetime) -> bool:
    """Note that all up to `upto` are about to be written to the wire, and that those up to `sent_upto` were taken.

    False when they may not be: the dispatch was stopped, or the lease had ended and the rows are no longer ours.
    """
    values = {"claim": claim.id, "dispatch": claim.dispatch_id, "upto": upto, "sent": sent_upto, "lease": lease}
    with connection.cursor() as cursor:
        cursor.execute(BEGIN, values)
        return bool(cursor.rowcount)


def is_running(dispatch_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM delivery_dispatch WHERE id = %s AND state = 'running'", [dispatch_id])
        return cursor.fetchone() is not None


def write_back(claim: Claim, outcomes: list[Outcome]) -> None:
    """Move the rows by their outcomes, and note the attempts. Rows that are no longer ours stay as they are."""
    with connection.cursor() as cursor:
        cursor.execute(WRITE_BACK, _values(claim, outcomes))


@transaction.atomic
def end(claim: Claim, outcomes: list[Outcome], *, untried: list[int], again: datetime) -> None:
    """The batch is over. Rows that were never tried are queued again, and the try does not count: while they are ours."""
    with connection.cursor() as cursor:
        cursor.execute(END, _values(claim, outcomes))
        if untried:
            cursor.execute(GIVE_BACK, {"claim": claim.id, "ids": untried, "again": again})


def _values(claim: Claim, outcomes: list[Outcome]) -> dict[str, Any]:
    told = json.dumps([_told(*one) for one in outcomes])
    return {"claim": claim.id, "ids": [one.id for one in outcomes], "outcomes": told}


def _told(
    pk: int, outcome: str, state: str, text: str, at: datetime, code: int | None, again: datetime | None, twice: bool
) -> dict[str, int | str | bool | None]:
    return {
        "id": pk,
        "outcome": outcome,
        "state": state,
        "text": text[:300],
        "at": at.isoformat(),
        "code": code,
        "again": again.isoformat() if again else None,
        "twice": twice,
    }


def lease_end(now: datetime, seconds: int) -> datetime:
    return now + timedelta(seconds=seconds)
