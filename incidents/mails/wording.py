"""What every notice about an incident is worded with."""

from typing import TypedDict

from django.conf import settings

from crisiscomms.models import Notice, User
from incidents.models import Incident


def incident_of(notice: Notice) -> Incident | None:
    """The incident, unless this person may no longer see it."""
    return Incident.objects.visible_to(notice.person).filter(pk=notice.context["incident"]).first()


def may_see(person: User, incident: Incident) -> bool:
    """Whoever was told may have left the team of a restricted incident since."""
    return Incident.objects.visible_to(person).filter(pk=incident.pk).exists()


def prefix(incident: Incident) -> str:
    return ("EXERCISE, " if incident.is_exercise else "") + incident.ref


class About(TypedDict):
    about: str
    is_restricted: bool


def about(incident: Incident) -> About:
    """What every notice about an incident says of it: `Mail(…, **about(incident))`. A restricted one by number only."""
    title = incident.ref if incident.restricted else f"{incident.ref} {incident.title}"
    marked = "EXERCISE, " if incident.is_exercise else ""
    return {"about": marked + title, "is_restricted": incident.restricted}


def url_to(path: str) -> str:
    return settings.BASE_URL + path
