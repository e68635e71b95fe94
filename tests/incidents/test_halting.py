"""The halt list: opened by declaring, settled by people, turned around by resolving, and back again."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import IntegrityError, connection, transaction

from crisiscomms import audit, handover
from crisiscomms.models import Notice
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import actions, deadlines
from incidents.actions import halting
from incidents.models import Deadline, HaltItem, Incident, OutwardActivity, Product
from tests import factories
from tests.conftest import NOW

State = HaltItem.State
LATER = NOW + timedelta(hours=3)


@pytest.fixture
def nora(ada):
    """Owns the newsletter."""
    return factories.make_user("nora", roles=["customer_success"])


def make_activity(owner, name="Spring newsletter", products=(), **fields):
    made = [Product.objects.get_or_create(name=one)[0] for one in products]
    values = {"kind": "newsletter", "by": owner, "now": NOW, **fields}
    return actions.add_activity(name=name, owner=owner, products=made, **values)


def item_of(incident, name="Spring newsletter"):
    return HaltItem.objects.get(incident=incident, name=name)


def clocks(incident, kind):
    return list(incident.deadlines.open().filter(kind=kind).order_by("pk"))


def resolve(incident, by):
    for to in ("management", "resolution"):
        actions.move_phase(incident_id=incident.pk, to=to, waive_reason="Shown elsewhere.", by=by, now=LATER)
    incident.refresh_from_db()


# What declaring opens


def test_declaring_opens_a_check_with_a_clock_and_tells_its_owner_once(ada, nora):
    make_activity(nora)
    make_activity(nora, "Launch post", kind="scheduled_post", products=["Payments API"])

    incident = factories.make_incident(ada)

    assert [one.owner for one in incident.halt_items.all()] == [nora, nora]
    assert {one.due_at for one in clocks(incident, "halt")} == {NOW + timedelta(minutes=60)}
    assert {one.owner for one in clocks(incident, "halt")} == {nora}
    assert Notice.objects.filter(kind="halt_asked", person=nora).count() == 1


@pytest.mark.parametrize(
    ("severity", "asked"),
    [("critical", {"Everything", "Payments", "Data"}), ("major", {"Everything", "Payments"}), ("minor", {"Everything", "Payments"})],
)  # fmt: skip
def test_what_concerns_the_affected_products_or_everything_is_asked_by_severity(severity, asked, ada):
    make_activity(ada, "Everything")
    make_activity(ada, "Payments", products=["Payments API"])
    make_activity(ada, "Data", products=["Data Pipeline"])
    make_activity(ada, "Over", is_active=False)

    incident = factories.make_incident(ada, severity=severity)

    assert {one.name for one in incident.halt_items.all()} == asked


def test_where_nothing_is_marked_as_affected_everything_is_asked_about(ada):
    make_activity(ada, "Data", products=["Data Pipeline"])

    assert factories.make_incident(ada, components={}).halt_items.count() == 1


def test_of_a_restricted_incident_an_owner_outside_of_its_team_hears_nothing(ada, nora):
    make_activity(nora)

    incident = factories.make_incident(ada, restricted=True)

    assert item_of(incident).owner == ada
    assert not Notice.objects.filter(person=nora).exists()


def test_opening_twice_opens_nothing_new(ada):
    make_activity(ada)
    incident = factories.make_incident(ada)

    assert halting.open_checks(incident=incident, by=ada, now=LATER) == []
    assert (incident.halt_items.count(), len(clocks(incident, "halt"))) == (1, 1)


def test_what_came_on_the_list_later_is_asked_about_when_somebody_asks(ada):
    incident = factories.make_incident(ada)
    make_activity(ada)

    assert len(actions.check_again(incident_id=incident.pk, by=ada, now=LATER)) == 1
    assert clocks(incident, "halt")[0].due_at == LATER + timedelta(minutes=60)


def test_a_change_of_the_list_leaves_open_checks_as_they_were(ada, nora):
    activity = make_activity(ada)
    incident = factories.make_incident(ada)

    actions.change_activity(activity_id=activity.pk, name="Other", kind="ad", owner=nora, by=ada, now=NOW)

    assert (item_of(incident).name, item_of(incident).owner) == ("Spring newsletter", ada)


def test_a_worse_severity_moves_the_clocks_and_asks_about_more(ada):
    make_activity(ada, "Payments", products=["Payments API"])
    make_activity(ada, "Data", products=["Data Pipeline"])
    incident = factories.make_incident(ada)

    actions.change_severity(incident_id=incident.pk, severity="critical", by=ada, now=NOW)

    assert {one.due_at for one in clocks(incident, "halt")} == {NOW + timedelta(minutes=30)}
    assert incident.halt_items.count() == 2


def test_a_missed_check_escalates_as_every_deadline(ada, nora):
    make_activity(nora)
    incident = factories.make_incident(ada)

    deadlines.tick(now=NOW + timedelta(minutes=71))

    told = set(Notice.objects.filter(kind="deadline_missed").values_list("person__name", flat=True))
    assert clocks(incident, "halt")[0].state == "missed" and {"Nora", "Ada"} <= told


# What people do


ACTS = {
    State.HALTED: lambda pk, by: actions.halt_item(item_id=pk, by=by, now=LATER),
    State.RUNNING: lambda pk, by: actions.leave_running(item_id=pk, reason="It is about jobs.", by=by, now=LATER),
    State.RESUMED: lambda pk, by: actions.resume_item(item_id=pk, reason="It is about jobs.", by=by, now=LATER),
    State.KEPT_OFF: lambda pk, by: actions.keep_off(item_id=pk, reason="It is over anyway.", by=by, now=LATER),
}


@pytest.mark.parametrize("start", State)
@pytest.mark.parametrize("to", ACTS)
def test_every_move_is_in_the_table_or_refused(start, to, ada):
    make_activity(ada)
    incident = factories.make_incident(ada)
    HaltItem.objects.update(state=start, reason="as given")

    if to in HaltItem.MOVES[start]:
        ACTS[to](item_of(incident).pk, ada)
        assert (item_of(incident).state, item_of(incident).by, item_of(incident).at) == (to, ada, LATER)
    else:
        with pytest.raises(Conflict):
            ACTS[to](item_of(incident).pk, ada)
        assert item_of(incident).state == start


@pytest.mark.parametrize("to", [State.HALTED, State.RUNNING])
def test_a_check_that_is_made_meets_its_clock(to, ada):
    make_activity(ada)
    incident = factories.make_incident(ada)

    ACTS[to](item_of(incident).pk, ada)

    assert clocks(incident, "halt") == []
    assert incident.deadlines.get(kind="halt").state == "met"
    assert any("Halt list" in one for one in texts(incident))


def texts(incident):
    from crisiscomms.models import AuditDetail

    return list(AuditDetail.objects.filter(event__chain=incident.chain).values_list("text", flat=True))


@pytest.mark.parametrize(
    ("act", "words"),
    [(actions.leave_running, "why it may go on"), (actions.keep_off, "why it stays off"), (actions.resume_item, "not resolved yet")],
)  # fmt: skip
def test_what_needs_a_reason_is_refused_without_one(act, words, ada):
    make_activity(ada)
    incident = factories.make_incident(ada)
    HaltItem.objects.update(state=State.HALTED)

    with pytest.raises(Refused, match=words):
        act(item_id=item_of(incident).pk, reason="  ", by=ada, now=LATER)


def test_an_exercise_says_to_halt_nothing(ada):
    make_activity(ada)

    incident = factories.make_incident(ada, is_exercise=True)
    actions.halt_item(item_id=item_of(incident).pk, by=ada, now=LATER)

    assert incident.deadlines.get(kind="halt").title == "Exercise, halt nothing: Spring newsletter"
    assert "Halt list: Spring newsletter would be halted" in texts(incident)


def test_something_else_can_be_added_in_the_room_and_handed_over(ada, nora):
    incident = factories.make_incident(ada)

    item = actions.add_item(incident_id=incident.pk, name="Fair stand", kind="event", owner=ada, by=ada, now=NOW)
    actions.hand_over_item(item_id=item.pk, owner=nora, by=ada, now=NOW)

    assert (item_of(incident, "Fair stand").owner, clocks(incident, "halt")[0].owner) == (nora, nora)


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "data:text/html,x", "//x.example", "https://a@b.example", "https://x.example/\u202ex"],
)
def test_i6_a_link_that_is_no_web_address_is_refused(link, ada):
    with pytest.raises(Refused, match=r"web address|before the @"):
        make_activity(ada, link=link)
    with pytest.raises(IntegrityError, match="links_to_the_web"), transaction.atomic():
        OutwardActivity.objects.create(name="x", kind="ad", owner=ada, link="javascript:alert(1)", added_at=NOW)


def test_who_may_not_work_here_owns_and_changes_nothing(ada, ben, cleo):
    make_activity(ada)
    incident = factories.make_incident(ada)

    for person in (ben, cleo):
        with pytest.raises(NotAllowed):
            actions.halt_item(item_id=item_of(incident).pk, by=person, now=NOW)
        with pytest.raises(Refused):
            make_activity(person, by=ada)
        with pytest.raises(NotAllowed):
            actions.hand_over_item(item_id=item_of(incident).pk, owner=person, by=ada, now=NOW)


# What resolving, standing down and reopening bring


def test_resolving_asks_for_each_halted_one_whether_it_goes_on(ada, nora):
    make_activity(nora)
    make_activity(nora, "Running")
    make_activity(nora, "Never looked at")
    incident = factories.make_incident(ada)
    actions.halt_item(item_id=item_of(incident).pk, by=nora, now=NOW)
    actions.leave_running(item_id=item_of(incident, "Running").pk, reason="Jobs.", by=nora, now=NOW)

    resolve(incident, ada)

    [clock] = clocks(incident, "resume")
    assert (clock.due_at, clock.owner) == (LATER + timedelta(days=1), nora)
    assert clocks(incident, "halt") == []
    assert (item_of(incident, "Never looked at").state, item_of(incident, "Never looked at").by) == ("running", None)
    assert halting.open_resuming(incident=incident, by=ada, now=LATER) == []
    assert len(clocks(incident, "resume")) == 1


@pytest.mark.parametrize("to", [State.RESUMED, State.KEPT_OFF])
def test_settling_it_after_the_end_meets_the_second_clock(to, ada):
    make_activity(ada)
    incident = factories.make_incident(ada)
    actions.halt_item(item_id=item_of(incident).pk, by=ada, now=NOW)
    resolve(incident, ada)

    ACTS[to](item_of(incident).pk, ada)

    assert (item_of(incident).state, incident.deadlines.get(kind="resume").state) == (to, "met")


def test_standing_down_opens_resuming_at_once_and_closing_leaves_it_open(ada):
    make_activity(ada)
    incident = factories.make_incident(ada)
    actions.halt_item(item_id=item_of(incident).pk, by=ada, now=NOW)

    actions.stand_down(incident_id=incident.pk, reason="A false alarm.", by=ada, now=LATER)

    assert [one.kind for one in incident.deadlines.open()] == ["resume"]
    actions.resume_item(item_id=item_of(incident).pk, by=ada, now=LATER)
    assert not incident.deadlines.open().exists()


def test_going_back_to_management_turns_resuming_around(ada):
    for name in ("Halted", "Resumed", "Kept off", "Never looked at"):
        make_activity(ada, name)
    incident = factories.make_incident(ada)
    for name in ("Halted", "Resumed", "Kept off"):
        actions.halt_item(item_id=item_of(incident, name).pk, by=ada, now=NOW)
    resolve(incident, ada)
    ACTS[State.RESUMED](item_of(incident, "Resumed").pk, ada)
    ACTS[State.KEPT_OFF](item_of(incident, "Kept off").pk, ada)

    actions.move_phase(incident_id=incident.pk, to="management", waive_reason="Not fixed.", by=ada, now=LATER)

    states = dict(incident.halt_items.values_list("name", "state"))
    assert states == {"Halted": "halted", "Resumed": "open", "Kept off": "kept_off", "Never looked at": "open"}
    assert clocks(incident, "resume") == []
    assert {one.due_at for one in clocks(incident, "halt")} == {LATER + timedelta(minutes=60)}
    # And a second end asks again, each once.
    actions.halt_item(item_id=item_of(incident, "Resumed").pk, by=ada, now=LATER)
    actions.move_phase(incident_id=incident.pk, to="resolution", waive_reason="Shown.", by=ada, now=LATER)
    assert len(clocks(incident, "resume")) == 2


def test_a_watch_item_or_what_is_over_is_asked_nothing(ada):
    incident = factories.make_incident(ada)
    make_activity(ada)
    resolve(incident, ada)

    with pytest.raises(Refused):
        actions.check_again(incident_id=incident.pk, by=ada, now=NOW)
    assert incident.halt_items.count() == 0


# Departure, races, pages


def test_whoever_leaves_passes_on_what_they_own(ada, nora, olga):
    activity = make_activity(nora)
    incident = factories.make_incident(ada)

    held = {holding.key: count for holding, count in handover.held_by(nora)}
    for holding, _ in handover.held_by(nora):
        holding.pass_on(person=nora, to=ada, by=olga, now=NOW)

    assert held["outward"] == 2
    activity.refresh_from_db()
    assert (activity.owner, item_of(incident).owner, clocks(incident, "halt")[0].owner) == (ada, ada, ada)
    assert "outward" not in {holding.key for holding, _ in handover.held_by(nora)}


@pytest.mark.django_db(transaction=True)
def test_of_two_who_settle_one_check_one_is_told(ada):
    make_activity(ada)
    incident = factories.make_incident(ada)
    pk, gate, outcomes = item_of(incident).pk, Barrier(2), []

    def run(act):
        try:
            gate.wait()
            act()
            outcomes.append("done")
        except Conflict:
            outcomes.append("told")
        finally:
            connection.close()

    threads = [
        Thread(target=run, args=[lambda: actions.leave_running(item_id=pk, reason="Jobs.", by=ada, now=NOW)])
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["done", "told"]
    assert Deadline.objects.filter(kind="halt", state="met").count() == 1
    assert list(audit.faults(incident.chain)) == []


def test_the_pages_show_numbers_and_take_presses(ada, browse):
    make_activity(ada, link="https://tool.example/1")
    make_activity(ada, "Second")
    incident = factories.make_incident(ada)
    page = f"/incidents/{incident.ref}/halt/"

    browse(ada, f"{page}{item_of(incident).pk}/", {"act": "halt"})
    text = browse(ada, page).content.decode()
    room = browse(ada, f"/incidents/{incident.ref}/").content.decode()

    assert "1 of 2 halted, 1 open" in text and 'href="https://tool.example/1" rel="noreferrer' in text
    assert "1 of 2 halted, 1 open" in room
    assert browse(ada, f"{page}{item_of(incident).pk}/", {"act": "leave_running"}).status_code == 302
    assert item_of(incident).state == "halted"


def test_the_standing_list_is_kept_on_its_page(ada, browse):
    product = Product.objects.create(name="Payments API")
    good = {"name": "Launch", "kind": "campaign", "owner": ada.pk, "products": [product.pk], "is_active": "on"}

    assert browse(ada, "/outward/", {**good, "link": "javascript:alert(1)"}).status_code == 422
    assert browse(ada, "/outward/", good).status_code == 302
    row = OutwardActivity.objects.get()
    assert list(row.products.all()) == [product]
    assert browse(ada, f"/outward/{row.pk}/", {**good, "name": "Autumn launch", "is_active": ""}).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.is_active) == ("Autumn launch", False)
    assert "Autumn launch" in browse(ada, "/outward/").content.decode()


def test_the_room_asks_the_same_number_of_queries_however_many_there_are(ada, django_assert_max_num_queries):
    from incidents.outside import outward

    for number in range(9):
        make_activity(ada, f"Post {number}")
    incident = factories.make_incident(ada)

    with django_assert_max_num_queries(9):
        outward.for_room(Incident.objects.get(pk=incident.pk))
