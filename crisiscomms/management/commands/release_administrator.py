"""Take the administrator's role from somebody who is gone, when two are left and nobody else could confirm it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crisiscomms import clock, people
from crisiscomms.refusal import Refused


class Command(BaseCommand):
    help = "Take the administrator's role from one who is gone and cannot confirm it. Another one has to be left."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            person = people.release_administrator(email=options["email"], now=clock.now())
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{person.email} is no longer an administrator. The record says so.")
