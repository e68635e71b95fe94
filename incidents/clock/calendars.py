"""A person's clocks as a calendar (RFC 5545), under an address that only they know."""

import hashlib
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from crisiscomms import audit, ways_in
from crisiscomms.models import User
from incidents import access, deadlines
from incidents.models import CalendarFeed, Deadline

# So many clocks of one person are in it, the nearest first.
MOST = 500
WIDTH = 75


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def make_feed(*, person: User, now: datetime) -> str:
    """A new address for this person; the one before ends. The secret is returned once and kept nowhere."""
    access.require(person, "view")
    _end(person, now)
    token = secrets.token_urlsafe(32)
    CalendarFeed.objects.create(person=person, token_hash=_hash(token), made_at=now)
    _note(person, "Made a calendar of their clocks", now)
    return token


@transaction.atomic
def end_feed(*, person: User, now: datetime) -> bool:
    """The address stops to work. Returns whether there was one."""
    ended = _end(person, now)
    if ended:
        _note(person, "Ended the calendar of their clocks", now)
    return ended


def _end(person: User, now: datetime) -> bool:
    return bool(CalendarFeed.objects.filter(person=person, ended_at=None).update(ended_at=now))


def _note(person: User, text: str, now: datetime) -> None:
    audit.record(
        chain=audit.INSTALLATION, verb="person.calendar", subject=f"person:{person.pk}", text=text, by=person, now=now
    )


def _end_keys(*, person: User, by: User, now: datetime) -> None:
    _end(person, now)


ways_in.register(ways_in.WayIn("calendar", _end_keys))


def person_of(token: str) -> User | None:
    """Whose calendar it is, as long as it stands and they may sign in."""
    feed = CalendarFeed.objects.select_related("person").filter(token_hash=_hash(token), ended_at=None).first()
    return feed.person if feed is not None and feed.person.is_active else None


def has_feed(person: User) -> bool:
    return CalendarFeed.objects.filter(person=person, ended_at=None).exists()


def written(person: User, now: datetime) -> str:
    mine = Deadline.objects.visible_to(person).open().filter(owner=person).select_related("incident")
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Crisis Comms//Clocks//EN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:Crisis Comms",
        "REFRESH-INTERVAL;VALUE=DURATION:PT5M",
    ]
    for deadline in mine.order_by("due_at", "pk")[:MOST]:
        lines += _event(deadline, now)
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in folded(line))


def _event(deadline: Deadline, now: datetime) -> list[str]:
    incident = deadline.incident
    mark = "EXERCISE, " if incident.is_exercise else ""
    # A calendar is shown to others: of a restricted incident it says the number and the kind only.
    what = deadlines.kind_of(deadline).label if incident.restricted else deadline.title
    link = settings.BASE_URL + reverse("desk:room", args=[incident.number])
    host = settings.BASE_URL.split("//")[-1]
    late = " (late)" if deadline.state == Deadline.State.MISSED else ""
    return [
        "BEGIN:VEVENT",
        f"UID:deadline-{deadline.pk}@{host}",
        f"DTSTAMP:{_moment(now)}",
        f"DTSTART:{_moment(deadline.due_at)}",
        "DURATION:PT15M",
        f"SUMMARY:{escaped(f'{mark}{incident.ref}: {what}{late}')}",
        f"URL:{link}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def escaped(text: str) -> str:
    """As RFC 5545 3.3.11 asks; other control characters have no place in a calendar."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(sign for sign in text if sign == "\n" or (ord(sign) >= 32 and ord(sign) != 127))
    for sign, written_as in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(sign, written_as)
    return text


def folded(line: str) -> Iterator[str]:
    """No line of more than 75 octets; what goes on begins with a blank, and no sign is cut in two."""
    part, size = "", 0
    for sign in line:
        octets = len(sign.encode())
        if size + octets > WIDTH:
            yield part
            part, size = " ", 1
        part += sign
        size += octets
    yield part
