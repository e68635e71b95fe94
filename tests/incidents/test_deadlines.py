"""The one clock: warned, missed, escalated in steps, each told once ever; caught up after an outage; met by sending."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest
from django.db import OperationalError, connection, transaction

from crisiscomms import audit, policy
from crisiscomms.models import AuditEvent, Notice, User
from crisiscomms.refusal import Refused
from delivery.models import Dispatch
from incidents import actions, deadlines, mails, tasks
from incidents.deadlines import kinds, planning
from incidents.models import Deadline, Incident
from messaging import cadence
from messaging.models import Message
from tests import factories
from tests.conftest import NOW


def at(minutes, seconds=0):
    return NOW + timedelta(minutes=minutes, seconds=seconds)


@pytest.fixture
def dan(ada):
    """Ada's deputy."""
    dan = factories.make_user("dan", roles=["support"])
    ada.deputy = dan
    ada.save()
    return dan


@pytest.fixture
def pia(policies):
    """The other product marketer."""
    return factories.make_user("pia", roles=["product_marketing"])


@pytest.fixture
def incident(ada, dan, pia, ben, cleo):
    """Major: to be acknowledged at minute 90, warned at 75; the update is far away at 330."""
    incident = factories.make_incident(ada)
    Notice.objects.all().delete()
    return incident


def told_at(now):
    """Who is newly told what by a tick at this moment."""
    before = set(Notice.objects.values_list("pk", flat=True))
    deadlines.tick(now=now)
    new = Notice.objects.exclude(pk__in=before).select_related("person")
    return sorted((notice.person.name, notice.kind) for notice in new)


def clock_of(incident, kind="acknowledge"):
    return incident.deadlines.get(kind=kind)


def texts(incident, verb):
    events = AuditEvent.objects.filter(chain=incident.ref, verb=verb).order_by("number")
    return list(events.values_list("detail__text", flat=True))


def test_warned_missed_and_escalated_in_steps_at_exact_minutes_each_told_once(incident):
    story = [
        (at(74, 59), []),
        (at(75), [("Ada", "deadline_soon")]),
        (at(89, 59), []),
        (at(90), [("Ada", "deadline_missed")]),
        (at(99, 59), []),
        (at(100), [("Dan", "deadline_missed"), ("Pia", "deadline_missed")]),
        (at(119, 59), []),
        (at(120), [("Ben", "deadline_missed")]),
        (at(200), []),
        (at(210), [("Ada", "deadline_remind")]),
        (at(300), []),
    ]

    assert [(moment, told_at(moment)) for moment, _ in story] == story
    assert (clock_of(incident).state, clock_of(incident).step, clock_of(incident).next_action_at) == ("missed", 3, None)


@pytest.mark.parametrize(("severity", "due", "before"), [("critical", 60, 10), ("major", 90, 15), ("minor", 120, 60)])
def test_the_owner_is_warned_as_early_as_the_severity_asks(ada, severity, due, before):
    factories.make_incident(ada, severity=severity)

    assert told_at(at(due - before, -1)) == []
    assert told_at(at(due - before)) == [("Ada", "deadline_soon")]


def test_a_second_tick_of_the_same_moment_tells_nobody_D13(incident):
    for moment in (at(75), at(90), at(100), at(120)):
        assert told_at(moment)
        assert told_at(moment) == []
    assert len(texts(incident, "deadline.missed")) == 1


def test_after_two_hours_down_one_catch_up_says_the_lateness_D12(incident):
    deadlines.tick(now=at(75))

    told = told_at(at(195))

    assert told == [(name, "deadline_missed") for name in ("Ada", "Ben", "Dan", "Pia")]
    (text,) = texts(incident, "deadline.missed")
    assert text.startswith("Acknowledge to customers: not done") and text.endswith("noticed 105 min late")
    mail = mails.clock.deadline_missed(Notice.objects.get(kind="deadline_missed", person__name="Ben"), at(195))
    assert "LATE: acknowledge to customers" in mail.subject
    assert mail.paragraphs[0].replace("\u00a0", " ") == "It is 1 h 45 min late."
    assert told_at(at(196)) == []


