"""`manage.py export_person EMAIL`: everything held about a person, as JSON."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crisiscomms import clock, personal
from stakeholders import addresses
from stakeholders.models import Contact


def person_of(email: str) -> personal.Person:
    """By the address as anybody may type it. Somebody who is no contact may still stand in a mail or a file."""
    try:
        address = addresses.normalise(email)
    except ValueError as fault:
        raise CommandError(f"{email!r}: {fault}.") from None
    contact = Contact.objects.filter(address=address).first()
    return personal.Person(address, contact.pk if contact else None, contact.email if contact else email)


class Command(BaseCommand):
    help = "Print everything that is held about a person outside, by e-mail address, as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        person = person_of(options["email"])
        self.stdout.write(json.dumps(personal.export(person), ensure_ascii=False, indent=2, default=str))
        personal.record_export(person=person, by=None, now=clock.now())
