"""How the team is told about incidents and clocks. Rendered when a worker sends, so never out of date."""

from datetime import datetime, timedelta
from typing import TypedDict

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from crisiscomms.models import Notice, User
from crisiscomms.notices import Mail, renders
from crisiscomms.wording import in_words
from incidents import deadlines
from incidents.models import Deadline, Incident


def _incident(notice: Notice) -> Incident | None:
    """The incident, unless this person may no longer see it."""
    return Incident.objects.visible_to(notice.person).filter(pk=notice.context["incident"]).first()


def may_see(person: User, incident: Incident) -> bool:
    """Whoever was told may have left the team of a restricted incident since."""
    return Incident.objects.visible_to(person).filter(pk=incident.pk).exists()


def _prefix(incident: Incident) -> str:
    return ("EXERCISE, " if incident.is_exercise else "") + incident.ref


class About(TypedDict):
    about: str
    is_restricted: bool


def about(incident: Incident) -> About:
    """What every notice about an incident says of it: `Mail(…, **about(incident))`. A restricted one by number only."""
    title = incident.ref if incident.restricted else f"{incident.ref} {incident.title}"
    prefix = "EXERCISE, " if incident.is_exercise else ""
    return {"about": prefix + title, "is_restricted": incident.restricted}


def url_to(path: str) -> str:
    return settings.BASE_URL + path


@renders("declared", urgency="urgent")
def declared(notice: Notice, now: datetime) -> Mail | None:
    incident = _incident(notice)
    if incident is None:
        return None
    room = url_to(reverse("desk:room", args=[incident.number]))
    if incident.restricted:
        return Mail(
            f"{_prefix(incident)}: you are on the team of a restricted incident",
            ["Sign in to read what it is about."],
            room,
            "Open the room",
            **about(incident),
        )
    first = incident.deadlines.open().order_by("due_at").first()
    clock = f"First clock: {first.title.lower()}, by {timezone.localtime(first.due_at):%H:%M %Z}." if first else ""
    return Mail(
        f"{_prefix(incident)} {incident.get_severity_display().lower()}: {incident.title}",
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
    incident = _incident(notice)
    if incident is None:
        return None
    words = [] if incident.restricted else [str(notice.context.get("text", ""))]
    room = url_to(reverse("desk:room", args=[incident.number]))
    subject = f"{_prefix(incident)} is now {incident.get_severity_display().lower()}"
    return Mail(subject, words, room, "Open the room", **about(incident))


def _deadline(notice: Notice) -> Deadline | None:
    return (
        Deadline.objects.visible_to(notice.person)
        .open()
        .select_related("incident", "owner")
        .filter(pk=notice.context["deadline"])
        .first()
    )


@renders("deadline_soon", urgency="urgent")
def deadline_soon(notice: Notice, now: datetime) -> Mail | None:
    deadline = _deadline(notice)
    if deadline is None:
        return None
    kind = deadlines.kind_of(deadline)
    due = timezone.localtime(deadline.due_at)
    left = deadline.due_at - now
    subject = f"{_prefix(deadline.incident)}: {_title(deadline)} by {due:%H:%M %Z}"
    when = f"It is due in {in_words(left)}." if left > timedelta(0) else f"It was due {in_words(-left)} ago."
    link = url_to(deadlines.path_for(deadline, notice.person))
    return Mail(subject, [when], link, kind.action, **about(deadline.incident))


@renders("deadline_missed", urgency="urgent")
def deadline_missed(notice: Notice, now: datetime) -> Mail | None:
    deadline = _deadline(notice)
    if deadline is None:
        return None
    kind = deadlines.kind_of(deadline)
    late = in_words(now - deadline.due_at)
    mine = deadline.owner_id == notice.person_id
    who = "It is yours." if mine else f"It is {deadline.owner}'s. You are told because it has not been done."
    subject = f"{_prefix(deadline.incident)} LATE: {_title(deadline)}"
    link = url_to(deadlines.path_for(deadline, notice.person))
    return Mail(subject, [f"It is {late} late.", who], link, kind.action, **about(deadline.incident))


def _title(deadline: Deadline) -> str:
    """A restricted incident's deadlines are named by their kind only: a mailbox is not the room."""
    if deadline.incident.restricted:
        return deadlines.kind_of(deadline).label.lower()
    return deadline.title.lower()
