"""`manage.py import_statuspage FILE`: the history of a Statuspage page, as closed incidents with their public updates."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crisiscomms import clock
from crisiscomms.models import Role, User
from crisiscomms.refusal import Refused
from incidents import actions, history


class Command(BaseCommand):
    help = "Import the JSON history of a Statuspage page as closed incidents. Safe to repeat; all of it or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the JSON with `page` and `incidents`")
        parser.add_argument(
            "--by", metavar="EMAIL", help="the administrator who answers for it; the first one if left out"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(options["file"])
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        by = self._by(options["by"])
        try:
            with path.open("rb") as stream:
                found = history.read(stream, now=clock.now())
            done = actions.import_history(history=found, by=by, now=clock.now())
        except Refused as refusal:
            raise CommandError(f"Refused: {refusal}") from None
        self._report(found, done)

    def _by(self, email: str | None) -> User:
        administrators = User.objects.with_role(Role.ADMINISTRATOR)
        found = administrators.filter(email__iexact=email) if email else administrators
        person = found.first()
        if person is None:
            who = f"{email} is no active administrator" if email else "There is no administrator yet"
            raise CommandError(f"{who}. Somebody has to answer for the import: see `manage.py create_admin`.")
        return person

    def _report(self, found: history.History, done: actions.TakenOver) -> None:
        self.stdout.write(f"From {found.source_name}, {found.source}:")
        self.stdout.write(f"new incidents: {done.incidents}")
        self.stdout.write(f"new updates: {done.updates}")
        self.stdout.write(f"states of components: {done.states}")
        self.stdout.write(f"here already: {done.known}")
        self.stdout.write(f"not over yet, left out: {done.open}")
        if done.components:
            names = ", ".join(done.components)
            self.stdout.write(f"components made under the product “{found.source_name}”: {names}")
