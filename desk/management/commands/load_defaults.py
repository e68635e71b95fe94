"""Load shipped policies, templates and plans where they are missing."""

from typing import Any

from django.core.management.base import BaseCommand

from crisiscomms import clock
from desk import defaults


class Command(BaseCommand):
    help = "Load shipped policies, starter templates, playbooks and the recovery plan. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        new = defaults.load(now=clock.now())
        self.stdout.write(
            f"{new['policies']} policies, {new['templates']} template versions and {new['playbooks']} playbooks loaded."
        )
