"""The ninety days after: twelve tasks with owners and dates, counted from resolution, done only with evidence."""

from datetime import timedelta

import pytest

from crisiscomms.models import AuditEvent, Notice, Role
from crisiscomms.refusal import Conflict, Refused
from incidents import actions as incidents
from incidents import deadlines
from recovery import actions
from recovery.models import RecoveryTask
from tests import factories
from tests.conftest import NOW

# Written by hand from the domain page and the brief: key, phase, role, days after resolution.
PLAN = [
    ("incident-analysis", "explanation", "product", 2),
    ("customer-explanation", "explanation", "product_marketing", {"critical": 2, "major": 3, "minor": 5}),
    ("immediate-safeguards", "explanation", "security", 14),
    ("first-compensation", "explanation", "customer_success", 28),
    ("technical-deep-dives", "demonstration", "product", 40),
    ("process-improvements", "demonstration", "product", 45),
    ("reliability-figures", "demonstration", "product_marketing", 52),
    ("outside-review", "demonstration", "security", 60),
    ("lasting-solution", "reinforcement", "product", 75),
    ("preventative-innovation", "reinforcement", "product", 82),
    ("success-report", "reinforcement", "product_marketing", 87),
    ("thought-leadership", "reinforcement", "public_relations", 90),
]


def resolve(incident, by, now=NOW):
    for to in ("management", "resolution"):
        if incident.phase == "initial_response" or to == "resolution":
            incident = incidents.move_phase(incident_id=incident.pk, to=to, by=by, now=now, waive_reason="for the test")
    return incident


def tasks(incident):
    return list(RecoveryTask.objects.filter(incident=incident).order_by("position"))


def complete(task, by, evidence="https://example.com/proof", now=NOW):
    return actions.complete_task(task_id=task.pk, evidence=evidence, by=by, now=now)


@pytest.fixture
def programme(ada):
    return resolve(factories.make_incident(ada), ada)


@pytest.mark.parametrize("severity", ["critical", "major", "minor"])
def test_resolving_opens_twelve_tasks_with_owners_and_due_dates(ada, severity):
    people = {role: factories.make_user(role.replace("_", "."), roles=[role]) for role in Role.values}
    people["product_marketing"] = ada

    incident = resolve(factories.make_incident(ada, severity=severity), ada)

    expected = [
        (key, phase, people[role], NOW + timedelta(days=days[severity] if isinstance(days, dict) else days))
        for key, phase, role, days in PLAN
    ]
    assert [(task.key, task.phase, task.owner, task.due_at) for task in tasks(incident)] == expected
    clocks = incident.deadlines.open().filter(kind="recovery_task").order_by("pk")
    assert [(clock.owner, clock.due_at) for clock in clocks] == [(owner, due) for _, _, owner, due in expected]


def test_whoever_leads_owns_what_nobody_of_the_role_can(ada):
    factories.make_user("gone", roles=["security"], is_active=False)

    incident = resolve(factories.make_incident(ada), ada)

    assert {task.owner for task in tasks(incident)} == {ada}


def test_of_a_restricted_incident_only_those_who_see_it_become_owners(ada):
    factories.make_user("sam", roles=["customer_success", "product"])
    sec = factories.make_user("sec", roles=["security"])

    incident = resolve(factories.make_incident(ada, restricted=True, components={}), ada)

    assert {task.owner for task in tasks(incident)} == {ada, sec}


def test_the_team_comes_before_others_of_the_role(ada):
    factories.make_user("first", roles=["public_relations"])
    incident = factories.make_incident(ada)
    incident.team.all().delete()
    mine = factories.make_user("second", roles=["public_relations"])
    incident.team.create(person=mine, role="public_relations", joined_at=NOW)

    assert tasks(resolve(incident, ada))[-1].owner == mine


def test_resolved_again_nothing_doubles_and_only_open_tasks_get_new_dates(ada, programme):
    done = complete(tasks(programme)[0], ada)
    later = NOW + timedelta(days=10)
    back = incidents.move_phase(incident_id=programme.pk, to="management", by=ada, now=later, waive_reason="came back")

    resolve(back, ada, now=later)

    found = tasks(programme)
    assert len(found) == 12 and found[0].due_at == done.due_at and found[0].state == "done"
    assert found[2].due_at == later + timedelta(days=14)
    open_clocks = programme.deadlines.open().filter(kind="recovery_task")
    assert open_clocks.count() == 11 and open_clocks.order_by("due_at").last().due_at == later + timedelta(days=90)


