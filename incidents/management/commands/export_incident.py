"""`manage.py export_incident INC-12`: the whole record of an incident as one signed archive."""

import shutil
import zipfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from crisiscomms import clock, signing
from incidents.actions.record import note_export
from incidents.models import Incident, RecordExport
from incidents.record import making, printing, writing


class Command(BaseCommand):
    help = "Write the whole record of an incident into one signed archive."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ref", help="such as INC-12")
        parser.add_argument(
            "--to", type=Path, default=None, help="the file to write; INC-12-record.zip here if left out"
        )
        parser.add_argument("--without-recipients", action="store_true", help="leave out the addresses of recipients")

        parser.add_argument("--pdf", type=Path, default=None, help="put the document to read there too, as a file")

    def handle(
        self, *args: Any, ref: str, to: Path | None, without_recipients: bool, pdf: Path | None, **options: Any
    ) -> None:
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
                    unfinished = writing.begin(
                        incident, file, by=None, now=now, with_recipients=not without_recipients, progress=self._tell
                    )
                manifest = unfinished.finish()
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
        for one in manifest["left_out"]:
            self.stderr.write(f"{one['name']} is not in it: {one['why']} record.html holds the same.")
        if pdf and export.pdf_size:
            self._put_pdf(path, pdf)
        for name in manifest["lost_files"]:
            self.stderr.write(f"{name} is not in it: the storage has it no more.")

    def _put_pdf(self, archive: Path, to: Path) -> None:
        try:
            with zipfile.ZipFile(archive) as packed, packed.open(printing.NAME) as found, to.open("xb") as file:
                shutil.copyfileobj(found, file)
        except FileExistsError:
            raise CommandError(f"{to} is there already. The archive was written, and holds {printing.NAME}.") from None
        except OSError as error:
            raise CommandError(
                f"{to} cannot be written: {error.strerror}. The archive was written, and holds {printing.NAME}."
            ) from None
        self.stdout.write(f"{to}: the document to read.")

    def _tell(self, done: int, goal: int) -> None:
        if self.stdout.isatty() and goal:
            self.stdout.write(f"\r{100 * done // goal} %", ending="")
