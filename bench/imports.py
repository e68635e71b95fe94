"""Contacts per second from a file to the tables, beside a raw COPY of the same rows in the same run."""

import os
import resource
from io import StringIO
from time import perf_counter

from django.core.files.base import ContentFile
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
    text = _file(ROWS)
    try:
        copied = _copy(text)
        took = _import(text)
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


def _file(rows: int) -> str:
    lines = [HEADER]
    for number in range(rows):
        account = number // PER_ACCOUNT
        lines.append(
            f"bench-import-{account},Bench Account {account},Standard,46000,EMEA,Europe/Berlin,Payments API; Webhooks,"
            f"seller@{DOMAIN},Ada,Lovelace,person.{number}@{DOMAIN},+4940{number:07},Analyst,en,FALSE\n"
        )
    return "".join(lines)


def _copy(text: str) -> float:
    columns = ", ".join(f"c{place} text" for place in range(HEADER.count(",") + 1))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE bench_import ({columns})")
        started = perf_counter()
        cursor.copy_expert("COPY bench_import FROM STDIN WITH (FORMAT csv, HEADER)", StringIO(text))
        seconds = perf_counter() - started
        cursor.execute("DROP TABLE bench_import")
    return seconds


def _import(text: str) -> dict[str, float]:
    """Seconds of each step, the whole, and of taking it all back."""
    file = ContentFile(text.encode(), "bench-import.csv")
    seconds, started = {}, perf_counter()
    made = actions.start_import(file=file, name="bench-import.csv", by=None, now=clock.now(), in_background=False)
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
