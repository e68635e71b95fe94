"""The language of thresholds, written out as a table: every operator, AND and OR, values that are missing."""

from datetime import timedelta

import pytest

from crisiscomms.refusal import Refused
from incidents.noticing import thresholds, vocabulary
from incidents.noticing.thresholds import Facts, Windows
from tests.conftest import NOW


class Given(Windows):
    """Windows with the amounts that a test says: {(name, kind, minutes): amount}."""

    def __init__(self, amounts=None):
        super().__init__()
        self.amounts = amounts or {}

    def _ask(self, name, kind, minutes, end):
        return self.amounts.get((name, kind, minutes), 0.0)


def facts(values=None, *, kind="alertmanager", source="Alerts", components=(), seen=1, windows=None):
    return Facts(values or {}, kind, source, tuple(components), seen, NOW, Given(windows))


def condition(what, name, is_, value, minutes=None):
    return {"what": what, "name": name, "is": is_, "value": value, "minutes": minutes}


def rule(*groups, match="all", **fields):
    """`groups` are ("all" or "any", conditions)."""
    data = {
        "match": match,
        "groups": [{"match": how, "conditions": list(conditions)} for how, *conditions in groups],
        "outcome": "crisis", "opens_watch_item": False, "kind": "service_disruption", "severity": "major",
        "components": [], **fields,
    }  # fmt: skip
    return thresholds.read(thresholds.checked(data))


def holds(one, given):
    return bool(thresholds.verdict(rule(("all", one)), given))


RATE = {"error_rate": 2.0}
NUMBERS = [
    # operator, limit, have → holds
    ("above", 2, 2.0, False), ("above", 2, 2.01, True), ("above", 2, -5.0, False),
    ("at_least", 2, 2.0, True), ("at_least", 2, 1.99, False),
    ("below", 2, 2.0, False), ("below", 2, 1.99, True), ("below", 2, 0.0, True),
    ("at_most", 2, 2.0, True), ("at_most", 2, 2.01, False),
    ("equals", 2, 2.0, True), ("equals", 2, 2.5, False),
]  # fmt: skip


@pytest.mark.parametrize(("is_", "limit", "have", "wanted"), NUMBERS)
def test_a_number_is_held_to_its_limit(is_, limit, have, wanted):
    assert holds(condition("number", "error_rate", is_, limit), facts({"error_rate": have})) is wanted


@pytest.mark.parametrize("is_", ["above", "at_least", "below", "at_most", "equals"])
@pytest.mark.parametrize("values", [{}, {"error_rate": "many"}, {"error_rate": True}, {"other": 2.0}])
def test_a_number_that_is_missing_or_none_decides_nothing(is_, values):
    for limit in (-(10**6), 0, 10**6):
        assert not holds(condition("number", "error_rate", is_, limit), facts(values))


WORDS = [
    ("equals", "personal", "personal", True), ("equals", "personal", "Personal", True),
    ("equals", "personal", "payment", False),
    ("differs", "personal", "payment", True), ("differs", "personal", "personal", False),
    ("one_of", "personal, payment", "payment", True), ("one_of", "personal, payment", "none", False),
    ("equals", "500", 500.0, True), ("differs", "500", 500.0, False),
]  # fmt: skip


@pytest.mark.parametrize(("is_", "wanted_word", "have", "wanted"), WORDS)
def test_a_word_is_compared_without_its_case(is_, wanted_word, have, wanted):
    assert holds(condition("word", "code", is_, wanted_word), facts({"code": have})) is wanted


@pytest.mark.parametrize("is_", ["equals", "differs", "one_of"])
@pytest.mark.parametrize("values", [{}, {"data_class": True}, {"data_class": None}])
def test_a_word_that_is_missing_decides_nothing_not_even_that_it_differs(is_, values):
    assert not holds(condition("word", "data_class", is_, "personal"), facts(values))


@pytest.mark.parametrize(("asked", "have", "wanted"), [
    (True, True, True), (True, False, False), (False, False, True), (False, True, False),
    (True, None, False), (False, None, False), (True, "yes", False), (False, 0.0, False),
])  # fmt: skip
def test_a_yes_or_no_that_is_not_known_is_neither(asked, have, wanted):
    values = {} if have is None else {"media_enquiry": have}
    assert holds(condition("flag", "media_enquiry", "equals", asked), facts(values)) is wanted


