"""The organisation's own facts: its name, whom mail comes from, where replies go."""

from typing import Any

from django.conf import settings
from django.db import transaction

from crisiscomms.models import Organisation


def get_organisation() -> Organisation:
    """The organisation, or one with shipped words before it was set up."""
    return Organisation.objects.filter(pk=1).first() or Organisation(from_address=settings.DEFAULT_FROM_EMAIL)


@transaction.atomic
def set_organisation(**fields: Any) -> Organisation:
    organisation, _ = Organisation.objects.update_or_create(pk=1, defaults=fields)
    return organisation
