"""Reading: a file's rows become staged rows, each with what it will do. Nothing else changes yet."""

import csv
import io
import json
from collections.abc import Generator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import dropwhile, islice
from typing import Any

from django.db import connection, transaction

from stakeholders.imports import chunks, forgotten, kinds, mapping, reading
from stakeholders.imports.chunks import ROWS, decide, lay_out, make_table
from stakeholders.imports.kinds import Memory
from stakeholders.imports.rows import Reader
from stakeholders.models import ImportRow, ImportRun

Outcome = ImportRow.Outcome
COUNTERS = {
    Outcome.CREATE: "created",
    Outcome.UPDATE: "updated",
    Outcome.SAME: "unchanged",
    Outcome.DUPLICATE: "duplicates",
    Outcome.REJECT: "rejected",
}
Record = tuple[int, list[str]]
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Overtaken(Exception):
    """The run is no longer where this worker thinks it is: cancelled, mapped anew, or read by somebody else."""


def recall(run: ImportRun) -> Memory:
    """What the rows staged before a restart said."""
    memory = kinds.of(run).memory()
    staged = ImportRow.objects.filter(run=run).exclude(outcome=Outcome.REJECT).order_by("number")
    for data in staged.values_list("data", flat=True).iterator():
        memory.take(data)
    return memory


def pieces(run: ImportRun) -> Generator[list[Record], None, None]:
    """The file's rows that are not staged yet, in order. Raises Refused when the file breaks a limit."""
    last = ImportRow.objects.filter(run=run).order_by("-number").values_list("number", flat=True).first() or 1
    if not run.rows:
        last = 1
    with (
        reading.raw(run.file) as file,
        closing(reading.rows(file, encoding=run.encoding, delimiter=run.delimiter)) as records,
    ):
        fresh = dropwhile(lambda record: record[0] <= last, records)
        while piece := list(islice(fresh, chunks.CHUNK)):
            yield piece


@transaction.atomic
def stage(run: ImportRun, piece: Sequence[Record], memory: Memory, *, now: datetime) -> None:
    """Stage one piece and count it. Raises Overtaken, with nothing staged, when somebody else moved the run on."""
    locked = lock_where_left(run)
    if not locked.rows:
        # What an earlier mapping staged; here and not in the request, which must answer at once.
        ImportRow.objects.filter(run=run).delete()
    with connection.cursor() as cursor:
        _copy(cursor, run, piece, memory)
        counts = _keep(cursor, run)
    for outcome, name in COUNTERS.items():
        setattr(run, name, getattr(run, name) + counts.get(outcome, 0))
    run.rows += len(piece)
    run.worked_at, run.tries = now, 0
    run.save(update_fields=["rows", "worked_at", "tries", "samples", *COUNTERS.values()])


def lock_where_left(run: ImportRun) -> ImportRun:
    locked = ImportRun.objects.select_for_update().get(pk=run.pk)
    if _place(locked) != _place(run):
        raise Overtaken
    return locked


def _place(run: ImportRun) -> tuple[Any, ...]:
    return run.state, run.rows, run.applied_to, run.undone + run.kept, run.mapping


def start_over(run: ImportRun) -> None:
    """Read the whole file again. The staged rows go with the first piece."""
    run.rows = run.applied = run.applied_to = run.tries = 0
    run.columns_version = kinds.of(run).version
    for name in COUNTERS.values():
        setattr(run, name, 0)


def propose(run: ImportRun) -> None:
    """Give the run the mapping that its column names suggest."""
    run.mapping, run.mapping_note = mapping.propose(kinds.of(run), run.headers)
    run.columns_version = kinds.of(run).version


def _copy(cursor: Any, run: ImportRun, piece: Sequence[Record], memory: Memory) -> None:
    """`arriving`: the rows as they were read. By COPY: a quarter of a million INSERTs would be the slowest part."""
    make_table(cursor, "arriving", f"SELECT number, key, data, reason FROM {ROWS} LIMIT 0")
    reader = Reader(kinds.of(run), run.headers, run.mapping)
    buffer = io.StringIO()
    write = csv.writer(buffer, quoting=csv.QUOTE_ALL).writerow
    cleaned = [(number, reader.clean(cells)) for number, cells in piece]
    gone = forgotten.among(row.key for _, row in cleaned if row.key)
    if gone:
        # The cells shown of the file may be theirs.
        run.samples = []
    for number, row in cleaned:
        if row.key in gone:
            # Of somebody who asked to be forgotten not even the row is kept.
            write((number, "", "{}", forgotten.NOT_TAKEN))
            continue
        data = row.data if row.reason else memory.take(row.data)
        write((number, row.key, _to_json(data), row.reason[:300]))
    # As bytes: of a text, a piece with many letters beyond ASCII can be longer than what COPY asked for.
    cursor.copy_expert("COPY arriving FROM STDIN WITH (FORMAT csv)", io.BytesIO(buffer.getvalue().encode()))


# The first row of a key counts, be it in this piece or staged before.
_FIRST = f"""
    SELECT n.number, n.key, n.data, LEAST(min(n.number) OVER (PARTITION BY n.key), before.number) AS first
    FROM arriving n LEFT JOIN (
        SELECT r.key, min(r.number) AS number FROM {ROWS} r
        WHERE r.run_id = %(run)s AND r.key <> '' AND r.key IN (SELECT key FROM arriving WHERE reason = '')
        GROUP BY r.key) before ON before.key = n.key
    WHERE n.reason = ''
"""
_KEEP = f"""
    WITH kept AS (
        INSERT INTO {ROWS} (run_id, number, key, data, outcome, reason)
        SELECT %(run)s, n.number, n.key, n.data,
            CASE WHEN n.reason <> '' THEN 'reject' WHEN f.first < n.number THEN 'duplicate' ELSE d.outcome END,
            CASE WHEN n.reason <> '' THEN n.reason WHEN f.first < n.number THEN %(same_as)s || ' ' || f.first
                ELSE '' END
        FROM arriving n LEFT JOIN firsts f ON f.number = n.number LEFT JOIN decided d ON d.number = n.number
        ORDER BY n.number
        RETURNING outcome)
    SELECT outcome, count(*) FROM kept GROUP BY outcome
"""


def _keep(cursor: Any, run: ImportRun) -> dict[str, int]:
    """Look what each row does, and stage it with that. Returns how many do what."""
    kind, parameters = kinds.of(run), {"run": run.pk, "same_as": kinds.of(run).same_as}
    make_table(cursor, "firsts", _FIRST, parameters)
    lay_out(cursor, kind.layout, "SELECT number, key, data, 'new' AS outcome FROM firsts", parameters)
    kind.meet(cursor)
    decide(cursor, kind.decision)
    cursor.execute(_KEEP, parameters)
    return dict(cursor.fetchall())
