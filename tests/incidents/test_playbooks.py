"""Playbooks: written in versions, applied when an incident is declared, their tasks done or waived by name."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from crisiscomms import handover
from crisiscomms.models import Notice, Role
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from desk import defaults
from incidents import actions, playbooks
from incidents.actions import plans
from incidents.models import AppliedPlaybook, Incident, PlaybookTask, PlaybookVersion
from incidents.playbooks import starters as starter_playbooks
from tests import factories
from tests.conftest import NOW

LATER = NOW + timedelta(hours=1)
TASKS = ["30 | legal | Ask the insurer", "10 | product | Say what fails"]


@pytest.fixture
def lea(policies):
    return factories.make_user("lea", roles=["legal"])


def write(by, kind="service_disruption", severity="major", base=0, reason="First version", **sections):
    data = {"tasks": {"tasks": TASKS}, **sections}
    return actions.write_playbook(kind=kind, severity=severity, sections=data, base=base, reason=reason, by=by, now=NOW)


def tasks_of(incident):
    return {task.title: task for task in incident.plan_tasks.select_related("owner")}


# Writing


def test_a_version_is_kept_as_it_is_with_its_review_date(ada):
    first = write(ada)
    second = write(ada, base=1, facts={"questions": ["Since when?"]}, reason="What to ask")

    assert (first.number, second.number, second.review_by) == (1, 2, NOW + timedelta(days=90))
    assert playbooks.newest("service_disruption", "major") == second
    for change in (lambda: PlaybookVersion.objects.update(reason="x"), lambda: PlaybookVersion.objects.all().delete()):
        with pytest.raises(DatabaseError, match="Cannot"), transaction.atomic():
            change()


def test_roles_are_written_by_name_and_kept_by_key(ada, browse):
    version = write(
        ada, people={"roles": ["Product marketing", "legal"]}, tasks={"tasks": ["30 | LEGAL | Ask the insurer"]}
    )

    assert version.sections["people"]["roles"] == ["product_marketing", "legal"]
    assert version.sections["tasks"]["tasks"] == ["30 | legal | Ask the insurer"]
    page = browse(ada, "/playbooks/service_disruption-major/edit/").content.decode()
    assert "Product marketing\nLegal</textarea>" in page and "30 | Legal | Ask the insurer</textarea>" in page
    with pytest.raises(Refused, match=r"“Wizard” is no role\. Roles are: Product marketing"):
        write(ada, base=1, tasks={"tasks": ["30 | Wizard | Ask the insurer"]})
    with pytest.raises(Refused, match=r"“Wizard” is not known\. Known are: Product marketing"):
        write(ada, base=1, people={"roles": ["Wizard"]})


def test_of_two_who_write_the_second_is_told(ada, lea):
    write(ada)

    with pytest.raises(Conflict, match="changed by Ada meanwhile"):
        write(lea, facts={"questions": ["Since when?"]})
    with pytest.raises(Refused, match="Nothing is different"):
        write(ada, base=1)
    with pytest.raises(Refused, match="why it changes"):
        write(ada, base=1, reason=" ")


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"tasks": {"tasks": ["Call"]}}, "line 1: write it as"),
        ({"tasks": {"tasks": ["0 | legal | Call"]}}, "the minutes count"),
        ({"tasks": {"tasks": ["99999 | legal | Call"]}}, "the minutes count"),
        ({"tasks": {"tasks": ["²3 | legal | Call"]}}, "write it as"),
        ({"tasks": {"tasks": ["5 | king | Call"]}}, "no role"),
        ({"tasks": {"tasks": ["5 | legal | "]}}, "160 characters"),
        ({"people": {"roles": ["king"]}}, "not known"),
        ({"messages": {"templates": ["none"]}}, "not known"),
        ({"sending": {"channels": ["pigeon"]}}, "not known"),
        ({"facts": {"questions": ["x" * 301]}}, "300 characters"),
        ({"facts": {"questions": ["a\u202eb"]}}, "hidden character"),
        ({"facts": {"questions": ["x"] * 41}}, "at most 40 lines"),
        ({"facts": {"questions": "x"}}, "as lines"),
        ({"facts": {"more": []}}, "not known"),
        ({"more": {}}, "not known"),
    ],
)
def test_i8_what_does_not_fit_is_refused_with_its_line(sections, words, ada):
    with pytest.raises(Refused, match=words):
        write(ada, **sections)


def test_somebody_else_than_the_author_agrees_once(ada, lea, cleo):
    version = write(ada)

    with pytest.raises(NotAllowed, match="Somebody else"):
        actions.agree_to_playbook(version_id=version.pk, by=ada, now=NOW)
    with pytest.raises(NotAllowed):
        actions.agree_to_playbook(version_id=version.pk, by=cleo, now=NOW)
    actions.agree_to_playbook(version_id=version.pk, by=lea, now=NOW)
    with pytest.raises(Conflict, match="Lea has agreed"):
        actions.agree_to_playbook(version_id=version.pk, by=lea, now=NOW)
    write(ada, base=1, facts={"questions": ["Since when?"]})
    with pytest.raises(Conflict, match="newer"):
        actions.agree_to_playbook(version_id=version.pk, by=lea, now=NOW)


def test_who_may_not_work_writes_none(ben, cleo):
    for person in (ben, cleo):
        with pytest.raises(NotAllowed):
            write(person)


# Applying


def test_declaring_freezes_the_version_and_opens_its_tasks_by_role(ada, lea):
    version = write(ada)

    incident = factories.make_incident(ada)

    assert incident.applied_playbooks.get().version == version
    tasks = tasks_of(incident)
    assert (tasks["Ask the insurer"].owner, tasks["Ask the insurer"].due_at) == (lea, NOW + timedelta(minutes=30))
    # Nobody has the role of product: the lead sees to it.
    assert tasks["Say what fails"].owner == ada
    clocks = incident.deadlines.filter(kind="playbook_task").order_by("due_at")
    assert [(one.title, one.owner) for one in clocks] == [("Say what fails", ada), ("Ask the insurer", lea)]


def test_an_edit_later_counts_for_the_next_incident(ada):
    first = write(ada)
    incident = factories.make_incident(ada)

    second = write(ada, base=1, tasks={"tasks": ["5 | legal | Something new"]})

    assert incident.applied_playbooks.get().version == first and "Something new" not in tasks_of(incident)
    assert factories.make_incident(ada).applied_playbooks.get().version == second


@pytest.mark.parametrize(
    ("written", "found"),
    [(["major", ""], "major"), (["", "minor"], ""), (["minor"], None), ([], None)],
)
def test_its_own_severity_comes_before_any(written, found, ada):
    made = {severity: write(ada, severity=severity) for severity in written}

    matching = playbooks.matching("service_disruption", "major")

    assert matching == (made[found] if found is not None else None)
    assert playbooks.matching("ethics_controversy", "major") is None


def test_applying_twice_opens_nothing_new(ada):
    write(ada)
    incident = factories.make_incident(ada)

    plans.apply_playbook(incident=incident, by=ada, now=LATER)

    assert (AppliedPlaybook.objects.count(), incident.plan_tasks.count()) == (1, 2)


def test_without_a_playbook_nothing_opens(ada):
    incident = factories.make_incident(ada)

    assert not incident.plan_tasks.exists() and not incident.applied_playbooks.exists()
    with pytest.raises(Refused, match="Nobody has written"):
        actions.switch_playbook(incident_id=incident.pk, by=ada, now=NOW)


@pytest.mark.parametrize("is_over", [False, True])
def test_a_plan_starts_for_what_is_declared_and_not_over(is_over, ada):
    words = {"title": "Payouts take a day", "kind": "service_disruption", "severity": "major", "noticed_at": NOW}
    incident = factories.make_incident(ada) if is_over else actions.open_watch_item(**words, by=ada, now=NOW)
    write(ada)
    if is_over:
        actions.stand_down(incident_id=incident.pk, reason="A false alarm", by=ada, now=NOW)

    with pytest.raises(Refused, match="No plan starts"):
        actions.switch_playbook(incident_id=incident.pk, by=ada, now=NOW)


def test_its_roles_join_the_team_and_are_told_but_never_of_a_restricted_one(ada, ben):
    write(ada, severity="minor", people={"roles": ["executive"]})

    open_one = factories.make_incident(ada, severity="minor")
    restricted = factories.make_incident(ada, severity="minor", restricted=True)

    assert open_one.team.filter(person=ben).exists() and not restricted.team.filter(person=ben).exists()
    assert [one.key for one in Notice.objects.filter(person=ben, kind="declared")] == [open_one.ref]


def test_another_severity_offers_its_plan_and_adds_its_tasks(ada):
    write(ada)
    write(ada, severity="critical", tasks={"tasks": [TASKS[0], "15 | product | Wake the second team"]})
    incident = factories.make_incident(ada)
    with pytest.raises(Refused, match="already"):
        actions.switch_playbook(incident_id=incident.pk, by=ada, now=LATER)
    actions.change_severity(incident_id=incident.pk, severity="critical", by=ada, now=LATER)

    actions.switch_playbook(incident_id=incident.pk, by=ada, now=LATER)

    assert set(tasks_of(incident)) == {"Ask the insurer", "Say what fails", "Wake the second team"}
    # Its minutes counted from the declaration are over: it is due now, not in the past.
    assert tasks_of(incident)["Wake the second team"].due_at == LATER
    assert incident.applied_playbooks.first().version.playbook.severity == "critical"


# Its tasks


@pytest.mark.parametrize("start", PlaybookTask.State)
@pytest.mark.parametrize("to", ["done", "waived"])
def test_every_move_of_a_task_is_in_the_table_or_refused(start, to, ada):
    write(ada)
    incident = factories.make_incident(ada)
    task = tasks_of(incident)["Ask the insurer"]
    if start != "open":
        PlaybookTask.objects.filter(pk=task.pk).update(state=start, done_at=NOW, done_by=ada, note="x")

    def act():
        if to == "done":
            return actions.complete_plan_task(task_id=task.pk, by=ada, now=LATER)
        return actions.waive_plan_task(task_id=task.pk, reason="Not insured.", by=ada, now=LATER)

    if to in PlaybookTask.MOVES[start]:
        assert act().state == to
        clock = incident.deadlines.get(kind="playbook_task", title="Ask the insurer")
        assert clock.state == {"done": "met", "waived": "waived"}[to]
    else:
        with pytest.raises(Conflict):
            act()


def test_waiving_needs_a_reason_and_a_person_who_works_here(ada, cleo):
    write(ada)
    task = tasks_of(factories.make_incident(ada))["Ask the insurer"]

    with pytest.raises(Refused, match="why"):
        actions.waive_plan_task(task_id=task.pk, reason=" ", by=ada, now=NOW)
    with pytest.raises(NotAllowed):
        actions.complete_plan_task(task_id=task.pk, by=cleo, now=NOW)


def test_closing_ends_what_is_open(ada):
    write(ada)
    incident = factories.make_incident(ada)

    actions.stand_down(incident_id=incident.pk, reason="A false alarm.", by=ada, now=LATER)

    assert set(incident.plan_tasks.values_list("state", flat=True)) == {"waived"}
    assert not incident.deadlines.open().exists()


def test_whoever_leaves_passes_their_tasks_on(ada, lea, olga):
    write(ada)
    incident = factories.make_incident(ada)

    for holding, _ in handover.held_by(lea):
        holding.pass_on(person=lea, to=ada, by=olga, now=NOW)

    assert tasks_of(incident)["Ask the insurer"].owner == ada
    assert not incident.deadlines.open().filter(owner=lea).exists()


# What ships


SHIPPED = starter_playbooks.shipped()


def test_every_kind_and_severity_has_one_and_each_reads_differently(policies):
    assert set(SHIPPED) == {(kind, severity) for kind in Incident.Kind.values for severity in Incident.Severity.values}
    cleaned = [playbooks.clean(sections) for sections in SHIPPED.values()]
    assert len({str(one) for one in cleaned}) == 15


@pytest.mark.parametrize("key", SHIPPED, ids=lambda key: "-".join(key))
def test_a_shipped_one_is_whole_and_its_tasks_get_sooner_with_severity(key, policies):
    sections = playbooks.clean(SHIPPED[key])
    kind, severity = key

    assert all(sections[name][field] for name, field in [("people", "roles"), ("facts", "questions"), ("documents", "expected"), ("halting", "notes"), ("messages", "audiences"), ("sending", "waves"), ("sending", "channels")])  # fmt: skip
    assert all(sections["phases"].values()) and set(sections["phases"]) == set(Incident.Phase.values) - {"closed"}
    tasks = {task.title: task for task in map(playbooks.read_task, sections["tasks"]["tasks"])}
    assert 2 <= len(tasks) <= 8 and {task.role for task in tasks.values()} <= set(Role.values)
    milder = {"critical": "major", "major": "minor"}.get(severity)
    if milder:
        later = {task.title: task for task in map(playbooks.read_task, SHIPPED[kind, milder]["tasks"]["tasks"])}
        assert set(later) <= set(tasks)
        assert all(tasks[title].minutes < later[title].minutes for title in later)


def test_defaults_bring_what_is_missing_and_leave_what_a_company_wrote(ada):
    mine = write(ada)

    assert defaults.load_playbooks(now=LATER) == 14
    assert defaults.load_playbooks(now=LATER) == 0
    assert playbooks.newest("service_disruption", "major") == mine
    assert playbooks.newest("ethics_controversy", "minor").author is None


# Pages


def test_the_editor_keeps_what_was_typed_and_says_what_is_wrong(ada, browse):
    page = "/playbooks/service_disruption-major/edit/"
    typed = {
        "base": "0",
        "reason": "First",
        "tasks-tasks": "10 | product | Say what fails\nCall",
        "facts-questions": "Since when?",
    }

    wrong = browse(ada, page, typed)
    assert wrong.status_code == 422
    assert "line 2: write it as" in wrong.content.decode() and "Since when?" in wrong.content.decode()
    assert browse(ada, page, {**typed, "tasks-tasks": "10 | product | Say what fails"}).status_code == 302
    assert browse(ada, page, {**typed, "tasks-tasks": "11 | product | Say what fails"}).status_code == 422

    shown = browse(ada, "/playbooks/service_disruption-major/").content.decode()
    assert "Within 10 min, product: Say what fails" in shown and "Since when?" in shown


def test_the_matrix_says_what_has_none_and_what_is_to_be_reviewed(ada, browse):
    write(ada)
    assert "14 without one" in browse(ada, "/playbooks/").content.decode()

    PlaybookVersion.objects.all()
    old = actions.write_playbook(
        kind="ethics_controversy", severity="minor", sections={}, base=0, reason="Old", by=ada,
        now=NOW - timedelta(days=91),
    )  # fmt: skip
    text = browse(ada, "/playbooks/").content.decode()
    assert "13 without one" in text and "1 to be reviewed" in text
    assert "Its review was due" in browse(ada, f"/playbooks/{old.playbook.slug}/").content.decode()


def test_the_history_shows_what_changed_and_old_versions_can_be_read(ada, lea, browse):
    write(ada)
    write(ada, base=1, tasks={"tasks": ["5 | legal | Something new"]}, reason="Shorter")

    text = browse(ada, "/playbooks/service_disruption-major/history/").content.decode()
    assert "Something new" in text and "Ask the insurer" in text and "Shorter" in text
    old = browse(ada, "/playbooks/service_disruption-major/?version=1").content.decode()
    assert "Ask the insurer" in old and "Something new" not in old
    assert browse(ada, "/playbooks/service_disruption-major/?version=9").status_code == 404
    assert browse(ada, "/playbooks/nothing-major/").status_code == 404
    browse(lea, "/playbooks/service_disruption-major/agree/", {"version": "1"})
    assert not PlaybookVersion.objects.exclude(approval=None).exists()
    browse(lea, "/playbooks/service_disruption-major/agree/", {"version": "2"})
    assert PlaybookVersion.objects.exclude(approval=None).get().number == 2


def test_declaring_says_which_plan_starts_and_the_room_shows_it(ada, browse):
    write(ada)

    before = browse(ada, "/incidents/declare/consequences/?kind=service_disruption&severity=major", htmx=True)
    assert "version 1" in before.content.decode() and "Ask the insurer" in before.content.decode()
    incident = factories.make_incident(ada)
    task = tasks_of(incident)["Say what fails"]
    page = f"/incidents/{incident.ref}/plan/"
    assert browse(ada, page, {"task": task.pk, "act": "done", "from_room": "1"}).url == f"/incidents/{incident.ref}/"
    assert browse(ada, page, {"task": task.pk, "act": "done"}).status_code == 422
    assert browse(ada, page, {"task": 999_999, "act": "done"}).status_code == 404

    room = browse(ada, f"/incidents/{incident.ref}/").content.decode()
    assert "1 of 2 tasks settled" in room
    assert "Ask the insurer" in browse(ada, page).content.decode()


def test_a_plan_is_seen_by_whoever_sees_its_incident(ada, cleo, browse):
    write(ada)
    carl = factories.make_user("carl", roles=["product_marketing"])
    incident = factories.make_incident(ada, restricted=True)

    assert browse(carl, f"/incidents/{incident.ref}/plan/").status_code == 404
    assert browse(cleo, "/playbooks/").status_code == 404
