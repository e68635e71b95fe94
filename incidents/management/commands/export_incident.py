"""`manage.py export_incident INC-12`: the whole record of an incident as one signed archive."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from crisiscomms import clock, signing
from incidents.actions.record import note_export
from incidents.models import Incident, RecordExport
from incidents.record import making, writing


class Command(BaseCommand):
    help = "Write the whole record of an incident into one signed archive."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ref", help="such as INC-12")
        parser.add_argument(
            "--to", type=Path, default=None, help="the file to write; INC-12-record.zip here if left out"
        )
        parser.add_argument("--without-recipients", action="store_true", help="leave out the addresses of recipients")

    def handle(self, *args: Any, ref: str, to: Path | None, without_recipients: bool, **options: Any) -> None:
        number = ref.upper().removeprefix("INC-")
        incident = Incident.objects.filter(number=number).first() if number.isdigit() and len(number) < 10 else None
        if incident is None:
            raise CommandError(f"There is no incident {ref}.")
        path = to or Path(f"{incident.ref}-record.zip")
        now = clock.now()
        try:
            with path.open("xb+") as file:
                export = RecordExport(
                    incident=incident,
                    asked_at=now,
                    with_recipients=not without_recipients,
                    state=RecordExport.State.GONE,
                )
                with making.one_moment():
                    manifest = writing.write(
                        incident, file, by=None, now=now, with_recipients=not without_recipients, progress=self._tell
                    )
                making.fill(export, file, manifest, now=now)
        except FileExistsError:
            raise CommandError(f"{path} is there already. Name another file with --to.") from None
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
        with transaction.atomic():
            export.save()
            note_export(export, now=now)
        self.stdout.write(f"{path}: {len(manifest['files'])} files, {export.size} bytes.")
        self.stdout.write(f"Signed by the key {signing.fingerprint()}.")
        for name in manifest["lost_files"]:
            self.stderr.write(f"{name} is not in it: the storage has it no more.")

    def _tell(self, done: int, goal: int) -> None:
        if self.stdout.isatty() and goal:
            self.stdout.write(f"\r{100 * done // goal} %", ending="")