def test_an_executive_who_is_escalated_to_can_open_what_is_late_and_a_seller_never(incident, ada, ben, cleo):
    ada.deputy = cleo
    ada.save()
    assert not Incident.objects.visible_to(ben).exists()

    deadlines.tick(now=at(120))

    assert Incident.objects.visible_to(ben).get() == incident
    assert not Incident.objects.visible_to(cleo).exists()


def test_down_over_warning_and_due_a_draft_still_stands_ready_D12(incident):
    deadlines.tick(now=at(195))

    draft = incident.messages.get()
    assert (draft.kind, draft.state) == ("holding", "draft")
    assert mails.clock.deadline_missed(Notice.objects.filter(kind="deadline_missed").first(), at(195)).link.endswith(
        f"/messages/{draft.pk}/"
    )


def test_down_two_hours_no_incident_is_skipped_and_none_told_twice_D12(incident, ada):
    others = [factories.make_incident(ada, discovered_at=NOW - timedelta(minutes=m)) for m in (1, 5, 40)]
    Notice.objects.all().delete()

    for _ in range(3):
        tasks.tick()
        deadlines.tick(now=at(195))

    for one in (incident, *others):
        assert len(texts(one, "deadline.missed")) == 1
    told = Notice.objects.filter(kind="deadline_missed").values_list("person", "key")
    assert len(told) == len(set(told)) == 4 * 4


def test_a_batch_smaller_than_what_is_due_leaves_the_rest_for_the_next_knock(ada):
    for _ in range(3):
        factories.make_incident(ada)

    assert [deadlines.tick(now=at(75), limit=2) for _ in range(3)] == [2, 1, 0]


def test_nobody_is_escalated_to_once_it_is_met(incident):
    deadlines.tick(now=at(91))

    with transaction.atomic():
        deadlines.meet(incident=incident, kind="acknowledge", now=at(95))

    assert [told_at(at(minutes)) for minutes in (100, 120, 200)] == [[], [], []]
    assert clock_of(incident).was_late
    assert texts(incident, "deadline.met") == ["Acknowledge to customers: done 5 min late"]


def test_a_reminder_is_not_sent_any_more_once_it_is_met(incident):
    deadlines.tick(now=at(75))
    notice = Notice.objects.get(kind="deadline_soon")
    assert mails.clock.deadline_soon(notice, at(75)).paragraphs == ["It is due in 15\u00a0min."]

    deadlines.meet(incident=incident, kind="acknowledge", now=at(76))

    assert mails.clock.deadline_soon(notice, at(76)) is None


def test_moved_to_another_time_people_are_told_anew(incident, ada):
    deadlines.tick(now=at(120))

    deadlines.plan(incident=incident, kind="acknowledge", title="Acknowledge", owner=ada, due_at=at(200), now=at(130))

    assert (clock_of(incident).state, clock_of(incident).step) == ("pending", 0)
    assert told_at(at(185)) == [("Ada", "deadline_soon")]
    assert told_at(at(200)) == [("Ada", "deadline_missed")]


def test_of_a_restricted_incident_only_those_who_may_see_it_are_escalated_to(ada, dan, pia, ben):
    olga = factories.make_user("olga", roles=["administrator", "executive"])
    incident = factories.make_incident(ada, restricted=True)
    deadlines.tick(now=at(130))

    told = set(Notice.objects.filter(kind="deadline_missed").values_list("person", flat=True))
    assert told == {ada.pk, olga.pk}
    mail = mails.clock.deadline_missed(Notice.objects.filter(kind="deadline_missed").first(), at(130))
    assert incident.title not in mail.subject + " ".join(mail.paragraphs)


def test_a_warning_prepares_a_draft_that_nobody_sends(incident):
    deadlines.tick(now=at(75))
    for minutes in (76, 90, 100, 130):
        deadlines.tick(now=at(minutes))

    draft = incident.messages.get()
    assert (draft.kind, draft.state, draft.created_by, draft.working_by) == ("holding", "draft", None, incident.lead)
    assert draft.working["recognize"] and not Dispatch.objects.exists()


def test_no_second_draft_beside_the_one_that_is_being_written(incident, ada):
    mine = factories.make_message(incident, ada)

    deadlines.tick(now=at(75))

    assert list(incident.messages.all()) == [mine]


