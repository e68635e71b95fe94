"""Importing: staged rows become accounts, people and memberships, a chunk at a time.

A killed import goes on where it stopped: a chunk and the mark that it is done are one transaction.
"""

from datetime import datetime

from django.db import connection, transaction

from crisiscomms import audit
from stakeholders.imports import known
from stakeholders.imports.staging import COUNTERS, lock_where_left
from stakeholders.models import ImportRow, ImportRun

CHUNK = 2_000
Outcome = ImportRow.Outcome
# Two imports at once would create the same account twice, or wait for each other crosswise.
_ONE_AT_A_TIME = "stakeholders.imports.applying"


@transaction.atomic
def apply_chunk(run: ImportRun, *, after: int, now: datetime) -> int | None:
    """Apply the next rows after row `after`. Returns the last one's number, or None when all are done."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_ONE_AT_A_TIME])
    lock_where_left(run)
    waiting = ImportRow.objects.filter(run=run, is_applied=False, number__gt=after).exclude(outcome=Outcome.REJECT)
    rows = list(waiting.order_by("number")[:CHUNK])
    if not rows:
        _finish(run, now=now)
        return None
    met = known.load([(row.address, row.data) for row in rows], now=now, tiers=known.tiers())
    for row in rows:
        _recount(run, row, met.take(row.address, row.data, is_duplicate=row.outcome == Outcome.DUPLICATE))
    met.save()
    waiting.filter(number__lte=rows[-1].number).update(is_applied=True)
    run.applied += len(rows)
    run.worked_at, run.tries = now, 0
    run.save(update_fields=["applied", "worked_at", "tries", *COUNTERS.values()])
    return rows[-1].number


def _recount(run: ImportRun, row: ImportRow, outcome: str) -> None:
    """Somebody may have changed a person since the preview; the figures tell what happened, not what was expected."""
    if row.outcome in (Outcome.DUPLICATE, outcome):
        return
    before, after = COUNTERS[Outcome(row.outcome)], COUNTERS[Outcome(outcome)]
    setattr(run, before, getattr(run, before) - 1)
    setattr(run, after, getattr(run, after) + 1)
    ImportRow.objects.filter(pk=row.pk).update(outcome=outcome)


def _finish(run: ImportRun, *, now: datetime) -> None:
    run.state = ImportRun.State.DONE
    run.worked_at = run.finished_at = now
    run.save(update_fields=["state", "worked_at", "finished_at"])
    figures = {name: getattr(run, name) for name in ("rows", *COUNTERS.values())}
    audit.record(
        chain=audit.INSTALLATION,
        verb="import.finished",
        subject=f"import:{run.pk}",
        text=f"Imported {run.created} new and {run.updated} changed contacts from “{run.name}”",
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
