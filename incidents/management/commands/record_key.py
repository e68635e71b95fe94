"""`manage.py record_key`: the public key by which others verify archives of records."""

from typing import Any

from django.core.management.base import BaseCommand

from crisiscomms import signing


class Command(BaseCommand):
    help = "Print the public key that signs archives of records, and its fingerprint."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Public key:  {signing.public_key().hex()}")
        self.stdout.write(f"Fingerprint: {signing.fingerprint()}")
