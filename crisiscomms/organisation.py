"""The organisation's own facts: its name, whom mail comes from, where replies go, how its pages look."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from crisiscomms import audit
from crisiscomms.changes import lock_administrators
from crisiscomms.models import Organisation, User


def get_organisation() -> Organisation:
    """The organisation, or one with shipped words before it was set up."""
    return Organisation.objects.filter(pk=1).first() or Organisation(from_address=settings.DEFAULT_FROM_EMAIL)


@transaction.atomic
def set_organisation(*, by: User | None, now: datetime, **fields: Any) -> Organisation:
    """Change what is given. `by=None` is the installation itself (first set-up, demo). What changed is on the record."""
    if by is not None:
        lock_administrators(by)
    before = Organisation.objects.select_for_update().filter(pk=1).first() or Organisation()
    changed = [name for name, value in fields.items() if _plain(getattr(before, name)) != _plain(value)]
    organisation, _ = Organisation.objects.update_or_create(pk=1, defaults=fields)
    if changed:
        text = "Organisation changed: " + ", ".join(
            "logo" if name == "logo" else f"{name.replace('_', ' ')} is “{getattr(organisation, name)}”"
            for name in changed
        )
        audit.record(
            chain=audit.INSTALLATION, verb="organisation.changed", subject="organisation", text=text, by=by, now=now
        )
    return organisation


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview | bytes) else value
