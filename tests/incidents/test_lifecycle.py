"""Phases, severity and milestones: every move outside the table refused, criteria that hold, names on waivers."""

from datetime import timedelta
from itertools import product

import pytest

from crisiscomms.models import AuditEvent, Notice
from crisiscomms.refusal import Refused
from incidents import actions, deadlines, mails
from incidents.models import Incident
from recovery.models import RecoveryTask
from tests import factories
from tests.conftest import NOW

LATER = NOW + timedelta(minutes=30)
PHASES = ["pre_crisis", "initial_response", "management", "resolution", "recovery", "closed"]
# By hand, from the domain page: forward, back because it was not fixed, and closed as stood down.
LEGAL = {
    ("pre_crisis", "initial_response"),
    ("pre_crisis", "closed"),
    ("initial_response", "management"),
    ("initial_response", "closed"),
    ("management", "resolution"),
    ("management", "closed"),
    ("resolution", "recovery"),
    ("resolution", "management"),
    ("recovery", "closed"),
    ("recovery", "management"),
}
ILLEGAL = sorted(set(product(PHASES, PHASES)) - LEGAL)
BLOCKED = [
    ("initial_response", "management", "told that we know about it; Someone has confirmed that it is real"),
    ("management", "resolution", "measure is in place that eases"),
    ("resolution", "recovery", "told that it is resolved"),
    ("recovery", "closed", "task of the 30-60-90 plan is done"),
]


@pytest.fixture
def incident(ada):
    return factories.make_incident(ada)


def put(incident, phase):
    """As it would stand there, without walking the way."""
    past = NOW if PHASES.index(phase) > 2 else None
    closed = NOW if phase == "closed" else None
    declared = {"declared_at": None, "declared_by": None} if phase == "pre_crisis" else {}
    Incident.objects.filter(pk=incident.pk).update(phase=phase, resolved_at=past, closed_at=closed, **declared)
    incident.refresh_from_db()
    return incident


def move(incident, to, by, reason="", now=LATER):
    return actions.move_phase(incident_id=incident.pk, to=to, by=by, now=now, waive_reason=reason)


def texts(incident, verb):
    events = AuditEvent.objects.filter(chain=incident.ref, verb=verb).order_by("number")
    return list(events.values_list("detail__text", flat=True))


def test_the_table_of_moves_is_the_one_of_the_domain():
    assert {(here, to) for here, there in Incident.MOVES.items() for to in there} == LEGAL


@pytest.mark.parametrize(("here", "to"), [*ILLEGAL, ("management", "moon"), ("closed", "")])
def test_every_move_outside_the_table_is_refused_even_with_a_reason(ada, incident, here, to):
    put(incident, here)

    with pytest.raises(Refused, match="there is no way to"):
        move(incident, to, ada, "because I say so")

    incident.refresh_from_db()
    assert incident.phase == here and not incident.waivers.exists()


@pytest.mark.parametrize("here", ["initial_response", "management"])
def test_a_false_alarm_is_stood_down_and_not_closed(ada, incident, here):
    put(incident, here)

    with pytest.raises(Refused, match="stand it down"):
        move(incident, "closed", ada, "no reason")


@pytest.mark.parametrize(("here", "to", "words"), BLOCKED)
def test_open_criteria_block_with_their_words(ada, incident, here, to, words):
    put(incident, here)

    with pytest.raises(Refused, match=words):
        move(incident, to, ada, "  ")

    incident.refresh_from_db()
    assert incident.phase == here


@pytest.mark.parametrize(("here", "to", "words"), BLOCKED)
def test_a_waiver_lets_it_pass_and_records_who_and_why(ada, incident, here, to, words):
    put(incident, here)

    move(incident, to, ada, "The board decided")

    incident.refresh_from_db()
    waiver = incident.waivers.get()
    assert incident.phase == to
    assert (waiver.phase, waiver.by, waiver.reason, waiver.at) == (here, ada, "The board decided", LATER)
    (text,) = texts(incident, "criteria.waived")
    assert text.startswith("Waived by Ada: ") and words in text and text.endswith("Reason: The board decided")


def test_met_criteria_need_no_waiver(ada, incident):
    for kind in ("acknowledged", "verified"):
        actions.reach_milestone(incident=incident, kind=kind, by=None, now=NOW)

    move(incident, "management", ada)

    incident.refresh_from_db()
    assert (incident.phase, incident.phase_since) == ("management", LATER) and not incident.waivers.exists()
    assert texts(incident, "incident.moved") == ["Phase: Initial response → Management"]


