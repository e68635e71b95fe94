"""Reading: a file's rows become staged rows, each with what it will do. Nothing else changes yet."""

import csv
import io
import json
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import dropwhile, islice
from typing import Any

from django.db import connection, transaction

from stakeholders.imports import known, mapping, reading
from stakeholders.imports.rows import Cleaned, Reader
from stakeholders.models import Account, ImportRow, ImportRun
from stakeholders.naming import name_key

CHUNK = 2_000
Outcome = ImportRow.Outcome
COUNTERS = {
    Outcome.CREATE: "created",
    Outcome.UPDATE: "updated",
    Outcome.SAME: "unchanged",
    Outcome.DUPLICATE: "duplicates",
    Outcome.REJECT: "rejected",
}
_COLUMNS = ("run_id", "number", "address", "data", "outcome", "reason", "is_applied")
Record = tuple[int, list[str]]


class Overtaken(Exception):
    """The run is no longer where this worker thinks it is: cancelled, mapped anew, or read by somebody else."""


class Seen:
    """What earlier rows of the same file said: the first row of an address, and the first word about an account."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.said: dict[str, set[str]] = {}
        self.standing: dict[str, int] = {}

    def first_row_of(self, address: str, number: int) -> int:
        return self.numbers.setdefault(address, number)

    def only_news(self, facts: dict[str, Any]) -> dict[str, Any]:
        """The account's facts without those that an earlier row stated: in one file the first word counts."""
        key = f"id:{facts['id']}" if facts["id"] else f"name:{name_key(facts['name'])}"
        said = self.said.setdefault(key, set())
        news = {name: value for name, value in facts.items() if name in ("id", "name") or name not in said}
        if "kind" in facts:
            standing = known.STANDING[Account.Kind(facts["kind"])]
            if standing > self.standing.get(key, -1):
                news["kind"], self.standing[key] = facts["kind"], standing
        said |= {name for name in facts if name not in ("id", "name")}
        return news


def recall(run: ImportRun) -> Seen:
    """What the rows staged before a restart said."""
    seen = Seen()
    staged = ImportRow.objects.filter(run=run).exclude(outcome=Outcome.REJECT).order_by("number")
    for number, address, account in staged.values_list("number", "address", "data__account").iterator():
        seen.first_row_of(address, number)
        if account:
            seen.only_news(account)
    return seen


def chunks(run: ImportRun) -> Generator[list[Record], None, None]:
    """The file's rows that are not staged yet, in order. Raises Refused when the file breaks a limit."""
    last = ImportRow.objects.filter(run=run).order_by("-number").values_list("number", flat=True).first() or 1
    if not run.rows:
        last = 1
    with (
        reading.raw(run.file) as file,
        closing(reading.rows(file, encoding=run.encoding, delimiter=run.delimiter)) as records,
    ):
        fresh = dropwhile(lambda record: record[0] <= last, records)
        while chunk := list(islice(fresh, CHUNK)):
            yield chunk


@transaction.atomic
def stage(run: ImportRun, chunk: Sequence[Record], seen: Seen, *, now: datetime) -> None:
    """Stage one chunk and count it. Raises Overtaken, with nothing staged, when somebody else moved the run on."""
    locked = lock_where_left(run)
    if not locked.rows:
        # What an earlier mapping staged; here and not in the request, which must answer at once.
        ImportRow.objects.filter(run=run).delete()
    reader = Reader(run.headers, run.mapping)
    cleaned = [(number, reader.clean(cells)) for number, cells in chunk]
    counts = _copy(run, _decide(cleaned, seen, now=now))
    for outcome, name in COUNTERS.items():
        setattr(run, name, getattr(run, name) + counts[outcome])
    run.rows += len(chunk)
    run.worked_at, run.tries = now, 0
    run.save(update_fields=["rows", "worked_at", "tries", *COUNTERS.values()])


def lock_where_left(run: ImportRun) -> ImportRun:
    locked = ImportRun.objects.select_for_update().get(pk=run.pk)
    if (locked.state, locked.rows, locked.applied, locked.mapping) != (run.state, run.rows, run.applied, run.mapping):
        raise Overtaken
    return locked


def start_over(run: ImportRun) -> None:
    """Read the whole file again. The staged rows go with the first chunk."""
    run.rows = run.applied = run.tries = 0
    for name in COUNTERS.values():
        setattr(run, name, 0)


def propose(run: ImportRun) -> None:
    """Give the run the mapping that its column names suggest."""
    run.mapping = mapping.propose(run.headers)


def _decide(cleaned: list[tuple[int, Cleaned]], seen: Seen, *, now: datetime) -> Iterator[tuple[Any, ...]]:
    good = [(row.address, row.data) for _, row in cleaned if not row.reason]
    met = known.load(good, now=now, tiers=known.tiers())
    for number, row in cleaned:
        if row.reason:
            yield number, "", row.data, Outcome.REJECT, row.reason[:300]
            continue
        first = seen.first_row_of(row.address, number)
        if "account" in row.data:
            row.data["account"] = seen.only_news(row.data["account"])
        outcome = met.take(row.address, row.data, is_duplicate=first != number)
        if first != number:
            yield number, row.address, row.data, Outcome.DUPLICATE, f"same address as row {first}"
        else:
            yield number, row.address, row.data, outcome, ""


def _copy(run: ImportRun, decided: Iterator[tuple[Any, ...]]) -> Counter[str]:
    """COPY, because a quarter of a million INSERTs would be the slowest part of an import."""
    counts: Counter[str] = Counter()
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    for number, address, data, outcome, reason in decided:
        counts[outcome] += 1
        words = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        writer.writerow((run.pk, number, address, words, str(outcome), reason, "f"))
    buffer.seek(0)
    with connection.cursor() as cursor:
        columns = ", ".join(_COLUMNS)
        table = ImportRow._meta.db_table
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN WITH (FORMAT csv)", buffer)
    return counts
