"""Importing: staged rows become what they say, a chunk at a time.

A killed import goes on where it stopped: a chunk, the trace of what it changed, and the number that says how far it
went are one transaction.
"""

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from crisiscomms import audit
from stakeholders.imports import chunks, forgotten, kinds
from stakeholders.imports.chunks import ROWS, lay_out
from stakeholders.imports.staging import COUNTERS, lock_where_left
from stakeholders.models import ImportRow, ImportRun

Outcome = ImportRow.Outcome
# Two imports at once would create the same account twice, or wait for each other crosswise.
_ONE_AT_A_TIME = "stakeholders.imports.applying"

_WAITING = f"""
    SELECT number, key, data, outcome FROM {ROWS}
    WHERE run_id = %(run)s AND number > %(after)s AND outcome <> 'reject' ORDER BY number LIMIT %(limit)s
"""
_MOVED = """
    SELECT c.staged, d.outcome, count(*) FROM chunk c JOIN ({decision}) d USING (number)
    WHERE c.staged NOT IN ('duplicate', d.outcome) GROUP BY 1, 2
"""
# The first row may stand in a chunk before, and what it made be gone since; then the next one makes it.
_NEXT = """
    UPDATE chunk c SET is_first = true FROM (
        SELECT min(d.number) AS number FROM chunk d
        WHERE NOT d.is_first AND NOT EXISTS (SELECT 1 FROM chunk f WHERE f.key = d.key AND f.is_first)
        GROUP BY d.key) x
    WHERE c.number = x.number
"""
_RECOUNT = """
    UPDATE {rows} r SET outcome = d.outcome FROM chunk c JOIN ({decision}) d USING (number)
    WHERE r.run_id = %s AND r.number = c.number AND c.staged NOT IN ('duplicate', d.outcome)
"""


def one_at_a_time() -> None:
    """Wait to be the only import that changes contacts and accounts, until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_ONE_AT_A_TIME])
        cursor.execute("SET LOCAL jit = off")
        # Of a file just staged there are no figures yet: the planner would gather all that is left of it for each chunk.
        cursor.execute("SET LOCAL enable_bitmapscan = off")


@transaction.atomic
def apply_chunk(run: ImportRun, *, now: datetime) -> bool:
    """Apply the next rows. Returns whether there were any; without, the run is done."""
    one_at_a_time()
    lock_where_left(run)
    with connection.cursor() as cursor:
        count = _apply(cursor, run, now)
    if not count:
        _finish(run, now=now)
        return False
    run.applied += count
    run.worked_at, run.tries = now, 0
    run.save(update_fields=["applied", "applied_to", "worked_at", "tries", *COUNTERS.values()])
    return True


def _apply(cursor: Any, run: ImportRun, now: datetime) -> int:
    kind = kinds.of(run)
    parameters = {"run": run.pk, "after": run.applied_to, "limit": chunks.CHUNK}
    lay_out(cursor, kind.layout, _WAITING, parameters)
    cursor.execute("SELECT count(*), max(number) FROM chunk")
    count, last = cursor.fetchone()
    if not count:
        return 0
    _leave_out_forgotten(cursor, run)
    if not kind.duplicates_speak:
        cursor.execute("DELETE FROM chunk WHERE staged = 'duplicate'")
    cursor.execute(_NEXT)
    kind.meet(cursor)
    _recount(cursor, run, kind.decision)
    kind.apply(cursor, run, now)
    run.applied_to = last
    return int(count)


def _leave_out_forgotten(cursor: Any, run: ImportRun) -> None:
    """Somebody may have asked to be forgotten while their row was being staged, or since."""
    if not forgotten.is_anybody():
        return
    cursor.execute("SELECT DISTINCT key FROM chunk")
    gone = list(forgotten.among(key for (key,) in cursor.fetchall()))
    if not gone:
        return
    cursor.execute("DELETE FROM chunk WHERE key = ANY(%s) RETURNING staged", [gone])
    staged = [outcome for (outcome,) in cursor.fetchall()]
    for outcome in staged:
        name = COUNTERS[Outcome(outcome)]
        setattr(run, name, getattr(run, name) - 1)
    run.rejected += len(staged)
    # They count as read, and not as rows that were to be applied.
    run.applied -= len(staged)
    ImportRow.objects.filter(run=run, key__in=gone).update(
        key="", data={}, outcome=Outcome.REJECT, reason=forgotten.NOT_TAKEN
    )
    ImportRun.objects.filter(pk=run.pk).update(samples=[])


def _recount(cursor: Any, run: ImportRun, decision: str) -> None:
    """Somebody may have changed things since the preview; the figures tell what happened, not what was expected."""
    cursor.execute(_MOVED.format(decision=decision))
    moved = cursor.fetchall()
    for before, after, count in moved:
        for outcome, change in ((before, -count), (after, count)):
            name = COUNTERS[Outcome(outcome)]
            setattr(run, name, getattr(run, name) + change)
    if moved:
        cursor.execute(_RECOUNT.format(rows=ROWS, decision=decision), [run.pk])


def _finish(run: ImportRun, *, now: datetime) -> None:
    run.state = ImportRun.State.DONE
    run.worked_at = run.finished_at = now
    run.save(update_fields=["state", "worked_at", "finished_at"])
    many = kinds.of(run).many
    figures = {name: getattr(run, name) for name in ("rows", *COUNTERS.values())}
    audit.record(
        chain=audit.INSTALLATION,
        verb="import.finished",
        subject=f"import:{run.pk}",
        text=f"Imported {run.created} new and {run.updated} changed {many} from “{run.name}”",
        by=run.uploaded_by,
        now=now,
        data=figures,
    )
    forget_file(run)


def forget_file(run: ImportRun) -> None:
    """The uploaded file holds personal data and has done its work."""
    file, storage = run.file.name, run.file.storage
    ImportRun.objects.filter(pk=run.pk).update(file="")
    run.file = ""
    if file:
        transaction.on_commit(lambda: storage.delete(file), robust=True)