def test_only_what_is_open_is_waived(ada, incident):
    actions.reach_milestone(incident=incident, kind="verified", by=ada, now=NOW)

    move(incident, "management", ada, "We cannot reach anybody yet")

    assert incident.waivers.get().keys == ["acknowledged"]


def test_a_criterion_that_nobody_can_check_counts_as_open(ada, incident, monkeypatch):
    from incidents import criteria

    monkeypatch.setattr(criteria, "_checks", {})

    assert [item.is_met for item in criteria.exit_criteria(incident)] == [False, False]


@pytest.mark.parametrize("here", ["resolution", "recovery"])
def test_back_to_management_needs_a_reason_and_is_no_longer_resolved(ada, incident, here):
    put(incident, here)

    with pytest.raises(Refused, match="Say why it goes back"):
        move(incident, "management", ada)
    move(incident, "management", ada, "It came back at noon")

    incident.refresh_from_db()
    assert (incident.phase, incident.resolved_at) == ("management", None)
    assert texts(incident, "incident.moved")[-1].endswith("→ Management. It came back at noon")


def test_resolving_ends_the_component_states_and_starts_the_explanation_clock(ada, incident):
    put(incident, "management")

    move(incident, "resolution", ada, "waived")

    incident.refresh_from_db()
    assert incident.resolved_at == LATER
    assert incident.component_states.get().ended_at == LATER
    assert incident.deadlines.get(kind="explanation").due_at == LATER + timedelta(days=3)


@pytest.mark.parametrize("here", ["initial_response", "management"])
def test_stand_down_quiets_every_clock(ada, incident, here):
    put(incident, here)
    deadlines.tick(now=NOW + timedelta(minutes=80))
    told = Notice.objects.count()

    actions.stand_down(incident_id=incident.pk, reason="A test alarm", by=ada, now=LATER)
    for days in (0, 1, 100):
        assert deadlines.tick(now=LATER + timedelta(days=days)) == 0

    incident.refresh_from_db()
    assert (incident.phase, incident.closed_at, incident.stood_down) == ("closed", LATER, True)
    assert set(incident.deadlines.values_list("state", "next_action_at")) == {("waived", None)}
    assert Notice.objects.count() == told and not incident.component_states.open().exists()
    assert texts(incident, "incident.moved")[-1].endswith("→ Closed. Stood down. A test alarm")
    titles = "; ".join(incident.deadlines.order_by("due_at", "pk").values_list("title", flat=True))
    count = incident.deadlines.count()
    assert texts(incident, "deadline.ended") == [f"{count} clocks ended: {titles}. The incident was stood down."]


def test_a_reminder_that_still_waits_is_not_sent_after_stand_down(ada, incident):
    deadlines.tick(now=NOW + timedelta(minutes=80))
    actions.stand_down(incident_id=incident.pk, reason="A test alarm", by=ada, now=LATER)

    assert mails.clock.deadline_soon(Notice.objects.get(kind="deadline_soon"), LATER) is None


@pytest.mark.parametrize("here", ["resolution", "recovery", "closed"])
def test_what_was_resolved_cannot_be_stood_down(ada, incident, here):
    put(incident, here)

    with pytest.raises(Refused, match="cannot be stood down"):
        actions.stand_down(incident_id=incident.pk, reason="Never mind", by=ada, now=LATER)


def test_stand_down_needs_a_reason(ada, incident):
    with pytest.raises(Refused, match="Say why"):
        actions.stand_down(incident_id=incident.pk, reason=" ", by=ada, now=LATER)


def test_it_closes_when_the_programme_is_done_without_a_waiver(ada, incident):
    put(incident, "management")
    move(incident, "resolution", ada, "waived")
    move(incident, "recovery", ada, "waived")
    RecoveryTask.objects.update(state="done", evidence="a link", done_at=LATER, done_by=ada)

    move(incident, "closed", ada)

    incident.refresh_from_db()
    assert (incident.phase, incident.closed_at, incident.waivers.filter(phase="recovery").count()) == (
        "closed",
        LATER,
        0,
    )
    assert not incident.deadlines.open().exists()


@pytest.mark.parametrize("act", ["move", "stand_down", "severity"])
@pytest.mark.parametrize("role", ["support", "customer_success", "legal", "public_relations", "executive", "sales"])
def test_leading_is_refused_to_who_may_not_and_names_who_may(policies, ada, incident, act, role):
    other = factories.make_user("other", roles=[role])
    acts = {
        "move": lambda: move(incident, "management", other, "x"),
        "stand_down": lambda: actions.stand_down(incident_id=incident.pk, reason="x", by=other, now=LATER),
        "severity": lambda: actions.change_severity(incident_id=incident.pk, severity="minor", by=other, now=LATER),
    }

    who = "Product marketing, Product, Security, Executive or Administrator may"
    with pytest.raises(Refused, match="You may not see" if role in ("executive", "sales") else who):
        acts[act]()


