"""How people are told about roles and teams. Rendered when a worker sends, so never out of date."""

from datetime import datetime

from django.urls import reverse
from django.utils import timezone

from crisiscomms.models import Notice
from crisiscomms.notices import Mail, renders
from incidents.clock import waiting
from incidents.mails.wording import about, incident_of, prefix, url_to
from incidents.models import Incident, RoleAssignment
from incidents.team import ownership


def _assignment(notice: Notice) -> RoleAssignment | None:
    """The assignment, unless this person may no longer see its incident."""
    found = RoleAssignment.objects.visible_to(notice.person).select_related("incident", "person", "by", "ended_by")
    return found.filter(pk=notice.context["role"]).first()


def _room(incident: Incident) -> str:
    return url_to(reverse("desk:room", args=[incident.number]))


@renders("role_given", urgency="urgent")
def role_given(notice: Notice, now: datetime) -> Mail | None:
    """With the note and what is open; of a restricted incident neither stands in a mailbox."""
    given = _assignment(notice)
    if given is None or given.ended_at is not None:
        return None
    incident = given.incident
    label = ownership.label_of(given.role).lower()
    words = [f"{given.by} hands it over to you."] if given.by else []
    if incident.restricted:
        words.append("Sign in to read the note and what is open.")
    else:
        open_now = [_line(one) for one in waiting.in_incident(incident)[:12]]
        words += [f"Note: {given.note}", f"Open now: {'; '.join(open_now)}." if open_now else "Nothing is open now."]
    subject = f"{prefix(incident)}: you are {label} now"
    return Mail(subject, words, _room(incident), "Open the room", **about(incident))


def _line(one: waiting.Open) -> str:
    return f"{one.words}, by {timezone.localtime(one.due_at):%-d %b %H:%M %Z}" if one.due_at else one.words


@renders("role_passed", urgency="normal")
def role_passed(notice: Notice, now: datetime) -> Mail | None:
    given = _assignment(notice)
    if given is None:
        return None
    label = ownership.label_of(given.role).lower()
    words = [f"{given.by} gave it to {given.person}."]
    subject = f"{prefix(given.incident)}: you are no longer {label}"
    return Mail(subject, words, _room(given.incident), "Open the room", **about(given.incident))


@renders("role_vacant", urgency="normal")
def role_vacant(notice: Notice, now: datetime) -> Mail | None:
    """Not needed any more once somebody holds it again."""
    ended = _assignment(notice)
    if ended is None or ended.incident.roles.open().filter(role=ended.role).exists():
        return None
    label = ownership.label_of(ended.role).lower()
    words = [f"{ended.person} held it until now. Give it to somebody, or its clocks stay with who is on duty or you."]
    subject = f"{prefix(ended.incident)}: nobody is {label} now"
    return Mail(subject, words, _room(ended.incident), "Open the room", **about(ended.incident))


@renders("team_joined", urgency="normal")
def team_joined(notice: Notice, now: datetime) -> Mail | None:
    incident = incident_of(notice)
    if incident is None:
        return None
    member = incident.team.filter(person=notice.person).select_related("stands_in_for").first()
    if member is None:
        return None
    title = "a restricted incident" if incident.restricted else incident.title
    words = ["Sign in to read what it is about."] if incident.restricted else [incident.summary]
    if member.stands_in_for:
        words.insert(0, f"You stand in for {member.stands_in_for}, who is away.")
    subject = f"{prefix(incident)}: you are on the team of {title}"
    return Mail(subject, words, _room(incident), "Open the room", **about(incident))


@renders("team_left", urgency="normal")
def team_left(notice: Notice, now: datetime) -> Mail | None:
    """Whoever was let go of a restricted incident sees nothing of it: the number alone is said."""
    ref = str(notice.context["ref"])
    incident = incident_of(notice)
    words = ["Your roles in it have ended, and its clocks are others’ now."]
    subject = f"{ref}: you are no longer on its team"
    return Mail(subject, words, **about(incident)) if incident else Mail(subject, words, about=ref, is_restricted=True)
