"""Thirty days of each severity, minute by minute, against a table written out here and not by the planning code."""

import random
from datetime import timedelta

import pytest

from crisiscomms.models import Notice
from incidents import deadlines
from incidents.models import Deadline
from tests import factories
from tests.conftest import NOW

MONTH = 30 * 24 * 60
# By hand, from the domain page: first word, pace, the earlier end of the window, how long ahead the owner is warned.
PACE = {"critical": (60, 60, None, 10), "major": (90, 240, 120, 15), "minor": (120, 1440, None, 60)}
# Who hears how long after a time passed. Ada owns it.
LATE = ((0, "Ada"), (10, "Dan"), (10, "Pia"), (30, "Ben"))


def words(severity, seed):
    """When people write, and what they promise: some in time, some late, some with a promise, some right after another."""
    chance, (first, pace, _, _) = random.Random(seed), PACE[severity]
    minute, said = first - 20, []
    while minute < MONTH:
        promise = minute + chance.choice([5, pace // 2, pace]) if chance.random() < 0.4 else None
        said.append((minute, promise))
        minute += round(pace * chance.choice([0.02, 0.5, 0.9, 1, 1, 1.2, 3, 6]))
    return said


def table(severity, said):
    """Each minute of the month: who hears what about the first word and the next update."""
    first, pace, window, ahead = PACE[severity]
    heard, ends = set(), dict(said)
    acknowledged, due, written_at = False, first + pace, 0
    for minute in range(MONTH + 1):
        if minute in ends:
            acknowledged, written_at = True, minute
            due = ends[minute] if ends[minute] is not None else minute + pace
        kinds = [("update", due, written_at)] + ([] if acknowledged else [("acknowledge", first, 0)])
        for kind, by, planned in kinds:
            warn = max(by - ahead, planned)
            if minute == warn:
                heard.add((minute, kind, "deadline_soon", "Ada"))
            # The window's earlier end counts back from when it is due by the pace.
            if kind == "update" and window and minute == by - pace + window and planned < minute < warn:
                heard.add((minute, kind, "deadline_remind", "Ada"))
            heard |= {(minute, kind, "deadline_missed", name) for after, name in LATE if minute == by + after}
    return heard


@pytest.fixture
def crew(ada, ben):
    ada.deputy = factories.make_user("dan", roles=["support"])
    ada.save()
    factories.make_user("pia", roles=["product_marketing"])
    return ada


@pytest.mark.slow
@pytest.mark.parametrize("severity", PACE)
def test_a_month_of_it_is_as_the_table_says_in_each_minute(crew, severity):
    said = words(severity, seed=4)
    incident = factories.make_incident(crew, severity=severity)
    # The draft that a warning prepares is another test's; one stands there already.
    factories.make_message(incident, crew)
    Notice.objects.all().delete()

    for minute, promise in [*said, (MONTH, None)]:
        let_pass_until(minute)
        if minute < MONTH:
            promised = at(promise) if promise is not None else None
            factories.say(incident, at=at(minute), promise=promised)
            deadlines.tick(now=at(minute))

    assert heard_of(incident) == table(severity, said)


def at(minute):
    return NOW + timedelta(minutes=minute)


def let_pass_until(minute):
    """From one moment at which the clock has something to do to the next; what a person does at a minute comes first."""
    while True:
        due = Deadline.objects.filter(next_action_at__isnull=False).order_by("next_action_at").first()
        last = minute == MONTH
        if due is None or due.next_action_at > at(minute) or (due.next_action_at == at(minute) and not last):
            return
        deadlines.tick(now=due.next_action_at)


def heard_of(incident):
    kinds = dict(Deadline.objects.filter(incident=incident).values_list("pk", "kind"))
    rows = Notice.objects.filter(kind__startswith="deadline_").select_related("person")
    return {
        (int((row.created_at - NOW).total_seconds() // 60), kinds[row.context["deadline"]], row.kind, row.person.name)
        for row in rows
    }


def test_the_table_itself_is_right_where_it_can_be_read():
    said = [(40, None), (100, 130)]

    first_hours = sorted(event for event in table("critical", said) if event[0] <= 145)

    assert first_hours == [
        (90, "update", "deadline_soon", "Ada"),
        # Written at 100, when it was due: nobody is told that it is late.
        (120, "update", "deadline_soon", "Ada"),
        (130, "update", "deadline_missed", "Ada"),
        (140, "update", "deadline_missed", "Dan"),
        (140, "update", "deadline_missed", "Pia"),
    ]
