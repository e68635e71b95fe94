"""Policies by fields: each value has its name, unit and meaning, and what does not fit is said at its field."""

import re

import pytest

from crisiscomms import policy
from crisiscomms.models import ControlChange
from crisiscomms.policy import BadPolicy
from crisiscomms.policy_form import PolicyFieldsForm
from crisiscomms.policy_outline import outline
from tests import factories
from tests.conftest import NOW

UNITS = ("seconds", "minutes", "hours", "days", "percent")
# What names a thing, or was left behind: it stands in the text only.
ONLY_TEXT = {"key", "write_back"}


@pytest.fixture
def otto(policies):
    return factories.make_user("otto", roles=["administrator"])


def about(key):
    return policy.description_of(key)


def fields_of(key):
    """What a browser sends back when nothing is changed."""
    form = PolicyFieldsForm(None, about=about(key), version=policy.newest(key))
    sent = {bound.name: bound.value() for bound in form}
    empty = {name: value for name, value in sent.items() if value is not None and value is not False}
    return {**empty, "reason": "Quicker"}


@pytest.mark.parametrize("key", [one.key for one in policy.descriptions()])
def test_every_value_that_people_change_is_a_field_with_its_meaning_and_unit(policies, key):
    data = policy.current(key)
    values = [value for group in outline(about(key), data) for value in group.values()]

    shown = {policy.written_place(value.place) for value in values}
    hidden = {place for place, _, _ in policy.differences({}, data)} - shown
    assert {place.rpartition(".")[2] for place in hidden} <= ONLY_TEXT
    for value in values:
        unit = next((unit for unit in UNITS if unit in str(value.place[-1])), "")
        assert unit in value.label, f"{value.label} does not say its unit"


@pytest.mark.parametrize("key", [one.key for one in policy.descriptions()])
def test_what_is_sent_back_as_shown_changes_nothing(olga, browse, key):
    answer = browse(olga, f"/setup/policies/{key}/", {**fields_of(key), "look": "1"})

    assert answer.status_code == 200
    assert "Nothing is different from the version in force." in answer.content.decode()


CHANGES = [
    ("stakeholders", "v.undo_days", "14", ["undo_days"], 14),
    ("incidents", "v.severities.major.acknowledge_minutes", "45", ["severities", "major", "acknowledge_minutes"], 45),
    ("incidents", "v.severities.major.cadence_remind_minutes", "", ["severities", "major", "cadence_remind_minutes"], None),
    ("incidents", "v.escalation_steps.0.roles", ["owner", "legal"], ["escalation_steps", 0, "roles"], ["owner", "legal"]),
    ("recovery", "v.tasks.0.what", "One.\r\nTwo.", ["tasks", 0, "what"], "One.\nTwo."),
    ("delivery", "v.retry_gaps_seconds", "60, 120\n300", ["retry_gaps_seconds"], [60, 120, 300]),
    ("delivery", "v.unknown.major", "resend", ["unknown", "major"], "resend"),
    ("messaging", "v.settings.fresh_code_for_severities", [], ["settings", "fresh_code_for_severities"], []),
    ("messaging", "v.rules.0.stages.0.escalate_to_role", "", ["rules", 0, "stages", 0, "escalate_to_role"], None),
    ("sign_in", "v.second_factor_roles", ["administrator"], ["second_factor_roles"], ["administrator"]),
]  # fmt: skip


@pytest.mark.parametrize(("key", "name", "typed", "place", "value"), CHANGES, ids=lambda part: str(part)[:40])
def test_a_changed_field_makes_the_next_version_and_nothing_else(olga, browse, key, name, typed, place, value):
    before = policy.current(key)

    answer = browse(olga, f"/setup/policies/{key}/", {**fields_of(key), name: typed, "change": "1"})

    assert (answer.status_code, answer.headers["Location"]) == (302, f"/setup/policies/{key}/")
    data = policy.current(key)
    assert [where for where, _, _ in policy.differences(before, data)] in (
        [policy.written_place(place)],
        # A longer list of numbers is one place.
        [".".join(map(str, place))],
    )
    for part in place:
        data = data[part]
    assert data == value


def test_a_box_without_its_mark_is_a_no(olga, browse):
    sent = fields_of("messaging")
    del sent["v.settings.four_eyes"]

    browse(olga, "/setup/policies/messaging/", {**sent, "change": "1"})

    assert policy.current("messaging")["settings"]["four_eyes"] is False


BAD = [
    ("stakeholders", "v.undo_days", "91", "less than or equal to 90"),
    ("stakeholders", "v.undo_days", "soon", "Enter a whole number"),
    ("stakeholders", "v.undo_days", "", "required"),
    ("incidents", "v.severities.major.acknowledge_minutes", "500", "is past the hard limit"),
    ("incidents", "v.severities.major.cadence_remind_minutes", "240", "has to be shorter than"),
    ("incidents", "v.severities.minor.label", "x" * 301, "at most 300 characters"),
    ("delivery", "v.customer_first.tiers", "1, 4", "Item 2: "),
    ("delivery", "v.retry_gaps_seconds", "1, soon", "“soon” is not a whole number"),
    ("delivery", "v.unknown.major", "guess", "Choose one of those offered"),
    ("messaging", "v.rules.0.stages.0.roles", ["sales"], "Sales sees no drafts"),
    ("retention", "v.sign_in_verbs", "session", "Item 1: "),
]


