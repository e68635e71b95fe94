"""How times and numbers are said. The live clocks (js/clock.js) use the same words: change both or neither."""

from datetime import datetime, timedelta
from math import ceil

from django.utils import timezone

NBSP = "\u00a0"
THIN = "\u202f"
MINUTE, HOUR, DAY = 60, 3600, 86400
LAST_MINUTES = 2 * MINUTE
TWO_DAYS = 2 * DAY


def in_words(delta: timedelta) -> str:
    """A length of time, cut to its two largest units: "42 s", "38 min", "2 h 29 min", "3 d 4 h"."""
    seconds = abs(int(delta.total_seconds()))
    if seconds < MINUTE:
        return f"{seconds}{NBSP}s"
    days, hours, minutes = seconds // DAY, seconds // HOUR % 24, seconds // MINUTE % 60
    parts = [(days, "d"), (hours, "h")] if days else [(hours, "h"), (minutes, "min")]
    return " ".join(f"{count}{NBSP}{unit}" for count, unit in parts if count)


def zone_of(at: datetime) -> str:
    """The name of the reader's zone at that time: "CET", or "UTC+3" where the zone has no letters."""
    name = timezone.localtime(at).tzname() or ""
    if name[:1] not in ("+", "-"):
        return name
    hours, minutes = name[1:3].lstrip("0") or "0", name[3:5].strip("0")
    return f"UTC{name[0]}{hours}{':' + name[3:5] if minutes else ''}"


def readers_time(at: datetime) -> str:
    """A moment as whoever asks reads it, for a sentence to them: "28 Nov 16:06 CET". Never for the record."""
    return f"{timezone.localtime(at):%-d %b %H:%M} {zone_of(at)}"


def exact_words(seconds: int) -> str:
    """A chosen length of time, uncut: "45 seconds", "90 seconds", "2 minutes", "1 hour"."""
    units = [(HOUR, "hour"), (MINUTE, "minute"), (1, "second")]
    length, unit = next((length, unit) for length, unit in units if seconds % length == 0 and (seconds or length == 1))
    count = seconds // length
    return f"{count}{NBSP}{unit}{'' if count == 1 else 's'}"


def digits(seconds: int) -> str:
    """A counter: "8:42", or "1:08:42" from an hour on."""
    hours, minutes, rest = seconds // HOUR, seconds // MINUTE % 60, seconds % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def due_words(due: datetime, now: datetime) -> str:
    """How far off a deadline is: "in 21 min", "in 1:42" in the last two minutes, "6 min late"."""
    seconds = seconds_left(due, now)
    if seconds < 0:
        return f"{digits(-seconds) if seconds > -MINUTE else in_words(timedelta(seconds=seconds))} late"
    if seconds <= LAST_MINUTES:
        return f"in {digits(seconds)}"
    seconds = ceil(seconds / MINUTE) * MINUTE
    if seconds >= TWO_DAYS:
        return f"in {seconds // DAY}{NBSP}d"
    return f"in {in_words(timedelta(seconds=seconds))}"


def due_state(due: datetime, now: datetime, soon: int) -> str:
    """Which of "due", "soon" (from `soon` seconds before) or "late" (once the moment has passed)."""
    seconds = seconds_left(due, now)
    if seconds < 0:
        return "late"
    return "soon" if seconds <= soon else "due"


def met_words(at: datetime, due: datetime) -> str:
    """How a deadline was kept: "met, 4 min early", "met on time"; or missed: "6 min late"."""
    if at > due:
        return f"{in_words(at - due)} late"
    return f"met, {in_words(due - at)} early" if due - at >= timedelta(minutes=1) else "met on time"


def thin(number: float | None) -> str:
    """4212 as "4 212", with thin spaces that do not break; nothing for None."""
    return "" if number is None else f"{number:,}".replace(",", THIN)


def initials(name: str) -> str:
    """First letters of the first and the last name: "Ada M. Thornquill" is AT."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def seconds_left(due: datetime, now: datetime) -> int:
    """Whole seconds until `due`, rounded up: "0:00" stands for one second, then it is late."""
    return ceil((due - now).total_seconds())
