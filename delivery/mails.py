"""How the team is told about a send that stopped or left something behind."""

from datetime import datetime

from django.urls import reverse

from crisiscomms.models import Notice
from crisiscomms.notices import Mail, renders
from delivery.models import Dispatch
from incidents.mails import about, may_see, url_to


@renders("dispatch_stopped", urgency="urgent")
def dispatch_stopped(notice: Notice, now: datetime) -> Mail | None:
    dispatch = Dispatch.objects.select_related("message__incident").get(pk=notice.context["dispatch"])
    message = dispatch.message
    if dispatch.state != Dispatch.State.STOPPED or not may_see(notice.person, message.incident):
        return None
    words = [] if message.incident.restricted else [dispatch.why]
    path = reverse("delivery:send_plan", args=[message.pk])
    return Mail(
        f"{message.incident.ref}: sending {message.name.lower()} was stopped",
        words,
        url_to(path),
        "Open the send plan",
        **about(message.incident),
    )


@renders("dispatch_trouble", urgency="urgent")
def dispatch_trouble(notice: Notice, now: datetime) -> Mail | None:
    dispatch = Dispatch.objects.select_related("message__incident", "tally").get(pk=notice.context["dispatch"])
    tally, message = dispatch.tally, dispatch.message
    if not tally.failed + tally.unknown or not may_see(notice.person, message.incident):
        return None
    path = reverse("delivery:send_plan", args=[message.pk])
    words = (
        f"{tally.failed} failed and {tally.unknown} have no answer, of {tally.planned}. They wait for you to decide."
    )
    return Mail(
        f"{message.incident.ref}: {message.name.lower()} did not reach everybody",
        [words],
        url_to(path),
        "Look at them",
        **about(message.incident),
    )
