"""One mail a day with what may wait: gathered at eight by each person's own clock, worded when it leaves.

It is itself a notice, of the kind `digest` with the day as its key. So there are never two for one day, it is tried
again as any mail is, and one that fails for good stands among the lost mails. What it gathers is written down with it:
what came later is for the next one, and nothing is lost while nobody knocks.
"""

import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from crisiscomms import bell, notices, ways
from crisiscomms.models import Notice, User
from crisiscomms.notices import Mail

# Before the first meeting of the day. A constant, because people have their own zones and shifts are rare here.
HOUR = 8
# The heading for what belongs to no incident.
OTHER = "Other"
State = Notice.State
Lines = list[tuple[str, str]]


@dataclass(frozen=True)
class Section:
    """What a house adds to each digest: lines with addresses for this person, or the words that there are none."""

    title: str
    read: Callable[[User, datetime], Lines]
    nothing: str


_sections: dict[str, Section] = {}


def register(section: Section) -> None:
    _sections[section.title] = section


def begins(zone: str, now: datetime) -> datetime:
    """The latest eight o'clock of that zone that is not in the future."""
    local = now.astimezone(zoneinfo.ZoneInfo(zone))
    today = local.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    # A day by the wall clock, not 24 hours: on the days of a clock change that is another length of time.
    return today if today <= local else today - timedelta(days=1)


def make_due(*, now: datetime) -> int:
    """Queue the digests whose hour has come; returns how many. Safe to repeat, and after any time without a knock."""
    waiting = Notice.objects.filter(state=State.DIGEST, digest=None).values("person")
    asked = Q(notice_choice__daily_since__isnull=False)
    people = User.objects.active().filter(Q(pk__in=waiting) | asked).order_by("pk")
    return sum(_make(person, now) for person in people)


@transaction.atomic
def _make(person: User, now: datetime) -> int:
    hour = begins(person.time_zone, now)
    mine = Notice.objects.filter(person=person, state=State.DIGEST, digest=None, created_at__lt=hour)
    since = ways.choice_of(person).daily_since
    if not mine.exists() and (since is None or since >= hour):
        return 0
    # Whoever knocked at the same instant waits here, and then finds the digest made: nothing is put into one that
    # may have left already.
    User.objects.get_queryset().select_for_update(no_key=True).get(pk=person.pk)
    key = f"{hour:%Y-%m-%d}"
    if not notices.tell([person], kind="digest", key=key, now=now):
        return 0
    mine.update(digest=Notice.objects.get(person=person, kind="digest", key=key))
    return 1


@notices.renders("digest", urgency="quiet", mail_only=True)
def _mail(notice: Notice, now: datetime) -> Mail | None:
    """What of it still stands. When nothing does, only who asked for one every day hears so."""
    groups = _groups(notice, now)
    count = sum(len(lines) for lines in groups.values())
    if not count and ways.choice_of(notice.person).daily_since is None:
        return None
    day = f"{datetime.fromisoformat(notice.key):%-d %B}"
    link, label = settings.BASE_URL + reverse("notices"), "See all notices"
    added = {one.title: one.read(notice.person, now) for one in _sections.values()}
    nothing = [one.nothing for one in _sections.values() if not added[one.title]]
    due = {title: lines for title, lines in added.items() if lines}
    if not count:
        words = "Nothing was put aside for you since the last one. You get this because you asked for one every day."
        subject = f"{day}: nothing to report" if not due else f"{day}: {_counted(due)} due"
        return Mail(subject, [words, *nothing], link, label, _text(due), _html(due))
    subject = f"{day}: {count} {'notice' if count == 1 else 'notices'}"
    shown = due | groups
    return Mail(subject, ["What could wait, as it stands now.", *nothing], link, label, _text(shown), _html(shown))


def _counted(groups: dict[str, Lines]) -> int:
    return sum(len(lines) for lines in groups.values())


Groups = dict[str, list[tuple[str, str]]]


def _groups(notice: Notice, now: datetime) -> Groups:
    """By incident: subject and address of each notice that this person may still see and that still says something."""
    found: Groups = {}
    for row in notice.gathered.select_related("person").order_by("pk"):
        mail = bell.worded(row, now)
        if mail is not None:
            line = mail.subject, settings.BASE_URL + reverse("notice", args=[row.pk])
            found.setdefault(mail.about or OTHER, []).append(line)
    return found


def _text(groups: Groups) -> str:
    parts = [
        "\n".join([about, *(f"- {subject}\n  {address}" for subject, address in lines)])
        for about, lines in groups.items()
    ]
    return "\n\n".join(parts)


def _html(groups: Groups) -> str:
    return "".join(
        f'<p style="margin:0 0 4px;font-weight:600">{escape(about)}</p><ul style="margin:0 0 14px;padding-left:18px">'
        + "".join(f'<li><a href="{escape(address)}">{escape(subject)}</a></li>' for subject, address in lines)
        + "</ul>"
        for about, lines in groups.items()
    )
