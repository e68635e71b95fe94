"""Load the demo into an empty database."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from crisiscomms import clock
from desk import demo


class Command(BaseCommand):
    help = (
        "Load a fictional company with its past and one live incident. Only on an empty database, never in production."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.LOCAL:
            raise CommandError("The demo has well-known passwords, so it loads only with LOCAL_MODE=1.")
        incident = demo.load(now=clock.now())
        if incident is None:
            self.stdout.write("There are people here already: the demo was not loaded.")
        else:
            self.stdout.write(f"Loaded {incident}.")
