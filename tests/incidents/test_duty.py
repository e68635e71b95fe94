"""Duty hours: by each person's clock, also in the nights when it is changed, and the hours that nobody has."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from incidents.models import DutyHours, DutyShift
from incidents.team import duty
from tests import factories

SUN = 6


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(begin, end):
    return (utc(begin), utc(end))


# Zone, the local night, hours on Sunday, and when that is in UTC: written by hand from the zones' own tables.
NIGHTS = [
    # Berlin, 29 March 2026: 02:00 CET becomes 03:00 CEST (01:00 UTC).
    ("Europe/Berlin", "2026-03-29", "00:00", "06:00", ("2026-03-28T23:00", "2026-03-29T04:00")),
    ("Europe/Berlin", "2026-03-29", "01:00", "02:30", ("2026-03-29T00:00", "2026-03-29T01:00")),
    ("Europe/Berlin", "2026-03-29", "02:30", "09:00", ("2026-03-29T01:00", "2026-03-29T07:00")),
    ("Europe/Berlin", "2026-03-29", "02:15", "02:45", None),
    # Berlin, 25 October 2026: 03:00 CEST becomes 02:00 CET (01:00 UTC).
    ("Europe/Berlin", "2026-10-25", "00:00", "06:00", ("2026-10-24T22:00", "2026-10-25T05:00")),
    ("Europe/Berlin", "2026-10-25", "00:00", "02:30", ("2026-10-24T22:00", "2026-10-25T00:30")),
    ("Europe/Berlin", "2026-10-25", "02:30", "09:00", ("2026-10-25T00:30", "2026-10-25T08:00")),
    # New York, 8 March 2026: 02:00 EST becomes 03:00 EDT (07:00 UTC); 1 November: 02:00 EDT becomes 01:00 EST (06:00 UTC).
    ("America/New_York", "2026-03-08", "00:00", "08:00", ("2026-03-08T05:00", "2026-03-08T12:00")),
    ("America/New_York", "2026-03-08", "02:20", "08:00", ("2026-03-08T07:00", "2026-03-08T12:00")),
    ("America/New_York", "2026-11-01", "00:00", "08:00", ("2026-11-01T04:00", "2026-11-01T13:00")),
    ("America/New_York", "2026-11-01", "01:30", "08:00", ("2026-11-01T05:30", "2026-11-01T13:00")),
    # Lord Howe moves by half an hour. 4 October 2026: 02:00 +10:30 becomes 02:30 +11 (15:30 UTC the day before).
    ("Australia/Lord_Howe", "2026-10-04", "00:00", "08:00", ("2026-10-03T13:30", "2026-10-03T21:00")),
    ("Australia/Lord_Howe", "2026-10-04", "02:10", "08:00", ("2026-10-03T15:30", "2026-10-03T21:00")),
    # 5 April 2026: 02:00 +11 becomes 01:30 +10:30 (15:00 UTC the day before).
    ("Australia/Lord_Howe", "2026-04-05", "00:00", "08:00", ("2026-04-04T13:00", "2026-04-04T21:30")),
    ("Australia/Lord_Howe", "2026-04-05", "01:45", "08:00", ("2026-04-04T14:45", "2026-04-04T21:30")),
]


@pytest.mark.parametrize(("zone", "day", "begins", "ends", "wanted"), NIGHTS)
def test_weekly_hours_are_right_in_the_nights_when_the_clock_is_changed_D14(zone, day, begins, ends, wanted):
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo(zone))
    around = (noon - timedelta(days=1), noon + timedelta(days=1))

    found = duty.spans_of(SUN, time.fromisoformat(begins), time.fromisoformat(ends), ZoneInfo(zone), around)

    assert found == ([tuple(map(utc, wanted))] if wanted else [])


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kolkata"])
def test_later_by_the_clock_is_never_earlier_in_time_on_any_night_of_a_year(zone):
    for day in (date(2026, 1, 1) + timedelta(days=n) for n in range(365)):
        around_the_change = [
            duty.moment(day, time(hour, minute), ZoneInfo(zone)) for hour in (1, 2, 3) for minute in range(0, 60, 15)
        ]
        assert around_the_change == sorted(around_the_change)


def test_hours_over_midnight_and_whole_days():
    week = window("2026-11-16T00:00", "2026-11-23T00:00")
    place = ZoneInfo("UTC")

    assert duty.spans_of(4, time(18), time(8), place, week) == [window("2026-11-20T18:00", "2026-11-21T08:00")]
    assert duty.spans_of(0, time(0), time(0), place, week) == [window("2026-11-16T00:00", "2026-11-17T00:00")]
    # The night before the window began is still going on in it; the last one is cut at its end.
    assert duty.spans_of(6, time(20), time(4), place, week) == [
        window("2026-11-16T00:00", "2026-11-16T04:00"),
        window("2026-11-22T20:00", "2026-11-23T00:00"),
    ]


@pytest.fixture
def people(policies):
    return {
        "nadia": factories.make_user("nadia", roles=["legal"]),
        "omar": factories.make_user("omar", roles=["legal"], time_zone="America/New_York"),
    }


def weekly(person, role, days, begins, ends):
    for day in days:
        DutyHours.objects.create(person=person, role=role, weekday=day, begins=begins, ends=ends)


# Nadia in Berlin (UTC+1): Monday to Friday 08:00 to 18:00. Omar in New York (UTC-5): the same by his clock, so
# 14:00 to 00:00 in Berlin. Nadia takes Saturday 10:00 to 18:00 once. By Berlin's clock, written by hand:
GAPS = [
    ("2026-11-16T00:00", "2026-11-16T08:00"),
    ("2026-11-17T00:00", "2026-11-17T08:00"),
    ("2026-11-18T00:00", "2026-11-18T08:00"),
    ("2026-11-19T00:00", "2026-11-19T08:00"),
    ("2026-11-20T00:00", "2026-11-20T08:00"),
    ("2026-11-21T00:00", "2026-11-21T10:00"),
    ("2026-11-21T18:00", "2026-11-23T00:00"),
]


def berlin(text):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


@pytest.fixture
def week(people):
    weekly(people["nadia"], "legal", range(5), time(8), time(18))
    weekly(people["omar"], "legal", range(5), time(8), time(18))
    DutyShift.objects.create(
        person=people["nadia"],
        role="legal",
        begins_at=berlin("2026-11-21T10:00"),
        ends_at=berlin("2026-11-21T18:00"),
    )
    return (berlin("2026-11-16T00:00"), berlin("2026-11-23T00:00"))


def test_gaps_are_the_hours_of_the_table(week):
    found = duty.gaps(duty.slots(*week), "legal", week)

    assert found == [(berlin(begin), berlin(end)) for begin, end in GAPS]
    assert duty.gaps(duty.slots(*week), "security", week) == [week]


def test_a_gap_is_said_in_words(week):
    with timezone.override("Europe/Berlin"):
        words = [duty.gap_words("legal", gap, week) for gap in duty.gaps(duty.slots(*week), "legal", week)]
        inside = duty.gap_words("legal", (berlin("2026-11-21T18:00"), berlin("2026-11-22T08:00")), week)

    assert words[:2] == [
        "Nobody of Legal is on duty until 08:00",
        "Nobody of Legal is on duty Tuesday 00:00 to 08:00",
    ]
    assert words[-1] == "Nobody of Legal is on duty from Saturday 18:00 on"
    assert inside == "Nobody of Legal is on duty Saturday 18:00 to Sunday 08:00"
    assert duty.gap_words("legal", week, week) == "Nobody of Legal is on duty in these days"


@pytest.mark.parametrize("change", [{"is_active": False}, {"roles": ["product"]}])
def test_who_lost_access_or_the_role_counts_for_nothing_X8(week, people, change):
    for name, value in change.items():
        setattr(people["nadia"], name, value)
    people["nadia"].save()

    assert {slot.person for slot in duty.slots(*week)} == {people["omar"]}


def test_the_deputy_stands_in_while_somebody_is_away(week, people):
    nadia, omar = people["nadia"], people["omar"]
    nadia.out_from, nadia.out_until = berlin("2026-11-17T12:00"), berlin("2026-11-18T10:00")
    nadia.save()
    tuesday = (berlin("2026-11-17T08:00"), berlin("2026-11-17T13:00"))
    alone = [(slot.person.name, slot.ends_at) for slot in duty.slots(*tuesday)]

    nadia.deputy = factories.make_user("dana", roles=["product"])
    nadia.save()
    with_deputy = duty.slots(*tuesday)

    assert alone == [("Nadia", berlin("2026-11-17T12:00"))]
    assert [(slot.person.name, str(slot.for_whom)) for slot in with_deputy] == [("Nadia", "None"), ("Dana", "Nadia")]
    assert omar not in duty.people_on_duty(berlin("2026-11-17T12:30"), "legal")
    # A deputy who is away at the same time helps nobody.
    nadia.deputy.out_from, nadia.deputy.out_until = nadia.out_from, nadia.out_until
    nadia.deputy.save()
    assert [slot.person.name for slot in duty.slots(*tuesday)] == ["Nadia"]


def test_on_duty_now_names_each_person_once_per_role(week, people):
    DutyShift.objects.create(
        person=people["nadia"],
        role="legal",
        begins_at=berlin("2026-11-17T07:00"),
        ends_at=berlin("2026-11-17T20:00"),
    )

    found = duty.on_duty(berlin("2026-11-17T15:00"))

    assert [slot.person.name for slot in found] == ["Nadia", "Omar"]
    assert duty.on_duty(berlin("2026-11-22T15:00")) == []
