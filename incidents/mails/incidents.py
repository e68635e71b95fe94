"""How the team is told about an incident. Rendered when a worker sends, so never out of date."""

from datetime import datetime

from django.urls import reverse
from django.utils import timezone

from crisiscomms.models import Notice
from crisiscomms.notices import Mail, renders
from incidents.mails.wording import about, incident_of, prefix, url_to


@renders("declared", urgency="urgent")
def declared(notice: Notice, now: datetime) -> Mail | None:
    incident = incident_of(notice)
    if incident is None:
        return None
    room = url_to(reverse("desk:room", args=[incident.number]))
    if incident.restricted:
        return Mail(
            f"{prefix(incident)}: you are on the team of a restricted incident",
            ["Sign in to read what it is about."],
            room,
            "Open the room",
            **about(incident),
        )
    first = incident.deadlines.open().order_by("due_at").first()
    clock = f"First clock: {first.title.lower()}, by {timezone.localtime(first.due_at):%H:%M %Z}." if first else ""
    return Mail(
        f"{prefix(incident)} {incident.get_severity_display().lower()}: {incident.title}",
        [
            f"{incident.declared_by} declared a {incident.get_kind_display().lower()}: {incident.title}.",
            incident.summary,
            clock,
            "You are on its team.",
        ],
        room,
        "Open the room",
        **about(incident),
    )


@renders("severity", urgency="normal")
def severity(notice: Notice, now: datetime) -> Mail | None:
    incident = incident_of(notice)
    if incident is None:
        return None
    words = [] if incident.restricted else [str(notice.context.get("text", ""))]
    room = url_to(reverse("desk:room", args=[incident.number]))
    subject = f"{prefix(incident)} is now {incident.get_severity_display().lower()}"
    return Mail(subject, words, room, "Open the room", **about(incident))
