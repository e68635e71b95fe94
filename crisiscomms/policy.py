"""Policies: the version in force, and how one is replaced."""

from datetime import datetime
from typing import Any

from django.db import transaction

from crisiscomms import audit
from crisiscomms.models import Policy, User


def current(key: str) -> dict[str, Any]:
    """The data of the highest version. Raises Policy.DoesNotExist before `load_defaults` has run."""
    data: dict[str, Any] = Policy.objects.filter(key=key).order_by("-version").values_list("data", flat=True)[:1].get()
    return data


@transaction.atomic
def replace(*, key: str, data: dict[str, Any], by: User | None, now: datetime) -> Policy:
    """Put a new version in force. Old versions stay readable."""
    last = Policy.objects.filter(key=key).order_by("-version").first()
    policy = Policy.objects.create(
        key=key, version=last.version + 1 if last else 1, data=data, changed_by=by, changed_at=now
    )
    text = f"Policy “{key}” changed to version {policy.version}"
    audit.record(chain=audit.INSTALLATION, verb="policy.replaced", subject=f"policy:{key}", text=text, by=by, now=now)
    return policy


def load_default(*, key: str, data: dict[str, Any], now: datetime) -> bool:
    """Load a shipped policy where the company has none yet. Returns whether it was new."""
    if Policy.objects.filter(key=key).exists():
        return False
    replace(key=key, data=data, by=None, now=now)
    return True
