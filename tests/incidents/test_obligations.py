"""What follows from what: planned once, moved when its event changes, kept as a person left it, whatever the order."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crisiscomms import policy
from crisiscomms.models import AuditEvent
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import actions, deadlines
from incidents.clock import obligations
from incidents.models import Deadline, Incident
from tests import factories
from tests.conftest import NOW


def at(minutes):
    return NOW + timedelta(minutes=minutes)


def open_of(incident):
    rows = Deadline.objects.open().filter(incident=incident)
    return {(one.kind, one.subject): int((one.due_at - NOW).total_seconds() // 60) for one in rows}


@pytest.fixture
def incident(ada):
    return factories.make_incident(ada)


def go(incident, *phases, now=NOW, by):
    for to in phases:
        actions.move_phase(incident_id=incident.pk, to=to, by=by, now=now, waive_reason="Not today")
    incident.refresh_from_db()


def test_a_word_from_before_it_was_noted_did_not_tell_a_milestone(ada, incident):
    factories.say(incident, at=at(60), promise=at(400))

    actions.reach_milestone(incident=incident, kind="root_cause", by=ada, now=at(120), since=at(10))

    assert ("milestone", "root_cause") in open_of(incident)
    factories.say(incident, at=at(130), promise=at(400))
    assert ("milestone", "root_cause") not in open_of(incident)


def test_what_a_step_back_undid_is_reached_again_after_it(ada, incident):
    go(incident, "management", by=ada)
    actions.reach_milestone(incident=incident, kind="mitigated", by=ada, now=at(20))
    go(incident, "resolution", now=at(30), by=ada)
    go(incident, "management", now=at(60), by=ada)

    with pytest.raises(Refused, match="went back to management"):
        actions.reach_milestone(incident=incident, kind="mitigated", by=ada, now=at(90), since=at(50))
    actions.reach_milestone(incident=incident, kind="mitigated", by=ada, now=at(90), since=at(70))
    actions.reach_milestone(incident=incident, kind="root_cause", by=ada, now=at(90), since=at(5))


# By hand, from the domain page and the shipped policy, in minutes after declaring at discovery.
@pytest.mark.parametrize(
    ("severity", "acknowledge", "update"), [("critical", 60, 120), ("major", 90, 330), ("minor", 120, 1560)]
)
def test_declaring_starts_the_first_word_and_the_pace_after_it(ada, severity, acknowledge, update):
    incident = factories.make_incident(ada, severity=severity)

    assert open_of(incident) == {("acknowledge", ""): acknowledge, ("update", ""): update}


@pytest.mark.parametrize(
    ("severity", "explanation", "analysis", "told"),
    [("critical", 2, 2, 60), ("major", 3, 2, 240), ("minor", 5, 2, 1440)],
)
def test_resolving_starts_explanation_analysis_and_the_word_that_it_is_over(ada, severity, explanation, analysis, told):
    incident = factories.make_incident(ada, severity=severity)
    factories.say(incident, at=NOW, promise=at(30))

    go(incident, "management", "resolution", by=ada)

    found = open_of(incident)
    day = 24 * 60
    assert found[("explanation", "")] == explanation * day and found[("analysis", "")] == analysis * day
    assert found[("milestone", "resolved")] == told and found[("update", "")] == 30


@pytest.mark.parametrize("kind", ["root_cause", "mitigated", "analysis"])
def test_each_milestone_opens_the_duty_to_tell_and_a_detailed_word_does_for_it(ada, incident, kind):
    actions.reach_milestone(incident=incident, kind=kind, by=ada, now=at(10))
    minutes = {"analysis": 1440}.get(kind, 240)
    assert open_of(incident)[("milestone", kind)] == 10 + minutes

    factories.say(incident, at=at(20), is_detailed=False)
    assert ("milestone", kind) in open_of(incident)
    factories.say(incident, at=at(30))

    done = incident.deadlines.get(kind="milestone", subject=kind)
    assert (done.state, done.met_at) == ("met", at(30))


def test_going_back_to_management_rests_what_followed_and_it_is_earned_anew(ada, incident):
    go(incident, "management", "resolution", by=ada)
    factories.say(incident, at=at(5), says_resolved=True)
    assert ("update", "") not in open_of(incident)

    go(incident, "management", now=at(100), by=ada)

    assert open_of(incident) == {("update", ""): 340}
    waived = incident.deadlines.filter(state="waived", kind="explanation").get()
    assert waived.waived_reason == "The incident went back to management."
    go(incident, "resolution", now=at(200), by=ada)
    assert open_of(incident)[("explanation", "")] == 200 + 3 * 24 * 60


def test_a_promise_takes_the_place_of_the_pace(ada, incident):
    factories.say(incident, at=at(10), promise=at(50))
    assert open_of(incident)[("update", "")] == 50
    factories.say(incident, at=at(40))
    assert open_of(incident)[("update", "")] == 280


@pytest.mark.parametrize(("was_approved", "due"), [(True, 600), (False, 250)])
def test_a_promise_beyond_the_pace_counts_only_if_it_was_approved(ada, incident, was_approved, due):
    factories.say(incident, at=at(10), promise=at(600), was_approved=was_approved)

    assert open_of(incident)[("update", "")] == due


def test_the_same_promise_again_is_another_clock(ada, incident):
    factories.say(incident, at=at(10), promise=at(50))
    factories.say(incident, at=at(40), promise=at(50))

    assert open_of(incident)[("update", "")] == 50
    assert incident.deadlines.filter(kind="update", state="met").count() == 2


REGIONS = [
    ("security_incident", ["EU"], {"eu_personal_data": 72, "eu_early_warning": 24}),
    ("security_incident", ["UK"], {"uk_personal_data": 72}),
    ("security_incident", ["EU", "US"], {"eu_personal_data": 72, "eu_early_warning": 24, "us_states": 240}),
    ("security_incident", [], {"eu_personal_data": 72, "eu_early_warning": 24}),
    ("compliance_failure", ["EU"], {"eu_compliance": 72}),
    ("service_disruption", ["EU", "UK", "US"], {}),
]


@pytest.mark.parametrize(("kind", "regions", "hours"), REGIONS)
def test_duties_to_regulators_follow_from_kind_and_region_and_are_legals(ada, kind, regions, hours):
    lea = factories.make_user("lea", roles=["legal"])
    incident = factories.make_incident(ada, kind=kind)

    actions.set_regions(incident_id=incident.pk, regions=regions, by=ada, now=NOW)

    found = Deadline.objects.open().filter(incident=incident, kind="regulatory")
    assert {one.subject: (one.due_at - NOW) / timedelta(hours=1) for one in found} == hours
    assert {one.owner for one in found} <= {lea}


def test_standing_down_is_quiet(ada, incident):
    actions.stand_down(incident_id=incident.pk, reason="A test that ran in the wrong place", by=ada, now=at(5))

    assert open_of(incident) == {}
    assert deadlines.tick(now=at(9999)) == 0


def test_a_watch_item_has_no_clock_of_customers_and_comes_back_to_be_looked_at(ada, incident):
    Deadline.objects.all().delete()
    incident.phase = "pre_crisis"

    obligations.renew(incident, now=NOW)

    assert open_of(incident) == {("review", ""): 24 * 60}
    review = incident.deadlines.get()
    deadlines.meet(incident=incident, kind="review", now=at(60))
    obligations.renew(incident, now=at(60))
    assert open_of(incident) == {("review", ""): 25 * 60} and review.pk != incident.deadlines.open().get().pk


def test_what_a_person_moved_or_waived_stays_until_its_event_changes(ada, incident):
    factories.say(incident, at=at(10))
    clock = incident.deadlines.open().get(kind="update")
    actions.snooze_deadline(deadline_id=clock.pk, reason="They sleep", due_at=at(400), by=ada, now=at(11))

    obligations.renew(incident, now=at(12))
    assert open_of(incident)[("update", "")] == 400
    actions.waive_deadline(deadline_id=clock.pk, reason="They know", by=ada, now=at(13))
    obligations.renew(incident, now=at(14))
    assert ("update", "") not in open_of(incident)

    factories.say(incident, at=at(20))
    assert open_of(incident)[("update", "")] == 260


def change_pace(minutes):
    rules = policy.current("incidents")
    rules["severities"]["major"]["cadence_minutes"] = minutes
    rules["severities"]["major"]["cadence_remind_minutes"] = None
    policy.replace(key="incidents", data=rules, by=None, now=at(30))


def test_an_incident_keeps_its_rules_until_somebody_plans_it_anew(ada, incident):
    change_pace(100)
    factories.say(incident, at=at(40))
    assert open_of(incident)[("update", "")] == 280
    fresh = factories.make_incident(ada)
    factories.say(fresh, at=at(40))
    assert open_of(fresh)[("update", "")] == 140

    changes = obligations.preview(incident)
    assert [(one.title, one.before, one.after) for one in changes] == [("Next update to customers", at(280), at(140))]
    assert open_of(incident)[("update", "")] == 280
    actions.replan_clocks(incident_id=incident.pk, seen=obligations.versions(), by=ada, now=at(50))

    assert open_of(incident)[("update", "")] == 140
    text = AuditEvent.objects.get(chain=incident.ref, verb="clocks.replanned").detail.text
    assert "Next update to customers now due" in text


def test_planning_anew_by_rules_that_nobody_looked_at_is_refused(ada, incident):
    seen = obligations.versions()
    change_pace(100)

    with pytest.raises(Conflict, match="changed after you looked"):
        actions.replan_clocks(incident_id=incident.pk, seen=seen, by=ada, now=at(50))


STEPS = st.lists(
    st.tuples(
        st.integers(0, 300),
        st.sampled_from(
            [
                "word",
                "promise",
                "holding",
                "resolved",
                "verified",
                "root_cause",
                "mitigated",
                "critical",
                "minor",
                "on",
                "back",
            ]
        ),
    ),
    max_size=8,
)


def do(incident, step, now, by):
    incident.refresh_from_db()
    if step in ("word", "promise", "holding", "resolved"):
        promise = now + timedelta(minutes=70) if step == "promise" else None
        factories.say(
            incident, at=now, promise=promise, is_detailed=step != "holding", says_resolved=step == "resolved"
        )
    elif step in ("verified", "root_cause", "mitigated"):
        actions.reach_milestone(incident=incident, kind=step, by=by, now=now)
    elif step in ("critical", "minor"):
        actions.change_severity(incident_id=incident.pk, severity=step, by=by, now=now)
    else:
        there = {"initial_response": "management", "management": "resolution", "resolution": "recovery"}
        to = "management" if step == "back" else there.get(incident.phase)
        if to in Incident.MOVES[incident.phase]:
            actions.move_phase(incident_id=incident.pk, to=to, by=by, now=now, waive_reason="x")


def shape(incident):
    return sorted(
        Deadline.objects.filter(incident=incident).values_list("pk", "kind", "subject", "state", "due_at", "ruled_at")
    )


# The database is rolled back after each example by `apart`.
PROPERTIES = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


class apart:
    """One example of a property: whatever it does is undone."""

    def __enter__(self):
        self.block = transaction.atomic()
        self.block.__enter__()

    def __exit__(self, *error):
        transaction.set_rollback(True)
        self.block.__exit__(*error)


@pytest.mark.slow
@PROPERTIES
@given(steps=STEPS)
def test_planning_twice_changes_nothing_and_one_kind_is_open_once(ada, steps):
    with apart():
        incident, minute = factories.make_incident(ada), 0
        for wait, step in steps:
            minute += wait
            do(incident, step, at(minute), ada)
            incident.refresh_from_db()
            before = shape(incident)
            assert obligations.renew(incident, now=at(minute)) == []
            assert shape(incident) == before
            opened = [(kind, subject) for _, kind, subject, state, *_ in before if state in ("pending", "missed")]
            assert len(opened) == len(set(opened))


@pytest.mark.slow
@PROPERTIES
@given(
    events=st.lists(
        st.sampled_from(["verified", "root_cause", "mitigated", "critical", "word"]), unique=True, max_size=4
    ),
    data=st.data(),
)
def test_what_happens_at_one_moment_may_happen_in_any_order(ada, events, data):
    other = data.draw(st.permutations(events))
    found = []
    for order in (events, other):
        with apart():
            incident = factories.make_incident(ada)
            for event in order:
                do(incident, event, at(30), ada)
            found.append(open_of(incident))
    assert found[0] == found[1]


def test_what_was_under_way_before_clocks_followed_from_rules_keeps_that_whatever_is_planned(ada, incident):
    Incident.objects.filter(pk=incident.pk).update(clock_policy_version=None, obligation_policy_version=0)
    incident.refresh_from_db()

    obligations.renew(incident, now=at(1))

    incident.refresh_from_db()
    assert (incident.clock_policy_version, incident.obligation_policy_version) == (obligations.versions()[0], 0)


def breach(ada, region):
    incident = factories.make_incident(ada, kind="security_incident")
    actions.set_regions(incident_id=incident.pk, regions=[region], by=ada, now=NOW)
    incident.refresh_from_db()
    return incident


def test_a_region_taken_back_and_named_again_has_its_clock_again(ada):
    incident = breach(ada, "EU")
    before = {key for key in open_of(incident) if key[0] == "regulatory"}
    assert before

    for regions in (["US"], ["EU"]):
        actions.set_regions(incident_id=incident.pk, regions=regions, by=ada, now=at(5))

    assert {key for key in open_of(incident) if key[0] == "regulatory"} == before


def test_what_a_person_waived_stays_waived_when_its_region_goes_and_comes_back(ada):
    incident = breach(ada, "UK")
    theirs = incident.deadlines.open().get(kind="regulatory")
    actions.waive_deadline(deadline_id=theirs.pk, reason="No personal data, says counsel", by=ada, now=at(3))

    for regions in (["US"], ["UK"]):
        actions.set_regions(incident_id=incident.pk, regions=regions, by=ada, now=at(5))

    assert ("regulatory", theirs.subject) not in open_of(incident)


def test_only_who_leads_says_which_law_applies(ada, incident):
    with pytest.raises(NotAllowed):
        actions.set_regions(
            incident_id=incident.pk, regions=["EU"], by=factories.make_user("sup", roles=["support"]), now=NOW
        )


def test_closing_ends_no_duty_to_a_regulator_and_standing_down_does(ada):
    closed = breach(ada, "UK")
    go(closed, "management", "resolution", "recovery", "closed", now=at(10), by=ada)
    assert [key[0] for key in open_of(closed)] == ["regulatory"]
    actions.meet_deadline(deadline_id=closed.deadlines.open().get().pk, note="Reported by counsel", by=ada, now=at(20))
    assert open_of(closed) == {}

    false_alarm = breach(ada, "UK")
    actions.stand_down(incident_id=false_alarm.pk, reason="A test", by=ada, now=at(10))
    assert open_of(false_alarm) == {}


def test_going_on_to_management_undoes_no_milestone(ada, incident):
    actions.reach_milestone(incident=incident, kind="mitigated", by=ada, now=at(1))

    go(incident, "management", now=at(2), by=ada)

    assert incident.milestones.filter(kind="mitigated", undone_at=None).exists()