@pytest.mark.parametrize(("one", "wanted"), [
    (condition("kind", "", "equals", "alertmanager"), True), (condition("kind", "", "differs", "person"), True),
    (condition("kind", "", "one_of", "sentry, pagerduty"), False),
    (condition("source", "", "equals", "alerts"), True), (condition("source", "", "differs", "alerts"), False),
    (condition("component", "", "equals", "Payouts"), True), (condition("component", "", "one_of", "Login, cards"), True),
    (condition("component", "", "equals", "Login"), False), (condition("component", "", "differs", "Login"), True),
    (condition("component", "", "differs", "Cards"), False),
])  # fmt: skip
def test_where_it_comes_from_and_what_it_affects(one, wanted):
    assert holds(one, facts(components=("Payouts", "Cards"))) is wanted


def test_what_affects_nothing_that_is_known_does_not_differ_from_it():
    assert not holds(condition("component", "", "differs", "Login"), facts())


@pytest.mark.parametrize(("amount", "wanted"), [(24.0, False), (25.0, True), (26.0, True)])
def test_windows_add_up_what_is_new_with_each_report(amount, wanted):
    tickets = condition("number", "tickets", "at_least", 25, 60)
    assert holds(tickets, facts({"tickets": 999.0}, windows={("tickets", "", 60): amount})) is wanted


def test_how_many_came_in_can_be_of_one_kind():
    seen = {("", "sentry", 10): 5.0, ("", "", 10): 50.0}
    assert holds(condition("times", "sentry", "at_least", 5, 10), facts(windows=seen))
    assert not holds(condition("times", "sentry", "above", 5, 10), facts(windows=seen))
    assert holds(condition("times", "", "above", 49, 10), facts(windows=seen))
    assert holds(condition("number", "seen", "at_least", 3), facts(seen=3))


# AND and OR: every combination of two conditions in two groups, against what Python says.
YES, NO = condition("number", "error_rate", "equals", 2), condition("number", "error_rate", "above", 2)
PAIRS = [(a, b, c, d) for a in (0, 1) for b in (0, 1) for c in (0, 1) for d in (0, 1)]


@pytest.mark.parametrize("outer", ["all", "any"])
@pytest.mark.parametrize("first", ["all", "any"])
@pytest.mark.parametrize("second", ["all", "any"])
def test_groups_and_conditions_join_as_and_and_or(outer, first, second):
    join = {"all": all, "any": any}
    for a, b, c, d in PAIRS:
        one = rule((first, *([NO, YES][x] for x in (a, b))), (second, *([NO, YES][x] for x in (c, d))), match=outer)
        wanted = join[outer]([join[first]([a, b]), join[second]([c, d])])
        assert bool(thresholds.verdict(one, facts(RATE))) == bool(wanted), (a, b, c, d)


def test_the_reason_is_a_sentence_with_the_figures():
    errors = condition("number", "error_rate", "above", 2)
    accounts = condition("number", "accounts_affected", "at_least", 25)

    said = thresholds.verdict(rule(("all", errors, accounts)), facts({"error_rate": 4.2, "accounts_affected": 31.0}))

    assert said == "Error rate 4.2\u00a0% is above 2\u00a0%, and 31 accounts are affected, at least 25"


@pytest.mark.parametrize(("one", "given", "said"), [
    (condition("number", "tickets", "at_least", 25, 60), {"windows": {("tickets", "", 60): 27.0}},
     "27 tickets within 60 min, at least 25"),
    (condition("times", "", "above", 9, 10), {"windows": {("", "", 10): 12.0}}, "12 signals within 10 min, above 9"),
    (condition("times", "sentry", "above", 9, 10), {"windows": {("", "sentry", 10): 12.0}},
     "12 signals from Sentry within 10 min, above 9"),
    (condition("flag", "media_enquiry", "equals", True), {"values": {"media_enquiry": True}}, "A journalist asks"),
    (condition("word", "data_class", "one_of", "personal"), {"values": {"data_class": "personal"}},
     "Data that may be affected: Personal data"),
    (condition("kind", "", "equals", "person"), {"kind": "person"}, "It comes from A person"),
    (condition("number", "queue", "above", 1000), {"values": {"queue": 12345.0}}, "Queue 12\u202f345 is above 1\u202f000"),
])  # fmt: skip
def test_each_sort_of_condition_has_its_words(one, given, said):
    assert thresholds.verdict(rule(("all", one)), facts(**given)) == said
    assert all(words for _, words in thresholds.described(rule(("all", one))))


