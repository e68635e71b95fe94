"""`python -m tests.delivery.lone_site COUNT`: fills the database of DATABASE_URL and orders one critical message."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crisiscomms.settings")


def main(count: int) -> None:
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from crisiscomms import clock
    from desk import defaults
    from tests import factories
    from tests.delivery import ground

    now = clock.now()
    defaults.load(now=now)
    ground.set_policy(lease_seconds=6)
    ada = factories.make_user("ada", roles=["product_marketing"])
    ben = factories.make_user("ben", roles=["executive"])
    factories.make_contacts(count)
    ground.order_mail(ada, ben, now=now, severity="critical")


if __name__ == "__main__":
    main(int(sys.argv[1]))
