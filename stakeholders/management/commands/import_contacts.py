"""`manage.py import_contacts FILE`: the same import as on the page, without looking first; `--kind accounts` for accounts."""

from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crisiscomms import clock
from crisiscomms.refusal import Refused
from stakeholders import actions
from stakeholders.imports import kinds, running
from stakeholders.models import ImportRow, ImportRun


class Command(BaseCommand):
    help = "Import contacts or accounts from a CSV or XLSX file and say what became of every row."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="CSV, TSV or XLSX with the column names in its first row")
        parser.add_argument("--kind", choices=list(kinds.KINDS), default=kinds.CONTACTS.key, help="what is in the file")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(options["file"])
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        try:
            run = _import(path, options["kind"])
        except Refused as refusal:
            raise CommandError(f"Refused: {refusal}") from None
        self._report(run)

    def _report(self, run: ImportRun) -> None:
        for label, count in [
            ("rows", run.rows),
            ("created", run.created),
            ("updated", run.updated),
            ("unchanged", run.unchanged),
            ("duplicates", run.duplicates),
            ("rejected", run.rejected),
        ]:
            self.stdout.write(f"{label}: {count}")
        for row in ImportRow.objects.filter(run=run, outcome__in=["duplicate", "reject"]).order_by("number"):
            self.stdout.write(f"row {row.number} {row.outcome}: {row.reason}")


def _import(path: Path, kind: str) -> ImportRun:
    with path.open("rb") as stream:
        run = actions.start_import(
            file=File(stream, name=path.name),
            name=path.name,
            kind=kind,
            by=None,
            now=clock.now(),
            in_background=False,
        )
    _work(run)
    if run.state == ImportRun.State.REFUSED:
        raise Refused(run.why_refused)
    if not kinds.of(run).is_mapped(run.mapping):
        raise Refused(
            "No column looks like what the rows are known by. Upload the file on the import page and say which."
        )
    if run.mapping_note:
        raise Refused(f"{run.mapping_note} Upload the file on the import page for that.")
    actions.apply_import(run_id=run.pk, by=None, now=clock.now(), in_background=False)
    _work(run)
    return run


def _work(run: ImportRun) -> None:
    while running.work(run_id=run.pk):
        pass
    run.refresh_from_db()