@pytest.mark.parametrize(("key", "name", "typed", "words"), BAD, ids=lambda part: str(part)[:30])
def test_what_does_not_fit_is_said_at_its_field_and_nothing_typed_is_lost(olga, browse, key, name, typed, words):
    answer = browse(olga, f"/setup/policies/{key}/", {**fields_of(key), name: typed, "change": "1"})

    page = answer.content.decode()
    assert answer.status_code == 422
    error = re.search(rf'id="id_{re.escape(name)}_error">.*?</div>', page, re.DOTALL)
    assert words in page and (error is None) == (name.endswith("roles"))
    assert "Quicker" in page
    assert policy.newest(key).version == 1


def test_a_rule_about_the_whole_is_said_above_all_fields(olga, browse):
    sent = {**fields_of("incidents"), "v.escalation_steps.1.minutes": "0", "change": "1"}

    page = browse(olga, "/setup/policies/incidents/", sent).content.decode()

    assert "have to come in order of their minutes" in page


def test_the_page_says_what_was_shipped_and_who_changed_it_last(olga, browse):
    browse(olga, "/setup/policies/stakeholders/", {**fields_of("stakeholders"), "v.undo_days": "14", "change": "1"})

    page = browse(olga, "/setup/policies/stakeholders/").content.decode()

    assert "Until then its staged rows" in page
    assert re.search(r"Shipped: 7\. <bdi>Olga</bdi> changed it, \d\d:\d\d \(version 2\)\.", page)


def test_two_who_change_different_values_both_get_theirs(olga, otto, browse):
    sent = fields_of("recovery") | {"change": "1"}
    browse(otto, "/setup/policies/recovery/", {**sent, "v.tasks.0.due_days": "5", "reason": "Slower"})

    answer = browse(olga, "/setup/policies/recovery/", {**sent, "v.tasks.1.due_days": "9"})

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "changed by Otto meanwhile: version 2 is in force, you saw 1" in page
    assert "What <bdi>Otto</bdi> changed" in page and "What you changed" in page
    shown = fields_in(page)
    assert [shown[name] for name in ("base", "v.tasks.0.due_days", "v.tasks.1.due_days", "reason")] == [
        "2",
        "5",
        "9",
        "Quicker",
    ]
    assert policy.newest("recovery").version == 2
    again = {**fields_of("recovery"), "v.tasks.1.due_days": "9", "change": "1"}
    assert browse(olga, "/setup/policies/recovery/", again).status_code == 302
    assert [task["due_days"] for task in policy.current("recovery")["tasks"][:2]] == [5, 9]


def fields_in(page):
    return dict(re.findall(r'<input [^>]*name="([^"]+)" value="([^"]*)"', page))


def test_a_value_that_both_changed_stays_as_typed_beside_the_other(olga, otto, browse):
    sent = fields_of("stakeholders") | {"change": "1"}
    browse(otto, "/setup/policies/stakeholders/", {**sent, "v.undo_days": "30"})

    page = browse(olga, "/setup/policies/stakeholders/", {**sent, "v.undo_days": "20"}).content.decode()

    assert fields_in(page)["v.undo_days"] == "20"
    assert '<ins class="text-break">30</ins>' in page


def test_what_another_took_away_meanwhile_is_still_shown_to_who_typed_it(olga, otto, browse):
    sent = fields_of("recovery") | {"change": "1", "v.tasks.11.title": "A talk of our own"}
    data = policy.current("recovery")
    policy.change(key="recovery", base=1, data={"tasks": data["tasks"][:3]}, reason="Less", by=otto, now=NOW)

    answer = browse(olga, "/setup/policies/recovery/", sent)

    assert (answer.status_code, "A talk of our own" in answer.content.decode()) == (409, True)


def test_a_change_of_control_by_fields_waits_for_the_second_person(olga, otto, browse):
    answer = browse(
        olga, "/setup/policies/messaging/", {**fields_of("messaging"), "v.settings.hold_seconds": "0", "change": "1"}
    )

    asked = ControlChange.objects.get()
    assert answer.headers["Location"] == f"/setup/changes/{asked.pk}/"
    assert (asked.differences, policy.newest("messaging").version) == ([["settings.hold_seconds", "120", "0"]], 1)


def test_data_that_do_not_fit_any_more_are_mended_as_text(olga, browse):
    policy.replace(key="stakeholders", data={"undo_days": 7, "old": 1}, by=None, now=NOW)

    with pytest.raises(BadPolicy):
        outline(about("stakeholders"), policy.current("stakeholders"))
    answer = browse(olga, "/setup/policies/stakeholders/")
    assert answer.headers["Location"] == "/setup/policies/stakeholders/text/"


def test_as_text_the_second_one_sees_both_and_can_go_on(olga, otto, browse):
    text = policy.written(about("stakeholders"), policy.current("stakeholders"))
    typed = {"base": 1, "text": text.replace("7", "20"), "reason": "Longer", "change": "1"}
    policy.change(key="stakeholders", base=1, data={"undo_days": 30}, reason="x", by=otto, now=NOW)

    answer = browse(olga, "/setup/policies/stakeholders/text/", typed)

    page = answer.content.decode()
    assert (answer.status_code, "undo_days: 20" in page, "Longer" in page) == (409, True, True)
    assert "What <bdi>Otto</bdi> changed" in page
    assert (
        browse(olga, "/setup/policies/stakeholders/text/", {**typed, "base": fields_in(page)["base"]}).status_code
        == 302
    )
    assert policy.current("stakeholders") == {"undo_days": 20}