def test_the_next_draft_is_an_update_and_after_resolution_the_resolved_message(incident, ada):
    deadlines.meet(incident=incident, kind="acknowledge", now=NOW)
    deadlines.tick(now=at(320))
    assert incident.messages.get().kind == "update"
    Message.objects.all().delete()
    Incident.objects.filter(pk=incident.pk).update(phase="resolution", resolved_at=at(320))

    deadlines.plan(incident=incident, kind="update", title="Next", owner=ada, due_at=at(400), now=at(321))
    deadlines.tick(now=at(390))

    assert incident.messages.get().kind == "resolved"


def test_sending_meets_the_clocks_and_the_promise_becomes_the_next_one(incident, ada):
    message = factories.make_message(incident, ada)

    cadence.message_left(message=message, content=factories.make_content(), by=None, now=at(40))

    assert sorted(incident.deadlines.filter(state="met").values_list("kind", "met_at")) == [
        ("acknowledge", at(40)),
        ("update", at(40)),
    ]
    following = incident.deadlines.open().get()
    assert (following.kind, following.due_at, following.owner) == ("update", at(60), ada)
    assert incident.milestones.get(kind="acknowledged").reached_at == at(40)


def test_a_resolved_message_without_a_promise_leaves_no_update_due(incident, ada):
    message = factories.make_message(incident, ada, kind="resolved")

    cadence.message_left(message=message, content=factories.make_content(next_update_at=None), by=None, now=at(40))

    assert not incident.deadlines.open().exists()
    assert incident.milestones.filter(kind="resolved_told").exists()


# By hand: first detailed update 2 h, 4 h, 24 h after verification.
@pytest.mark.parametrize(("severity", "due"), [("critical", 130), ("major", 250), ("minor", 1450)])
def test_verified_the_first_detailed_update_is_due_by_policy(ada, severity, due):
    incident = factories.make_incident(ada, severity=severity)

    actions.reach_milestone(incident=incident, kind="verified", by=ada, now=at(10))

    assert clock_of(incident, "detailed").due_at == at(due)


def test_a_holding_statement_does_not_do_for_the_detailed_update_and_an_update_does(incident, ada):
    actions.reach_milestone(incident=incident, kind="verified", by=ada, now=at(10))

    for kind, minutes, state in (("holding", 20, "pending"), ("update", 40, "met")):
        message = factories.make_message(incident, ada, kind=kind)
        cadence.message_left(message=message, content=factories.make_content(), by=None, now=at(minutes))
        assert clock_of(incident, "detailed").state == state


def test_a_deadline_is_waived_only_with_a_reason(incident, ada):
    with pytest.raises(Refused, match="Say why"):
        deadlines.waive(incident=incident, kind="acknowledge", reason=" ", by=ada, now=at(1))

    deadlines.waive(incident=incident, kind="acknowledge", reason="Nobody is affected", by=ada, now=at(1))

    assert (clock_of(incident).state, clock_of(incident).waived_reason) == ("waived", "Nobody is affected")
    assert texts(incident, "deadline.waived") == ["Acknowledge to customers: waived. Nobody is affected"]
    assert told_at(at(200)) == []


@pytest.mark.parametrize("state", ["met", "waived"])
def test_what_has_ended_takes_no_further_move(incident, state):
    values = {"met_at": NOW} if state == "met" else {"waived_reason": "x"}
    incident.deadlines.filter(kind="acknowledge").update(state=state, next_action_at=None, **values)

    assert deadlines.meet(incident=incident, kind="acknowledge", now=at(5)) is None
    for to in Deadline.State:
        with pytest.raises(Refused):
            planning._end(clock_of(incident), to)


def test_steps_are_policy_not_code(incident, ada):
    rules = policy.current("incidents")
    rules["escalation_steps"] = [{"minutes": 7, "roles": ["sales"]}]
    policy.replace(key="incidents", data=rules, by=ada, now=NOW)
    Incident.objects.update(clock_policy_version=None)

    assert told_at(at(90)) == [("Ada", "deadline_soon")] or told_at(at(90)) == []
    assert told_at(at(96, 59)) == []
    assert told_at(at(97)) == [("Cleo", "deadline_missed")]


