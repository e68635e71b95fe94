"""Whom somebody wrote to: an import that brought them is not undone for them."""

from collections.abc import Sequence
from datetime import datetime

from delivery.models import Notification
from stakeholders import uses


def written_to(contact_ids: Sequence[int], since: datetime) -> set[int]:
    """Contacts that stand in the list of a dispatch ordered since then, whatever became of their mail."""
    lists = Notification.objects.filter(dispatch__ordered_at__gte=since, contact_id__in=contact_ids)
    return set(lists.values_list("contact_id", flat=True))


uses.register("is on the list of a message that was ordered since", written_to)
