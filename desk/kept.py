"""What costs much to make and changes only when the record does: kept for the minute, until the next entry."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.cache import cache

from crisiscomms.models import AuditEvent
from incidents.models import Incident

SECONDS = 90


def as_it_stands(name: str, incident: Incident, now: datetime, make: Callable[[], Any]) -> Any:
    """`make()`, or what it gave in this minute since the last entry of the incident's record.

    Only for what everybody who may see the incident sees alike. Every act writes an entry, so what is kept is never
    older than the last act. Without Redis it is made anew each time.
    """
    last = AuditEvent.objects.filter(chain=incident.chain).order_by("-number").values_list("digest", flat=True).first()
    key = f"room:{name}:{incident.pk}:{bytes(last or b'').hex()[:24]}:{now:%Y%m%d%H%M}"
    found = cache.get(key)
    if found is None:
        found = make()
        cache.set(key, found, SECONDS)
    return found
