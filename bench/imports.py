"""Contacts per second from a file to the tables, beside a raw COPY of the same rows in the same run."""

import os
import resource
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from django.core.files import File
from django.db import connection

from crisiscomms import clock
from stakeholders import actions
from stakeholders.imports import running
from stakeholders.models import Account, Contact, ImportRun

ROWS = int(os.environ.get("BENCH_ROWS", "50000"))
PER_ACCOUNT = 8
DOMAIN = "bench-import.example"
HEADER = (
    "Account ID,Account Name,Account Tier,Annual Revenue,Region,Time Zone,Products,Account Owner Email,"
    "First Name,Last Name,Email,Phone,Title,Preferred Language,Email Opt Out\n"
)


def run() -> dict[str, object]:
    """`BENCH_ROWS` says how many rows, up to the limit of 200 000. The file lies on the disk: memory is the import's."""
    with TemporaryDirectory() as place:
        path = Path(place) / "bench-import.csv"
        _write(path, ROWS)
        try:
            copied = _copy(path)
            took = _import(path)
        finally:
            _clean()
    return {
        "name": "import",
        "rows": ROWS,
        "rows_per_s": round(ROWS / took["all"]),
        "read_rows_per_s": round(ROWS / took["read"]),
        "apply_rows_per_s": round(ROWS / (took["all"] - took["read"])),
        "undo_rows_per_s": round(ROWS / took["undo"]),
        "copy_rows_per_s": round(ROWS / copied),
        "ratio": round(copied / took["all"], 3),
        # Kilobytes on Linux. The whole process, so the interpreter and Django count too.
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _write(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for number in range(rows):
            account = number // PER_ACCOUNT
            file.write(
                f"bench-import-{account},Bench Account {account},Standard,46000,EMEA,Europe/Berlin,Payments API; Webhooks,"
                f"seller@{DOMAIN},Ada,Lovelace,person.{number}@{DOMAIN},+4940{number:07},Analyst,en,FALSE\n"
            )


def _copy(path: Path) -> float:
    columns = ", ".join(f"c{place} text" for place in range(HEADER.count(",") + 1))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE bench_import ({columns})")
        started = perf_counter()
        with path.open("rb") as file:
            cursor.copy_expert("COPY bench_import FROM STDIN WITH (FORMAT csv, HEADER)", file)
        seconds = perf_counter() - started
        cursor.execute("DROP TABLE bench_import")
    return seconds


def _import(path: Path) -> dict[str, float]:
    """Seconds of each step, the whole, and of taking it all back."""
    seconds, started = {}, perf_counter()
    with path.open("rb") as raw:
        file = File(raw, name=path.name)
        made = actions.start_import(file=file, name=path.name, by=None, now=clock.now(), in_background=False)
    _work(made.pk)
    seconds["read"] = perf_counter() - started
    actions.apply_import(run_id=made.pk, by=None, now=clock.now(), in_background=False)
    _work(made.pk)
    seconds["all"] = perf_counter() - started
    made.refresh_from_db()
    assert made.created == ROWS, f"{made.created} of {ROWS} were created"
    started = perf_counter()
    actions.undo_import(run_id=made.pk, by=None, now=clock.now(), in_background=False)
    _work(made.pk)
    seconds["undo"] = perf_counter() - started
    assert not Contact.objects.filter(address__endswith=f"@{DOMAIN}").exists(), "the undo left somebody"
    return seconds


def _work(run_id: int) -> None:
    while running.work(run_id=run_id):
        pass


def _clean() -> None:
    Contact.objects.filter(address__endswith=f"@{DOMAIN}").delete()
    Account.objects.filter(external_id__startswith="bench-import-").delete()
    ImportRun.objects.filter(name="bench-import.csv").delete()
