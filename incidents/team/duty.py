"""Who is on duty when: weekly hours by each person's own clock, and single shifts. Nothing is stored as computed.

An hour that the clock skips has no duty in it; in an hour that comes twice, duty begins and ends in the first.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from crisiscomms import policy
from crisiscomms.models import Role, User
from incidents.models import DutyHours, DutyShift

DAY = timedelta(days=1)
Span = tuple[datetime, datetime]
# Whose work a crisis needs; sellers and administrators as such have no duty.
DEPARTMENTS = [role for role in Role.values if role not in (Role.SALES, Role.ADMINISTRATOR)]


@dataclass(frozen=True)
class Slot:
    """One person's duty for a role, from a moment to a moment. `for_whom` is away, and this person stands in."""

    role: str
    person: User
    begins_at: datetime
    ends_at: datetime
    for_whom: User | None = None


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A wall time as a moment. The first of two; where the clock jumps over it, the moment of the jump."""
    local = datetime.combine(day, at, tzinfo=zone)
    late = local.astimezone(UTC)
    if late.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return late
    # Read with the offset after the jump it lies before it: the jump is the first minute that has that offset.
    early, offset = local.replace(fold=1).astimezone(UTC), late.astimezone(zone).utcoffset()
    while late - early > timedelta(minutes=1):
        middle = early + (late - early) // 2
        middle -= timedelta(seconds=middle.second, microseconds=middle.microsecond)
        early, late = (early, middle) if middle.astimezone(zone).utcoffset() == offset else (middle, late)
    return late


def spans_of(weekday: int, begins: time, ends: time, zone: ZoneInfo, window: Span) -> list[Span]:
    """When these weekly hours are within the window, each day computed on its own."""
    first, last = (edge.astimezone(zone).date() for edge in window)
    day = first - DAY
    day += timedelta(days=(weekday - day.weekday()) % 7)
    found = []
    while day <= last:
        end_day = day if ends > begins else day + DAY
        cut = _cut((moment(day, begins, zone), moment(end_day, ends, zone)), window)
        found += [cut] if cut else []
        day += 7 * DAY
    return found


def slots(begins_at: datetime, ends_at: datetime) -> list[Slot]:
    """Everybody's duty in this time. Who lost the role or their access has none; who is away, their deputy has."""
    window = (begins_at.astimezone(UTC), ends_at.astimezone(UTC))
    found = [slot for slot in _planned(window) if slot.person.has_role(slot.role)]
    there = (part for slot in found for part in _without_absence(slot))
    return sorted(there, key=lambda slot: (slot.begins_at, slot.role, slot.person.name, slot.person.pk))


def _planned(window: Span) -> Iterable[Slot]:
    for hours in DutyHours.objects.filter(person__is_active=True).select_related("person__deputy"):
        zone = ZoneInfo(hours.person.time_zone)
        for begin, end in spans_of(hours.weekday, hours.begins, hours.ends, zone, window):
            yield Slot(hours.role, hours.person, begin, end)
    shifts = DutyShift.objects.filter(person__is_active=True, begins_at__lt=window[1], ends_at__gt=window[0])
    for shift in shifts.select_related("person__deputy"):
        cut = _cut((shift.begins_at, shift.ends_at), window)
        if cut:
            yield Slot(shift.role, shift.person, *cut)


def _without_absence(slot: Slot) -> Iterable[Slot]:
    person = slot.person
    span = (slot.begins_at, slot.ends_at)
    away = _cut((person.out_from, person.out_until), span) if person.out_from and person.out_until else None
    if away is None:
        yield slot
        return
    for begin, end in ((span[0], away[0]), (away[1], span[1])):
        if begin < end:
            yield replace(slot, begins_at=begin, ends_at=end)
    deputy = person.deputy
    if deputy is None or not deputy.is_active:
        return
    out = _cut((deputy.out_from, deputy.out_until), away) if deputy.out_from and deputy.out_until else None
    for begin, end in ((away[0], out[0]), (out[1], away[1])) if out else (away,):
        if begin < end:
            yield Slot(slot.role, deputy, begin, end, for_whom=person)


def on_duty(now: datetime) -> list[Slot]:
    """Who is on duty at this moment, each person once per role."""
    once = {(slot.role, slot.person.pk): slot for slot in reversed(slots(now, now + timedelta(seconds=1)))}
    return sorted(once.values(), key=lambda slot: (list(Role.values).index(slot.role), slot.person.name))


def people_on_duty(now: datetime, *roles: str) -> list[User]:
    """Those on duty now for any of these roles, in the order of the roles."""
    found = on_duty(now)
    return list({slot.person.pk: slot.person for role in roles for slot in found if slot.role == role}.values())


def gaps(taken: Iterable[Slot], role: str, window: Span) -> list[Span]:
    """When nobody of this role is on duty within the window. `taken` may hold other roles too."""
    free, at = [], window[0]
    for slot in sorted((one for one in taken if one.role == role), key=lambda one: one.begins_at):
        if slot.begins_at > at:
            free.append((at, slot.begins_at))
        at = max(at, slot.ends_at)
    return [*free, (at, window[1])] if at < window[1] else free


def always_on_duty() -> list[str]:
    wanted: list[str] = policy.current("ownership")["always_on_duty"]
    return wanted


def gap_words(role: str, gap: Span, window: Span) -> str:
    """In the reader's zone: “Nobody of Legal is on duty Saturday 18:00 to Sunday 08:00”."""
    who = f"Nobody of {Role(role).label} is on duty"
    begin, end = (timezone.localtime(edge) for edge in gap)
    if gap == window:
        return f"{who} in these days"
    if gap[1] == window[1]:
        return f"{who} from {begin:%A %H:%M} on"
    since = "until" if gap[0] == window[0] else f"{begin:%A %H:%M} to"
    return f"{who} {since} {end:%H:%M}" if begin.date() == end.date() else f"{who} {since} {end:%A %H:%M}"


def _cut(span: Span, window: Span) -> Span | None:
    begin, end = max(span[0], window[0]), min(span[1], window[1])
    return (begin, end) if begin < end else None
