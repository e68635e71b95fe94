"""The standing team, read for its pages: who is on duty now, the week, hours with nobody, who is away."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from crisiscomms.models import Role, User
from incidents.models import DutyHours, DutyShift
from incidents.team import duty, ownership
from incidents.team.duty import DAY, DEPARTMENTS, Slot, Span

DAYS = 7
# Hours with nobody that are said one by one; more of a department are counted.
SAID = 4


@dataclass
class DutyLine:
    """A department now: who is on duty, and who is there at all."""

    label: str
    slots: list[Slot]
    is_wanted: bool


@dataclass
class WeekCell:
    day: datetime
    slots: list[tuple[Slot, str]]
    is_empty: bool


@dataclass
class WeekLine:
    label: str
    cells: list[WeekCell]


@dataclass
class Gaps:
    label: str
    words: list[str]
    more: int = 0


@dataclass
class ActivityRow:
    label: str
    cells: list[tuple[str, str, str]] = field(default_factory=list)


def page(now: datetime) -> dict[str, Any]:
    """Days are the reader's own; today is the first."""
    people = list(User.objects.with_role(*DEPARTMENTS).select_related("deputy").order_by("name", "pk"))
    days = _days(now)
    window = (days[0], days[-1])
    slots = duty.slots(*window)
    wanted = duty.always_on_duty()
    here = [role for role in DEPARTMENTS if any(slot.role == role for slot in slots) or role in wanted]
    ready = duty.on_duty(now)
    return {
        "duty_lines": [
            DutyLine(str(Role(role).label), [one for one in ready if one.role == role], role in wanted) for role in here
        ],
        "week_days": days[:-1],
        "week_lines": [_week_line(role, slots, days, is_wanted=role in wanted) for role in here],
        "gaps": [one for role in here if role in wanted for one in [_gaps(role, slots, now, window)] if one.words],
        "people": people,
        "away": [one for one in people if one.out_until and one.out_until > now and _soon(one, window[1])],
        "has_hours": bool(slots) or DutyHours.objects.exists() or DutyShift.objects.filter(ends_at__gt=now).exists(),
    }


def _soon(person: User, until: datetime) -> bool:
    return person.out_from is not None and person.out_from < until


def _days(now: datetime) -> list[datetime]:
    """The beginnings of today and the days after it, and the end of the last, in the reader's zone."""
    zone = timezone.get_current_timezone()
    today = timezone.localtime(now).date()
    place = zone if isinstance(zone, ZoneInfo) else ZoneInfo("UTC")
    return [duty.moment(today + n * DAY, datetime.min.time(), place) for n in range(DAYS + 1)]


def _week_line(role: str, slots: list[Slot], days: list[datetime], *, is_wanted: bool) -> WeekLine:
    cells = []
    for begin, end in pairwise(days):
        of_day = [one for one in slots if one.role == role and one.begins_at < end and one.ends_at > begin]
        cut = [
            Slot(one.role, one.person, max(one.begins_at, begin), min(one.ends_at, end), one.for_whom) for one in of_day
        ]
        cells.append(WeekCell(begin, [(one, _hours(one, (begin, end))) for one in cut], is_wanted and not cut))
    return WeekLine(str(Role(role).label), cells)


def _hours(slot: Slot, day: Span) -> str:
    if (slot.begins_at, slot.ends_at) == day:
        return "all day"
    until = "24:00" if slot.ends_at == day[1] else f"{timezone.localtime(slot.ends_at):%H:%M}"
    return f"{timezone.localtime(slot.begins_at):%H:%M}–{until}"


def _gaps(role: str, slots: list[Slot], now: datetime, window: Span) -> Gaps:
    """From now on: what is past cannot be mended."""
    ahead = (now.replace(), window[1])
    found = duty.gaps(slots, role, ahead)
    words = [duty.gap_words(role, gap, ahead) for gap in found[:SAID]]
    return Gaps(str(Role(role).label), words, max(0, len(found) - SAID))


def duty_page(person: User, now: datetime) -> dict[str, Any]:
    """One person's hours, and what comes of them in the next two weeks."""
    slots = [one for one in duty.slots(now, now + timedelta(days=14)) if person in (one.person, one.for_whom)]
    return {
        "person": person,
        "hours": person.duty_hours.all(),
        "shifts": person.duty_shifts.filter(ends_at__gt=now),
        "coming": slots[:20],
    }


def ownership_page() -> dict[str, Any]:
    """The matrix both ways: a row per activity for wide pages and paper, a block per department for the phone."""
    activities = ownership.activities()
    departments = [role for role in Role.values if any(role in one.parts for one in activities)]
    rows = [
        ActivityRow(
            one.label, [(str(Role(d).label), one.parts.get(d, ""), _part(one.parts.get(d))) for d in departments]
        )
        for one in activities
    ]
    blocks = [
        (str(Role(department).label), [(words, _of(department, part)) for part, words in ownership.PARTS.items()])
        for department in departments
    ]
    return {
        "rows": rows,
        "departments": [str(Role(one).label) for one in departments],
        "blocks": [(label, [(words, of) for words, of in parts if of]) for label, parts in blocks],
        "incident_roles": ownership.roles(),
    }


def _part(part: str | None) -> str:
    return ownership.PARTS[part] if part else ""


def _of(department: str, part: str) -> list[str]:
    return [one.label for one in ownership.activities() if one.parts.get(department) == part]
