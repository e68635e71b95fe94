"""D11 to D14: the clock survives lost brokers, silence, two beats, wrong machine clocks, and the nights of a clock change."""

import ast
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.cache import cache

from crisiscomms import clock, digest
from crisiscomms.models import AuditEvent, Notice, NoticeChoice
from incidents import actions, deadlines, mails, tasks
from incidents.models import Deadline
from tests import factories
from tests.conftest import NOW

# The evening before, in UTC.
NIGHTS = [
    ("Europe/Berlin", datetime(2026, 10, 24, 20, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2027, 3, 27, 20, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2027, 3, 14, 2, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 11, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2027, 4, 3, 10, tzinfo=UTC)),
]
HOUR = timedelta(hours=1)


def resolved(by):
    incident = factories.make_incident(by)
    for to in ("management", "resolution"):
        actions.move_phase(incident_id=incident.pk, to=to, by=by, now=NOW, waive_reason="Not today")
    incident.deadlines.exclude(kind="recovery_task").open().update(next_action_at=NOW + timedelta(days=999))
    Notice.objects.all().delete()
    return incident


def test_each_reminder_of_ninety_days_fires_once_on_its_day_with_redis_lost_between_D11(ada):
    incident = resolved(ada)
    wanted = {task.pk: task.due_at - timedelta(days=3) for task in incident.deadlines.filter(kind="recovery_task")}

    told = {}
    for day in range(91):
        cache.clear()
        for moment in (NOW + timedelta(days=day), NOW + timedelta(days=day, hours=12)):
            with clock.at(moment):
                tasks.tick()
            for notice in Notice.objects.filter(kind="deadline_soon", created_at=moment):
                told.setdefault(notice.context["deadline"], []).append(moment)

    assert told == {pk: [max(at, NOW)] for pk, at in wanted.items()}


def test_no_moment_waits_in_the_broker_D11():
    """An ETA would be lost with Redis, and fire several times when it is long. What is due stands in rows."""
    for path in Path(settings.BASE_DIR).glob("*/**/*.py"):
        if ".venv" in path.parts or "tests" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                assert not {"eta", "countdown"} & {word.arg for word in node.keywords}, f"{path} {node.lineno}"


@pytest.mark.parametrize("hours", [2, 5])
def test_silent_over_several_slots_one_late_word_says_how_late_D12(ada, hours):
    incidents = [factories.make_incident(ada, severity="critical") for _ in range(3)]
    for incident in incidents:
        factories.make_message(incident, ada)
        factories.say(incident, at=NOW)
    Notice.objects.all().delete()

    back = NOW + HOUR + timedelta(hours=hours)
    for _ in range(3):
        deadlines.tick(now=back)

    for incident in incidents:
        late = incident.deadlines.get(kind="update", state="missed")
        (notice,) = Notice.objects.filter(kind="deadline_missed", person=ada, context__deadline=late.pk)
        mail = mails.clock.deadline_missed(notice, back)
        assert mail.paragraphs[0].replace("\u00a0", " ") == f"It is {hours} h late."
        (entry,) = AuditEvent.objects.filter(chain=incident.ref, verb="deadline.missed")
        assert entry.detail.text.endswith(f"noticed {hours * 60} min late")


def test_two_beats_act_once_in_each_slot_D13(ada):
    incident = factories.make_incident(ada, severity="critical")
    factories.make_message(incident, ada)
    for minutes in range(0, 200, 5):
        for _ in range(2):
            deadlines.tick(now=NOW + timedelta(minutes=minutes))

    told = list(Notice.objects.filter(kind__startswith="deadline_").values_list("person", "kind", "key"))
    assert len(told) == len(set(told)) == 4
    assert AuditEvent.objects.filter(verb="deadline.missed").count() == 2


@pytest.mark.parametrize("off", [2 * HOUR, -2 * HOUR])
def test_the_clock_of_the_machine_does_not_matter_D14(ada, monkeypatch, off):
    """A worker whose clock is two hours off: what it handles is what is due by the database's clock."""
    token = clock._set.set(None)
    try:
        real = clock.now()
        shifted = time.time() + off.total_seconds()
        monkeypatch.setattr(time, "time", lambda: shifted)
        incident = factories.make_incident(ada, discovered_at=real - timedelta(minutes=80), now=real)
        later = factories.make_incident(ada, discovered_at=real - timedelta(minutes=10), now=real)

        tasks.tick()
    finally:
        clock._set.reset(token)

    assert incident.deadlines.get(kind="acknowledge").warned_at is not None
    assert later.deadlines.get(kind="acknowledge").warned_at is None
    assert incident.deadlines.get(kind="acknowledge").state == "pending"


@pytest.mark.parametrize(("zone", "evening"), NIGHTS)
def test_an_hourly_pace_neither_skips_nor_doubles_in_the_night_of_a_change_D14(ada, zone, evening):
    ada.time_zone = zone
    ada.save()
    assert len({(evening + n * HOUR).astimezone(ZoneInfo(zone)).utcoffset() for n in range(12)}) == 2
    incident = factories.make_incident(ada, severity="critical", discovered_at=evening, now=evening)
    factories.make_message(incident, ada)

    due = []
    for n in range(12):
        factories.say(incident, at=evening + n * HOUR)
        due.append(incident.deadlines.open().get(kind="update").due_at)

    assert [later - sooner for sooner, later in pairwise(due)] == [HOUR] * 11
    assert due[0] == evening + HOUR


@pytest.mark.parametrize(("zone", "evening"), NIGHTS)
def test_what_comes_at_a_local_hour_comes_once_a_day_over_a_change_D14(ada, zone, evening):
    ada.time_zone = zone
    ada.save()
    NoticeChoice.objects.create(person=ada, daily_since=evening - timedelta(days=2))

    made = []
    for n in range(3 * 24 * 4):
        moment = evening + n * timedelta(minutes=15)
        made += [moment.astimezone(ZoneInfo(zone))] * digest.make_due(now=moment)

    days = [moment.date() for moment in made[1:]]
    assert len(days) == len(set(days)) == 3
    assert all(moment.hour == digest.HOUR and moment.minute < 15 for moment in made[1:])


def test_what_was_planned_is_kept_when_a_worker_dies_between_claim_and_commit(ada, monkeypatch):
    """A tick that is killed leaves nothing half done: the next one finds the same rows."""
    incident = factories.make_incident(ada)
    Notice.objects.all().delete()
    before = list(Deadline.objects.order_by("pk").values())

    def killed(moved, columns):
        raise KeyboardInterrupt

    monkeypatch.setattr(deadlines.ticking, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        deadlines.tick(now=NOW + timedelta(minutes=100))

    assert list(Deadline.objects.order_by("pk").values()) == before
    assert not Notice.objects.exists() and not incident.messages.exists()
