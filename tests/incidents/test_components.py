"""What is affected from when to when, and milestones that were reached before they are noted."""

from datetime import timedelta

import pytest

from crisiscomms.models import AuditEvent
from crisiscomms.refusal import Conflict, Refused
from incidents import actions
from incidents.models import Incident
from tests import factories
from tests.conftest import NOW


@pytest.fixture
def incident(ada):
    return factories.make_incident(ada)


def texts(incident, verb):
    events = AuditEvent.objects.filter(chain=incident.ref, verb=verb).order_by("number")
    return [event.detail.text for event in events.select_related("detail")]


def minute(count):
    return NOW + timedelta(minutes=count)


def put(incident, component, state, by, *, now, since=None):
    actions.set_component_state(incident=incident, component=component, state=state, by=by, now=now, since=since)


def test_what_is_hit_later_is_hit_from_then_on_or_since_it_was(ada, incident):
    now_known, long_so = factories.make_component("Refunds"), factories.make_component("Wallets")

    put(incident, now_known, "degraded", ada, now=minute(30))
    put(incident, long_so, "outage", ada, now=minute(30), since=minute(10))

    began = dict(incident.component_states.values_list("component__name", "began_at"))
    assert (began["Refunds"], began["Wallets"]) == (minute(30), minute(10))
    assert texts(incident, "component.changed")[-2:] == [
        "Refunds is degraded", "Wallets is down since 17 Nov 13:19 UTC",
    ]  # fmt: skip


def test_when_it_began_is_corrected_by_saying_the_same_state_again(ada, incident):
    part = factories.make_component("Refunds")
    put(incident, part, "degraded", ada, now=minute(30))

    put(incident, part, "degraded", ada, now=minute(40), since=minute(20))
    put(incident, part, "working", ada, now=minute(50), since=minute(45))

    stay = incident.component_states.get(component=part)
    assert (stay.state, stay.began_at, stay.ended_at) == ("degraded", minute(20), minute(45))
    assert "Refunds is degraded since 17 Nov 13:29 UTC, not since 17 Nov 13:39 UTC" in texts(
        incident, "component.changed"
    )


@pytest.mark.parametrize("since", [20, 50])
def test_what_it_followed_upon_ends_with_the_correction_and_leaves_no_hole(since, ada, incident):
    part = factories.make_component("Refunds")
    put(incident, part, "degraded", ada, now=minute(10))
    put(incident, part, "outage", ada, now=minute(40))

    put(incident, part, "outage", ada, now=minute(60), since=minute(since))

    kept = incident.component_states.filter(component=part).order_by("pk").values_list("state", "began_at", "ended_at")
    assert list(kept) == [("degraded", minute(10), minute(since)), ("outage", minute(since), None)]
    with pytest.raises(Refused, match="Refunds changed at"):
        put(incident, part, "outage", ada, now=minute(60), since=minute(5))


@pytest.mark.parametrize(
    ("since", "words"),
    [(-61, "INC-1 began at"), (31, "in the future"), (15, "Refunds changed at 17 Nov 13:29 UTC last")],
)
def test_a_component_changes_within_the_incident_and_after_what_was_said_before(since, words, ada, incident):
    Incident.objects.filter(pk=incident.pk).update(began_at=minute(-60))
    part = factories.make_component("Refunds")
    put(incident, part, "degraded", ada, now=minute(20))

    with pytest.raises(Refused, match=words):
        put(incident, part, "outage", ada, now=minute(30), since=minute(since))


def test_a_time_to_the_minute_fits_what_happened_in_that_minute(ada, incident):
    exact = NOW + timedelta(seconds=40)
    Incident.objects.filter(pk=incident.pk).update(began_at=exact)
    part = factories.make_component("Refunds")

    put(incident, part, "degraded", ada, now=minute(30), since=NOW)

    assert incident.component_states.get(component=part).began_at == exact


def test_what_is_promised_from_a_milestone_counts_from_when_it_was_reached(ada, incident):
    actions.reach_milestone(incident=incident, kind="verified", by=ada, now=minute(60), since=minute(20))

    assert incident.milestones.get(kind="verified").reached_at == minute(20)
    assert incident.deadlines.get(kind="detailed").due_at == minute(20 + 240)
    assert texts(incident, "milestone.reached") == ["Milestone: verified, at 17 Nov 13:29 UTC"]
    with pytest.raises(Conflict, match="noted already: Verified"):
        actions.reach_milestone(incident=incident, kind="verified", by=ada, now=minute(60), since=minute(30))
    for since in (minute(61), NOW - timedelta(days=1)):
        with pytest.raises(Refused):
            actions.reach_milestone(incident=incident, kind="mitigated", by=ada, now=minute(60), since=since)


def test_component_states_are_intervals_that_stay(ada, incident):
    component = incident.component_states.get().component
    for minutes, state in [(5, "outage"), (5, "outage"), (20, "working"), (30, "degraded")]:
        when = NOW + timedelta(minutes=minutes)
        actions.set_component_state(incident=incident, component=component, state=state, by=ada, now=when)

    kept = incident.component_states.order_by("pk").values_list("state", "began_at", "ended_at")
    at = {minutes: NOW + timedelta(minutes=minutes) for minutes in (0, 5, 20, 30)}
    assert list(kept) == [("partial", at[0], at[5]), ("outage", at[5], at[20]), ("degraded", at[30], None)]