@pytest.mark.parametrize("late", [False, True])
def test_what_only_has_to_be_told_of_is_read_once_however_many_it_is(late, ada, ben, django_assert_max_num_queries):
    """Only some columns are read of it: none of the others may be asked for row by row."""
    for _ in range(40):
        one = factories.make_incident(ada, restricted=True)
        deadlines.plan(
            incident=one, kind="explanation", title="Explain", owner=ada, due_at=NOW + timedelta(hours=30), now=NOW
        )
    Deadline.objects.exclude(kind="explanation").delete()
    now = NOW + timedelta(hours=31 if late else 20)

    with django_assert_max_num_queries(20):
        assert deadlines.tick(now=now) == 40

    kind, state = ("deadline_missed", "missed") if late else ("deadline_soon", "pending")
    assert Notice.objects.filter(person=ada, kind=kind).count() == 40
    assert set(Deadline.objects.filter(kind="explanation").values_list("state", flat=True)) == {state}


def test_nothing_due_costs_one_look(incident, django_assert_max_num_queries):
    with django_assert_max_num_queries(1) as looked:
        assert deadlines.tick(now=at(1)) == 0

    assert len([query for query in looked.captured_queries if "incidents_deadline" in query["sql"]]) == 1


def test_the_look_goes_by_the_partial_index_however_many_rest(incident, ada):
    rest = {"owner": ada, "kind": "update", "due_at": NOW, "created_at": NOW, "title": "Rests"}
    Deadline.objects.bulk_create(
        Deadline(incident=incident, subject=str(n), state="met", met_at=NOW, **rest) for n in range(5_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE incidents_deadline")

    plan = Deadline.objects.due_for_action(at(1)).order_by("next_action_at").explain()

    assert "deadline_next_action" in plan and "Seq Scan" not in plan


def test_one_deadline_that_cannot_be_handled_does_not_stop_the_clock(incident, ada, monkeypatch):
    healthy = factories.make_incident(ada, discovered_at=NOW - timedelta(minutes=1))
    monkeypatch.setattr(kinds, "_kinds", {**kinds._kinds, "broken": _broken()})
    deadlines.plan(incident=incident, kind="broken", title="Broken", owner=ada, due_at=at(60), now=NOW)

    for minutes in (60, 75, 91):
        deadlines.tick(now=at(minutes))

    assert clock_of(healthy).state == clock_of(incident).state == "missed"
    broken = clock_of(incident, "broken")
    assert (broken.state, broken.next_action_at > at(91)) == ("pending", True)


def _broken():
    def fail(deadline, now):
        raise LookupError("gone")

    return deadlines.Kind("broken", "Broken", lambda deadline: "/", on_warn=fail, on_missed=fail)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_once_act_once_each(incident, ada):
    for minutes in range(12):
        factories.make_incident(ada, discovered_at=NOW - timedelta(minutes=minutes))
    Notice.objects.all().delete()
    together = Barrier(2)

    def knock(_):
        try:
            together.wait(10)
            return sum(deadlines.tick(now=at(195)) for _ in range(3))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        handled = sum(threads.map(knock, range(2)))

    assert handled == 13
    assert AuditEvent.objects.filter(verb="deadline.missed").count() == 13
    assert Notice.objects.filter(kind="deadline_missed").count() == 13 * 4
    assert Message.objects.count() == 13


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", ["record", "incident"])
def test_the_clock_never_stands_in_the_way_of_a_person(incident, first):
    """Whoever wrote a record or holds the incident goes on to the deadline: the tick must not wait for them meanwhile."""
    held, ticked = Event(), Event()

    def person():
        try:
            with transaction.atomic():
                if first == "record":
                    audit.record(chain=incident.ref, verb="x", subject="x", text="x", by=None, now=NOW)
                else:
                    actions.lock_incident(incident.pk)
                held.set()
                ticked.wait(2)
                deadlines.meet(incident=incident, kind="acknowledge", now=at(91))
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(person)
        held.wait(10)
        try:
            deadlines.tick(now=at(91))
        except OperationalError as deadlock:
            pytest.fail(f"the tick waited: {deadlock}")
        ticked.set()
        done.result(20)

    assert clock_of(incident).state == "met"


def test_an_owner_without_access_is_not_told_but_the_others_are_X8(incident, ada):
    User.objects.filter(pk=ada.pk).update(is_active=False)

    assert told_at(at(90)) == []
    assert told_at(at(100)) == [("Dan", "deadline_missed"), ("Pia", "deadline_missed")]
