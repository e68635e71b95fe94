"""How people hear of watch items and of decisions taken without the right."""

from datetime import datetime

from django.urls import reverse

from crisiscomms.models import Notice
from crisiscomms.notices import Mail, renders
from incidents.mails.wording import about, incident_of, may_see, prefix, url_to
from incidents.models import Decision


@renders("watched", urgency="normal")
def watched(notice: Notice, now: datetime) -> Mail | None:
    incident = incident_of(notice)
    if incident is None or not incident.is_watched:
        return None
    room = url_to(reverse("desk:room", args=[incident.number]))
    if incident.restricted:
        return Mail(f"{prefix(incident)}: a restricted watch item", ["Sign in to read it."], room, **about(incident))
    words = [f"{incident.title}. If it were declared, it would be {incident.get_severity_display().lower()}."]
    return Mail(
        f"{prefix(incident)} watched: {incident.title}",
        [*words, incident.summary, "Nobody outside knows of it. Look at it, and declare it or stand it down."],
        room,
        "Open the room",
        **about(incident),
    )


@renders("break_glass", urgency="urgent")
def break_glass(notice: Notice, now: datetime) -> Mail | None:
    decision = Decision.objects.select_related("incident", "by").get(pk=notice.context["decision"])
    incident = decision.incident
    if not may_see(notice.person, incident):
        return None
    room = url_to(reverse("incidents:decisions", args=[incident.number]))
    subject = f"{prefix(incident)}: {decision.by} decided without the right"
    if incident.restricted:
        return Mail(subject, ["Sign in to read what, and why."], room, "Read the decision", **about(incident))
    return Mail(
        subject,
        [
            f"{decision.get_kind_display()}: {decision.choice}.",
            f"Why: {decision.reason}",
            "They did not hold the right to decide this, said so, and went on. It stands red in the record.",
            "Whoever holds the right can decide otherwise at any time.",
        ],
        room,
        "Read the decision",
        **about(incident),
    )
