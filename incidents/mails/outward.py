"""How owners are told about what goes out by itself."""

from datetime import datetime

from django.urls import reverse
from django.utils import timezone

from crisiscomms.models import Notice
from crisiscomms.notices import Mail, renders
from incidents.mails.wording import about, incident_of, prefix, url_to
from incidents.models import HaltItem, Incident


@renders("halt_asked", urgency="urgent")
def halt_asked(notice: Notice, now: datetime) -> Mail | None:
    return _mail(notice, HaltItem.State.OPEN, "halt", "Halt it, or leave it running and say why.", now)


@renders("resume_asked", urgency="normal")
def resume_asked(notice: Notice, now: datetime) -> Mail | None:
    return _mail(notice, HaltItem.State.HALTED, "resume", "Resume it, or keep it off and say why.", now)


def _mail(notice: Notice, state: str, what: str, ask: str, now: datetime) -> Mail | None:
    """What of theirs still waits when the mail leaves; None when nothing does."""
    incident = incident_of(notice)
    if incident is None:
        return None
    mine = list(HaltItem.objects.filter(incident=incident, owner=notice.person, state=state).order_by("pk"))
    if not mine:
        return None
    count = f"{len(mine)} thing{'' if len(mine) == 1 else 's'}"
    if incident.is_exercise:
        ask = f"This is an exercise: do not {what} anything. Note what you would do."
    link = url_to(reverse("incidents:halt_list", args=[incident.number]))
    subject = f"{prefix(incident)}: {count} to {what}"
    words = [ask] if incident.restricted else [_named(mine), ask, _by_when(incident, mine, what)]
    return Mail(subject, [one for one in words if one], link, "Open the halt list", **about(incident))


def _named(items: list[HaltItem]) -> str:
    named = "; ".join(f"{item.name}{f' ({item.place})' if item.place else ''}" for item in items[:10])
    return named + (f"; and {len(items) - 10} more" if len(items) > 10 else "")


def _by_when(incident: Incident, items: list[HaltItem], kind: str) -> str:
    subjects = [f"halt:{item.pk}" for item in items]
    first = incident.deadlines.open().filter(kind=kind, subject__in=subjects).order_by("due_at").first()
    return f"By {timezone.localtime(first.due_at):%d %b %H:%M %Z}." if first else ""
