"""Add an administrator from the command line: the first one in production."""

import getpass
import sys
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crisiscomms import clock, people
from crisiscomms.models import Role
from crisiscomms.models.people import check_time_zone
from crisiscomms.refusal import Refused


class Command(BaseCommand):
    help = "Add an administrator. The password is asked for, or read as one line from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="Administrator")
        parser.add_argument("--time-zone", default="UTC", help="such as Europe/Berlin (default: UTC)")

    def handle(self, *args: Any, **options: Any) -> None:
        ask = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        try:
            check_time_zone(options["time_zone"])
            validate_password(ask)
            person = people.add_person(
                email=options["email"],
                name=options["name"],
                roles=[str(Role.ADMINISTRATOR)],
                by=None,
                now=clock.now(),
                password=ask,
                time_zone=options["time_zone"],
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{person.email} may sign in as an administrator.")