@pytest.mark.parametrize("evidence", ["", "   \n"])
def test_completing_needs_evidence_and_says_which(ada, programme, evidence):
    task = tasks(programme)[0]

    with pytest.raises(Refused, match="Link to the published analysis"):
        complete(task, ada, evidence)

    task.refresh_from_db()
    assert task.state == "open"


def test_completing_meets_the_clock_and_is_on_the_record_once(ada, programme):
    task = tasks(programme)[2]

    complete(task, ada)
    with pytest.raises(Conflict, match="done already, by Ada"):
        complete(task, ada)

    clock = programme.deadlines.get(kind="recovery_task", subject=f"task:{task.pk}")
    assert (clock.state, clock.met_at) == ("met", NOW)
    assert AuditEvent.objects.filter(verb="recovery.done").count() == 1


def test_the_explanation_task_meets_the_explanation_clock(ada, programme):
    complete(tasks(programme)[1], ada)

    assert programme.deadlines.get(kind="explanation").state == "met"


def test_handed_over_the_clock_and_its_reminder_are_the_new_owners(ada, programme):
    pia = factories.make_user("pia", roles=["product"])
    task = tasks(programme)[2]

    actions.hand_over_task(task_id=task.pk, owner=pia, by=ada, now=NOW)
    Notice.objects.all().delete()
    deadlines.tick(now=task.due_at - timedelta(days=3))

    clock = programme.deadlines.get(kind="recovery_task", subject=f"task:{task.pk}")
    assert clock.owner == pia
    assert Notice.objects.filter(person=pia, kind="deadline_soon", key__startswith=f"{clock.pk}:").exists()


def test_nobody_gets_a_task_of_what_they_may_not_work_on(ada, cleo, programme):
    with pytest.raises(Refused, match="Cleo cannot work"):
        actions.hand_over_task(task_id=tasks(programme)[0].pk, owner=cleo, by=ada, now=NOW)


@pytest.mark.parametrize("act", ["complete", "hand_over"])
def test_only_the_workshop_works_on_tasks(ada, cleo, ben, programme, act):
    incidents.let_see(incident=programme, person=ben)
    for person in (cleo, ben):
        with pytest.raises(Refused, match="may not work"):
            if act == "complete":
                complete(tasks(programme)[0], person)
            else:
                actions.hand_over_task(task_id=tasks(programme)[0].pk, owner=ada, by=person, now=NOW)


def test_reminded_three_days_before_and_escalated_when_late_D11(ada, programme):
    task = tasks(programme)[2]
    Notice.objects.all().delete()
    moments = [timedelta(days=-3, minutes=-1), timedelta(days=-3), timedelta(0), timedelta(0)]

    counts = []
    for moment in moments:
        deadlines.tick(now=task.due_at + moment)
        clock = programme.deadlines.get(kind="recovery_task", subject=f"task:{task.pk}")
        mine = Notice.objects.filter(key__startswith=f"{clock.pk}:")
        counts.append((mine.filter(kind="deadline_soon").count(), mine.filter(kind="deadline_missed").count()))

    assert counts == [(0, 0), (1, 0), (1, 1), (1, 1)]


def test_recovery_closes_when_all_is_done_and_not_before(ada, programme):
    incidents.move_phase(incident_id=programme.pk, to="recovery", by=ada, now=NOW, waive_reason="told by phone")
    *most, last = tasks(programme)
    for task in most:
        complete(task, ada)
    with pytest.raises(Refused, match="30-60-90 plan"):
        incidents.move_phase(incident_id=programme.pk, to="closed", by=ada, now=NOW)

    complete(last, ada)
    closed = incidents.move_phase(incident_id=programme.pk, to="closed", by=ada, now=NOW)

    assert closed.phase == "closed" and not closed.waivers.filter(phase="recovery").exists()


