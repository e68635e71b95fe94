"""Duty hours: an administrator sets them for everybody, and everybody for themselves."""

from datetime import datetime, time, timedelta

from django.db import transaction

from crisiscomms import audit
from crisiscomms.models import Role, User
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents.models import DutyHours, DutyShift, Weekday
from incidents.team.duty import DEPARTMENTS

MOST_HOURS, MOST_SHIFTS, LONGEST = 80, 200, timedelta(days=31)


def may_edit(by: User, person: User) -> bool:
    return by.is_active and (by == person or by.has_role(Role.ADMINISTRATOR))


@transaction.atomic
def add_duty_hours(
    *, person: User, role: str, weekdays: list[int], begins: time, ends: time, by: User, now: datetime
) -> list[DutyHours]:
    """On duty on these days of every week, by the person's own clock. Raises Refused for hours that stand there."""
    _begin(person, role, by)
    if not weekdays or not set(weekdays) <= set(Weekday.values):
        raise Refused("Choose at least one day of the week.")
    days = sorted(set(weekdays))
    there = DutyHours.objects.filter(person=person, role=role, weekday__in=days, begins=begins).first()
    if there is not None:
        raise Refused(f"Hours that begin then stand there already: {there}. Remove them first.")
    if person.duty_hours.count() + len(days) > MOST_HOURS:
        raise Refused(f"One person may have {MOST_HOURS} lines of hours at most.")
    made = [DutyHours.objects.create(person=person, role=role, weekday=day, begins=begins, ends=ends) for day in days]
    said = ", ".join(str(Weekday(day).label) for day in days)
    _say(person, f"on duty for {Role(role).label} {said}, {begins:%H:%M} to {ends:%H:%M}", by, now)
    return made


@transaction.atomic
def add_duty_shift(
    *, person: User, role: str, begins_at: datetime, ends_at: datetime, by: User, now: datetime
) -> DutyShift:
    """On duty once, from a moment to a moment."""
    _begin(person, role, by)
    if ends_at <= begins_at:
        raise Refused("The end has to be after the beginning.")
    if ends_at <= now:
        raise Refused("This lies in the past.")
    if ends_at - begins_at > LONGEST:
        raise Refused(f"A shift may last {LONGEST.days} days at most. Use weekly hours for what repeats.")
    if DutyShift.objects.filter(person=person, role=role, begins_at=begins_at).exists():
        raise Refused("A shift that begins then stands there already. Remove it first.")
    if person.duty_shifts.filter(ends_at__gt=now).count() >= MOST_SHIFTS:
        raise Refused(f"One person may have {MOST_SHIFTS} coming shifts at most.")
    made = DutyShift.objects.create(person=person, role=role, begins_at=begins_at, ends_at=ends_at)
    _say(person, f"on duty for {Role(role).label} {begins_at:%-d %B %H:%M} to {ends_at:%-d %B %H:%M} UTC", by, now)
    return made


@transaction.atomic
def remove_duty_hours(*, hours_id: int, by: User, now: datetime) -> User:
    """Returns whose they were."""
    audit.hold(audit.INSTALLATION)
    found = DutyHours.objects.select_related("person").filter(pk=hours_id).first()
    if found is None:
        raise Conflict("These hours are gone already.")
    _require(found.person, by)
    found.delete()
    _say(found.person, f"no longer on duty for {Role(found.role).label} {found}", by, now)
    return found.person


@transaction.atomic
def remove_duty_shift(*, shift_id: int, by: User, now: datetime) -> User:
    """Returns whose it was."""
    audit.hold(audit.INSTALLATION)
    found = DutyShift.objects.select_related("person").filter(pk=shift_id).first()
    if found is None:
        raise Conflict("This shift is gone already.")
    _require(found.person, by)
    found.delete()
    words = f"{found.begins_at:%-d %B %H:%M} to {found.ends_at:%-d %B %H:%M} UTC"
    _say(found.person, f"no longer on duty for {Role(found.role).label} {words}", by, now)
    return found.person


def _begin(person: User, role: str, by: User) -> None:
    _require(person, by)
    # Two who add at once come one after the other, so the bounds and “stands there already” hold.
    audit.hold(audit.INSTALLATION)
    if role not in DEPARTMENTS or not person.has_role(role):
        raise Refused(f"{person} has no duty of this kind. Choose one of their departments.")


def _require(person: User, by: User) -> None:
    if not may_edit(by, person):
        raise NotAllowed(f"{person} says when they are on duty, or an administrator does.")


def _say(person: User, text: str, by: User, now: datetime) -> None:
    audit.record(
        chain=audit.INSTALLATION,
        verb="duty.changed",
        subject=f"person:{person.pk}",
        text=f"{person}: {text}",
        by=by,
        now=now,
    )
