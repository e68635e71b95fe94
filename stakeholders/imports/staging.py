"""Reading: a file's rows become staged rows, each with what it will do. Nothing else changes yet."""

import io
import json
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from datetime import datetime
from itertools import dropwhile, islice
from typing import Any

from django.db import connection, transaction

from stakeholders.imports import chunks, forgotten, kinds, mapping, reading
from stakeholders.imports.chunks import ROWS, lay_out, make_table
from stakeholders.imports.kinds import Memory
from stakeholders.imports.rows import Cleaned, Reader
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


class Past:
    """What the rows staged so far said."""

    def __init__(self, said: Memory) -> None:
        self.said = said
        # Hashes and not the keys: a file may have 200 000. Which row had one that comes again is asked of the table.
        self.keys: set[int] = set()

    def is_new(self, key: str) -> bool:
        """Whether no row had the key before; keep it. That one had it may be wrong."""
        known = len(self.keys)
        self.keys.add(hash(key))
        return len(self.keys) > known


def recall(run: ImportRun) -> Past:
    """The past of a run, also of one that is read on after a restart."""
    past = Past(kinds.of(run).memory())
    if run.rows:
        staged = ImportRow.objects.filter(run=run).exclude(outcome=Outcome.REJECT).order_by("number")
        for key, data in staged.values_list("key", "data").iterator():
            past.is_new(key)
            past.said.take(data)
    return past


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
def stage(run: ImportRun, piece: Sequence[Record], past: Past, *, now: datetime) -> None:
    """Stage one piece and count it. Raises Overtaken, with nothing staged, when somebody else moved the run on."""
    locked = lock_where_left(run)
    if not locked.rows:
        # What an earlier mapping staged; here and not in the request, which must answer at once.
        ImportRow.objects.filter(run=run).delete()
    with connection.cursor() as cursor:
        _copy(cursor, run, piece, past)
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


def _copy(cursor: Any, run: ImportRun, piece: Sequence[Record], past: Past) -> None:
    """`arriving`: the rows as they were read, and `before`: the first row of each key that came in an earlier piece.

    By COPY: a quarter of a million INSERTs would be the slowest part.
    """
    make_table(cursor, "arriving", f"SELECT number, 0 AS first, key, data, reason FROM {ROWS} LIMIT 0")
    reader = Reader(kinds.of(run), run.headers, run.mapping)
    # Row by row, so that what a row says is a line before the next one is read: thousands of them at once would have
    # Python look through everything it holds, again and again.
    cleaned: Iterable[tuple[int, Cleaned]] = ((number, reader.clean(cells)) for number, cells in piece)
    gone: set[str] = set()
    if forgotten.is_anybody():
        cleaned = list(cleaned)
        gone = forgotten.among(row.key for _, row in cleaned if row.key)
    if gone:
        # The cells shown of the file may be theirs.
        run.samples = []
    firsts: dict[str, int] = {}
    lines, again = [], []
    for number, row in cleaned:
        if row.key in gone:
            # Of somebody who asked to be forgotten not even the row is kept.
            lines.append(f"{number}\t0\t\t{{}}\t{forgotten.NOT_TAKEN}\n")
            continue
        if row.reason:
            lines.append(f"{number}\t0\t\t{_cell(_to_json(row.data))}\t{_cell(row.reason[:300])}\n")
            continue
        first = firsts.setdefault(row.key, number)
        if first == number and not past.is_new(row.key):
            again.append(row.key)
        data = _to_json(past.said.take(row.data))
        lines.append(f"{number}\t{first}\t{_cell(row.key)}\t{_cell(data)}\t\n")
    # As bytes: of a text, a piece with many letters beyond ASCII can be longer than what COPY asked for.
    cursor.copy_expert("COPY arriving FROM STDIN", io.BytesIO("".join(lines).encode()))
    make_table(cursor, "before", _BEFORE, {"run": run.pk, "again": again})


def _cell(text: str) -> str:
    """A text as COPY's own format has it."""
    return text.replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")


# By a list and not by a join: of rows just staged the planner has no figures, and may look through all of them for each.
_BEFORE = f"""
    SELECT key, min(number) AS number FROM {ROWS}
    WHERE run_id = %(run)s AND key = ANY(%(again)s::varchar[]) AND key <> '' GROUP BY key
"""
# The first row of a key counts, be it in this piece or staged before.
_KEEP = """
    WITH kept AS (
        INSERT INTO {rows} (run_id, number, key, data, outcome, reason)
        SELECT %(run)s, n.number, n.key, n.data,
            CASE WHEN n.reason <> '' THEN 'reject' WHEN LEAST(n.first, b.number) < n.number THEN 'duplicate'
                ELSE d.outcome END,
            CASE WHEN n.reason <> '' THEN n.reason WHEN LEAST(n.first, b.number) < n.number
                THEN %(same_as)s || ' ' || LEAST(n.first, b.number) ELSE '' END
        FROM arriving n LEFT JOIN before b ON b.key = n.key LEFT JOIN ({decision}) d ON d.number = n.number
        ORDER BY n.number
        RETURNING outcome)
    SELECT outcome, count(*) FROM kept GROUP BY outcome
"""


def _keep(cursor: Any, run: ImportRun) -> dict[str, int]:
    """Look what each row does, and stage it with that. Returns how many do what."""
    kind, parameters = kinds.of(run), {"run": run.pk, "same_as": kinds.of(run).same_as}
    lay_out(cursor, kind.layout, "SELECT number, key, data, 'new' AS outcome FROM arriving WHERE reason = ''", {})
    kind.meet(cursor)
    cursor.execute(_KEEP.format(rows=ROWS, decision=kind.decision), parameters)
    return dict(cursor.fetchall())
