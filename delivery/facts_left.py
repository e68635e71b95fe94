"""Which facts have left in which message, and when: a correction starts from here."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse

from delivery.models import Dispatch
from incidents.facts import Use, register_uses
from incidents.models import Fact, Incident
from messaging import facts as said_facts
from messaging.models import Message


def _left(incident: Incident, facts: dict[str, Fact]) -> Iterator[tuple[str, Use]]:
    left = Dispatch.objects.filter(incident=incident, left_at__isnull=False, content__facts__has_key="facts")
    first: dict[tuple[int, str], Dispatch] = {}
    for dispatch in left.select_related("message").order_by("left_at", "pk"):
        for key in dispatch.content["facts"]["facts"]:
            first.setdefault((dispatch.message_id, key), dispatch)
    for (_, key), dispatch in first.items():
        if key in facts:
            yield key, _use(dispatch.message, dispatch.content["facts"]["facts"][key], facts[key], dispatch.left_at)


def _use(message: Message, said: said_facts.Said, fact: Fact, at: datetime | None) -> Use:
    url = reverse("delivery:send_plan", args=[message.pk])
    return Use(message.name, url, "sent", at, said["value"], said_facts.is_other(said, fact))


register_uses("delivery", _left)
