"""`manage.py apply_retention [--dry-run]`: forget what is older than the retention policy allows."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from crisiscomms import clock, retention


class Command(BaseCommand):
    help = "Forget personal data whose time is over, as the nightly task does. Prints counts only."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be forgotten")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            for label, count in retention.due(now=clock.now()).items():
                self.stdout.write(f"{label}: {count} would be forgotten")
            return
        more = True
        while more:
            done, more = retention.apply(now=clock.now())
            for key, count in done.items():
                self.stdout.write(f"{retention.rules()[key].label}: {count} forgotten")
        self.stdout.write("Nothing else is due.")