@pytest.mark.parametrize("wrong", [
    condition("number", "error_rate", "above", "2"), condition("number", "error_rate", "one_of", 2),
    condition("number", "error_rate", "above", True), condition("number", "", "above", 2),
    condition("number", "error_rate", "above", 2, 60), condition("number", "tickets", "above", 2, 0),
    condition("number", "tickets", "above", 2, 60 * 24 * 8), condition("times", "", "above", 2),
    condition("times", "nobody", "above", 2, 5), condition("word", "", "equals", "x"),
    condition("word", "a", "above", "x"), condition("word", "a", "equals", " "), condition("word", "a", "equals", 3),
    condition("flag", "media_enquiry", "equals", "yes"), condition("flag", "no_such", "equals", True),
    condition("flag", "media_enquiry", "differs", True), condition("kind", "", "equals", "fax"),
    condition("weather", "", "equals", "x"), condition("number", "error_rate", "above", float("inf")) | {"more": 1},
    {"what": "number"},
])  # fmt: skip
def test_a_condition_that_means_nothing_is_refused_with_its_place(wrong):
    with pytest.raises(Refused, match="Condition 1"):
        rule(("all", wrong))


@pytest.mark.parametrize("fields", [
    {"kind": "flood"}, {"severity": "huge"}, {"outcome": "panic"}, {"opens_watch_item": "yes"}, {"match": "some"},
])  # fmt: skip
def test_a_rule_that_means_nothing_is_refused(fields):
    with pytest.raises(Refused):
        rule(("all", YES), **fields)


def test_a_rule_without_conditions_is_refused():
    for groups in ([], [("all",)], [("all", *[YES] * 21)], [("all", YES)] * 11):
        with pytest.raises(Refused):
            rule(*groups)


@pytest.mark.parametrize(("name", "value", "read"), [
    ("error_rate", "4.2 %", 4.2), ("error_rate", "4,2", "4,2"), ("x", "1e3", 1000.0), ("x", "1e999", "1e999"),
    ("x", float("nan"), None), ("x", float("inf"), None), ("x", 10**18, None), ("x", 3, 3.0), ("x", True, True),
    ("media_enquiry", "yes", True), ("media_enquiry", "false", False), ("x", "yes", "yes"), ("x", "", None),
    ("x", None, None), ("x", [1], None), ("x", {"a": 1}, None), ("x", "a\u202eb\nc", "a b c"), ("x", "y" * 999, "y" * 200),
    ("x", "٣", "٣"), ("x", "9" * 400, "9" * 200),
])  # fmt: skip
def test_values_are_numbers_words_or_yes_and_no(name, value, read):
    found = vocabulary.value_of(name, value)
    assert found == read and type(found) is type(read)


@pytest.mark.parametrize(("text", "name"), [
    ("Error-Rate", "error_rate"), ("  a b ", "a_b"), ("1st", ""), ("", ""), ("é", ""), ("x" * 90, "x" * 40), ("__a", "a"),
])  # fmt: skip
def test_names_are_plain(text, name):
    assert vocabulary.name_of(text) == name


@pytest.mark.django_db
def test_a_window_ends_with_its_own_minute_and_begins_as_many_before():
    from incidents.models import SignalMinute
    from incidents.noticing.trying import _Past

    end = NOW.replace(second=0)
    for minutes, amount in ((0, 1), (1, 2), (59, 4), (60, 8), (61, 16), (-1, 32)):
        moment = end - timedelta(minutes=minutes)
        SignalMinute.objects.create(source=0, kind="person", name="tickets", minute=moment, amount=amount)

    for windows in (Windows(), _Past(end - timedelta(days=1), end)):
        assert windows.amount("tickets", "", 1, NOW) == 1
        assert windows.amount("tickets", "", 2, NOW + timedelta(seconds=59)) == 3
        assert windows.amount("tickets", "", 60, NOW) == 7
        assert windows.amount("tickets", "", 61, NOW) == 15
        assert windows.amount("tickets", "person", 61, NOW) == 15
        assert windows.amount("tickets", "sentry", 61, NOW) == windows.amount("mentions", "", 61, NOW) == 0
