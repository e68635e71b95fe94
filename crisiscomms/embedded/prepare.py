"""Bring a local site's database up to date in one process: migrations, policy defaults, the demo if it is empty.

Prints one JSON line: whether there is anybody yet, and whether the demo is loaded.
"""

import json
import os
import sys

import django


def prepare(*, empty: bool) -> dict[str, bool]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crisiscomms.settings")
    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0, stdout=sys.stderr)
    people = get_user_model().objects
    if not empty and not people.exists():
        # First: it loads the defaults itself, at the time when its company was founded.
        print("Loading the demo: half a minute…", file=sys.stderr, flush=True)
        call_command("load_demo", stdout=sys.stderr)
    call_command("load_defaults", stdout=sys.stderr)
    return {"people": people.exists(), "demo": people.filter(email__iexact="pmm@demo.example").exists()}


if __name__ == "__main__":
    print(json.dumps(prepare(empty="--empty" in sys.argv)))
