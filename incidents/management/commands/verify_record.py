"""`manage.py verify_record FILE`: whole, or what was changed, removed, added or cut off."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from crisiscomms import fingerprints, signing
from incidents.record import anchored, comparing, format, verifying


class Command(BaseCommand):
    help = "Prove that an archive of a record is whole, or say what was changed, removed, added or cut off."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", default=None)
        parser.add_argument(
            "--anchors",
            type=Path,
            default=None,
            help="instead of an archive: a file of anchors or the mail it came with; says what was cut off since",
        )
        parser.add_argument(
            "--key", default="", help="the public key that has to have signed it; else this installation’s"
        )
        parser.add_argument(
            "--any-key", action="store_true", help="take the key inside the archive; compare its fingerprint yourself"
        )
        parser.add_argument("--no-database", action="store_true", help="do not compare with what is here now")

    def handle(
        self,
        *args: Any,
        file: Path | None,
        anchors: Path | None,
        key: str,
        any_key: bool,
        no_database: bool,
        **options: Any,
    ) -> None:
        if (file is None) == (anchors is None):
            raise CommandError("Give one file: an archive, or anchors with --anchors.")
        if anchors is not None:
            self._check_anchors(anchors)
            return
        assert file is not None
        self._check_archive(file, key, any_key, no_database)

    def _check_archive(self, file: Path, key: str, any_key: bool, no_database: bool) -> None:
        ours = signing.public_key()
        if key and not format.is_hex(key.lower(), 64):
            raise CommandError("A public key has 64 signs, 0 to 9 and a to f. See manage.py record_key.")
        expected = None if any_key else bytes.fromhex(key) if key else ours
        try:
            with file.open("rb") as stream:
                report = verifying.verify(stream, expected_key=expected)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        compared = ""
        if report.is_whole and report.public_key == ours and not no_database:
            compared = self._compare(report)
        for line in verifying.lines(report, is_key_known=expected is not None):
            self.stdout.write(line)
        if report.is_whole and compared:
            self.stdout.write(compared)
        if not report.is_whole:
            raise SystemExit(1)

    def _compare(self, report: verifying.Report) -> str:
        try:
            report.faults += comparing.compare(report)
        except DatabaseError:
            return "The database does not answer, so it was not compared with what is here now."
        return "The chain here goes on from it: nothing was changed or cut off since."

    def _check_anchors(self, path: Path) -> None:
        """Only the installation that made them can say which chain is which, so key and database are its own."""
        try:
            with path.open("rb") as stream:
                found = anchored.read(stream.read(anchored.MOST_BYTES))
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
        except anchored.NoAnchors as reason:
            raise CommandError(str(reason)) from None
        if found.public_key != signing.public_key():
            raise CommandError(
                f"Signed by another key, {fingerprints.fingerprint(found.public_key)}: they are of another installation, "
                "forged, or from before RECORD_SIGNING_KEY was changed. They cannot be compared with what is here."
            )
        faults = list(comparing.against_anchors(found.chains))
        self.stdout.write(
            f"Anchors number {found.number} of {verifying.printable(found.at)}, {len(found.chains)} chains."
        )
        if faults:
            self.stdout.write("The record here is NOT as it was:")
            for fault in faults:
                self.stdout.write(f"- {fault}")
            raise SystemExit(1)
        self.stdout.write("Every chain is still at least as long, its end of then stands, and it is whole.")