@pytest.mark.parametrize(("severity", "acknowledge", "update"), [("critical", 60, 120), ("minor", 120, 1560)])
def test_a_change_of_severity_replans_from_discovery_and_says_so(ada, incident, severity, acknowledge, update):
    actions.change_severity(incident_id=incident.pk, severity=severity, by=ada, now=LATER)

    due = {one.kind: one.due_at for one in incident.deadlines.open()}
    assert due == {
        "acknowledge": NOW + timedelta(minutes=acknowledge),
        "update": NOW + timedelta(minutes=update),
    }
    (text,) = texts(incident, "incident.severity")
    assert f"Severity: Major → {severity.capitalize()}" in text
    assert all(f"{moment:%d %b %H:%M} UTC" in text for moment in due.values())


@pytest.mark.parametrize(("severity", "minutes"), [("critical", 90), ("minor", 200)])
def test_a_promised_update_stays_unless_the_new_cadence_is_sooner(ada, incident, severity, minutes):
    factories.say(incident, at=NOW, promise=NOW + timedelta(minutes=200))

    actions.change_severity(incident_id=incident.pk, severity=severity, by=ada, now=LATER)

    assert incident.deadlines.open().get().due_at == NOW + timedelta(minutes=minutes)


def test_a_change_of_severity_tells_the_team_once_and_the_same_again_does_nothing(ada, incident):
    pia = factories.make_user("pia", roles=["product"])
    incident.team.create(person=pia, role="product", joined_at=NOW)

    for _ in range(2):
        actions.change_severity(incident_id=incident.pk, severity="critical", by=ada, now=LATER)

    told = Notice.objects.filter(kind="severity").values_list("person", flat=True)
    assert sorted(told) == sorted([ada.pk, pia.pk])
    assert len(texts(incident, "incident.severity")) == 1


def test_an_acknowledgement_that_is_late_by_the_new_severity_is_missed_at_the_next_tick(ada, incident):
    now = NOW + timedelta(minutes=70)

    actions.change_severity(incident_id=incident.pk, severity="critical", by=ada, now=now)
    deadlines.tick(now=now)

    assert incident.deadlines.get(kind="acknowledge").state == "missed"


def test_the_explanation_follows_a_change_of_severity_after_resolution(ada, incident):
    put(incident, "management")
    move(incident, "resolution", ada, "waived")

    actions.change_severity(incident_id=incident.pk, severity="critical", by=ada, now=LATER + timedelta(hours=1))

    assert incident.deadlines.get(kind="explanation").due_at == LATER + timedelta(days=2)


@pytest.mark.parametrize(("phase", "severity"), [("closed", "minor"), ("management", "awful")])
def test_a_severity_that_cannot_be_is_refused(ada, incident, phase, severity):
    put(incident, phase)

    with pytest.raises(Refused):
        actions.change_severity(incident_id=incident.pk, severity=severity, by=ada, now=LATER)


def test_a_milestone_is_noted_once(ada, incident):
    said = [actions.reach_milestone(incident=incident, kind="root_cause", by=ada, now=LATER) for _ in range(2)]

    assert said == [True, False]
    assert texts(incident, "milestone.reached") == ["Milestone: root cause identified"]


@pytest.mark.parametrize("kind", ["acknowledged", "resolved_told", "lunch"])
def test_nobody_notes_by_hand_what_only_a_sent_message_shows(ada, incident, kind):
    with pytest.raises(Refused):
        actions.reach_milestone(incident=incident, kind=kind, by=ada, now=LATER)

    assert not incident.milestones.exists()


def test_who_read_the_incident_before_it_was_closed_changes_nothing_of_it_afterwards(ada):
    read_before = factories.make_incident(ada)
    part = factories.make_component("API")
    actions.stand_down(incident_id=read_before.pk, reason="A test", by=ada, now=NOW)
    assert read_before.phase != "closed"

    with pytest.raises(Refused, match="closed"):
        actions.reach_milestone(incident=read_before, kind="mitigated", by=ada, now=LATER)
    with pytest.raises(Refused, match="closed"):
        actions.set_component_state(incident=read_before, component=part, state="outage", by=ada, now=LATER)