def test_the_board_shows_the_tasks_and_completing_there_needs_words(ada, programme, browse):
    url = f"/incidents/{programme.ref}/recovery/"
    task = tasks(programme)[0]

    page = browse(ada, url).content.decode()
    refused = browse(ada, f"{url}{task.pk}/complete/", {"evidence": ""})
    browse(ada, f"{url}{task.pk}/complete/", {"evidence": "<script>alert(1)</script> https://example.com/a"})

    assert "Recovery: 0 of 12 done" in page and all(one.title in page for one in tasks(programme))
    assert refused.status_code == 422 and "Show what proves" in refused.content.decode()
    after = browse(ada, url).content.decode()
    assert "Recovery: 1 of 12 done" in after and "&lt;script&gt;" in after
    assert "1 of 12" in browse(ada, "/recovery/").content.decode()


def test_a_task_of_another_incident_or_for_others_looks_missing_X3(ada, cleo, programme, browse):
    task = tasks(programme)[0]
    other = factories.make_incident(ada)

    assert browse(ada, f"/incidents/{other.ref}/recovery/{task.pk}/complete/", {"evidence": "x"}).status_code == 404
    assert browse(cleo, f"/incidents/{programme.ref}/recovery/").status_code == 404
    assert browse(cleo, "/recovery/").status_code == 404
    task.refresh_from_db()
    assert task.state == "open"


# Waived, handed over, closed


def in_recovery(ada):
    incident = resolve(factories.make_incident(ada), ada)
    return incident, incident.recovery_tasks.order_by("position").first()


def test_a_waived_task_says_so_on_its_board_and_rings_no_more(ada, browse):
    incident, task = in_recovery(ada)
    url = f"/incidents/INC-{incident.number}/recovery/"

    assert browse(ada, f"{url}{task.pk}/waive/", {"reason": " "}).status_code == 422
    browse(ada, f"{url}{task.pk}/waive/", {"reason": "No systems were touched"})

    task.refresh_from_db()
    page = browse(ada, url).content.decode()
    assert (task.state, "No systems were touched" in page, "1 waived with a reason" in page) == ("waived", True, True)
    assert not incident.deadlines.open().filter(subject=f"task:{task.pk}").exists()
    with pytest.raises(Conflict, match="waived already, by Ada"):
        actions.complete_task(task_id=task.pk, evidence="x", by=ada, now=NOW)


def test_a_task_is_handed_over_on_its_board(ada, browse):
    incident, task = in_recovery(ada)
    nora = factories.make_user("nora", roles=["product"])

    browse(ada, f"/incidents/INC-{incident.number}/recovery/{task.pk}/owner/", {"owner": nora.pk})

    task.refresh_from_db()
    assert (task.owner, incident.deadlines.get(subject=f"task:{task.pk}").owner) == (nora, nora)


def test_closing_waives_what_is_still_open(ada):
    incident, _ = in_recovery(ada)
    for to in ("recovery", "closed"):
        incidents.move_phase(incident_id=incident.pk, to=to, by=ada, now=NOW, waive_reason="The customer left")

    assert set(incident.recovery_tasks.values_list("state", "evidence")) == {("waived", "The incident was closed.")}


def test_when_the_rest_was_waived_the_list_says_that_nothing_is_open(ada, programme, browse):
    first, *rest = tasks(programme)
    complete(first, ada)
    for task in rest:
        actions.waive_task(task_id=task.pk, reason="No systems were touched", by=ada, now=NOW)

    page = browse(ada, "/recovery/").content.decode()

    assert f"Nothing open: 1 done, {len(rest)} waived" in page
    assert "All done" not in page


def test_handing_over_to_whoever_has_it_says_so_and_the_menu_stays_in_recovery(ada, programme, browse):
    task = tasks(programme)[0]

    response = browse(ada, f"/incidents/{programme.ref}/recovery/{task.pk}/owner/", {"owner": task.owner.pk})

    assert "has this task already" in response.content.decode()
    assert [item["label"] for item in response.context["nav"] if item["current"]] == ["Recovery"]


def test_the_policy_of_recovery_stands_in_set_up(olga, policies, browse):
    response = browse(olga, "/setup/policies/recovery/")

    assert [item["label"] for item in response.context["nav"] if item["current"]] == ["Set-up"]
