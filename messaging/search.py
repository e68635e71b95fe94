"""What can be found in this house: messages, by their subject and kind."""

from django.db.models.fields.json import KeyTextTransform
from django.urls import reverse

from crisiscomms.search import HITS, Asked, Hit, Source, holding, register
from incidents.access import may
from incidents.models import Incident
from messaging.models import ApprovalRequest, Message


def _messages(asked: Asked) -> list[Hit]:
    """The workshop finds every message of the incidents it sees; an executive what they were asked about."""
    return _of_the_workshop(asked) if may(asked.by, "work") else _asked_of(asked)


def _of_the_workshop(asked: Asked) -> list[Hit]:
    seen = Message.objects.visible_to(asked.by).select_related("incident")
    found = holding(asked, seen, KeyTextTransform("subject", "working"), "kind", "incident__title").order_by("-pk")[
        :HITS
    ]
    return [
        Hit(
            one.working.get("subject") or one.name,
            f"{one.name}, {one.incident.ref}",
            reverse("messaging:compose", args=[one.pk]),
            one.get_state_display(),
        )
        for one in found
    ]


def _asked_of(asked: Asked) -> list[Hit]:
    """As frozen when they were asked: what was written since is not theirs to read."""
    mine = ApprovalRequest.objects.filter(
        stages__seats__person=asked.by,
        stages__state__in=["open", "done"],
        message__incident__in=Incident.objects.visible_to(asked.by),
    )
    found = holding(
        asked, mine, KeyTextTransform("subject", "version__content"), "message__kind", "message__incident__title"
    )
    rows = found.select_related("message__incident", "version").order_by("message", "-pk").distinct("message")
    return [
        Hit(
            one.version.content.get("subject") or one.message.name,
            f"{one.message.name}, {one.message.incident.ref}",
            reverse("messaging:approve", args=[one.pk]),
            one.get_state_display(),
        )
        for one in rows[:HITS]
    ]


register(Source(20, "messages", "Messages", _messages))
