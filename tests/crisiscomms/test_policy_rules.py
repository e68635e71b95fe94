"""What may stand in a policy: the shipped ones do, and what does not fit is refused with its place."""

import copy

import pytest

from crisiscomms import policy
from crisiscomms.policy import BadPolicy
from crisiscomms.refusal import Refused
from tests.conftest import NOW


@pytest.mark.parametrize("key", ["incidents", "messaging", "delivery", "recovery"])
def test_the_shipped_policies_fit_and_read_back_as_written(policies, key):
    about, data = policy.description_of(key), policy.current(key)

    assert policy.checked(about, policy.read(policy.written(about, data))) == data


BAD = [
    ("messaging", "settings.hold_seconds", "soon", "settings.hold_seconds: has to be a whole number"),
    ("messaging", "settings.hold_seconds", -1, "settings.hold_seconds: should be greater than or equal to 0"),
    ("messaging", "settings.extra", 1, "settings.extra: is not an entry that is known here"),
    ("messaging", "rules.0.stages.0.roles", ["boss"], "“boss” is not a role"),
    ("messaging", "rules.0.stages.0.roles", ["sales"], "sales sees no drafts"),
    ("messaging", "rules.2.kind", "service_disruption", "the last of the rules has to match everything"),
    ("messaging", "rules", [], "rules: "),
    ("incidents", "severities.major.acknowledge_minutes", 500, "past the hard limit"),
    ("incidents", "severities.major.cadence_remind_minutes", 240, "shorter than cadence_minutes"),
    ("incidents", "escalation_steps.1.minutes", 0, "in order of their minutes"),
    ("incidents", "phases.1.exit_criteria.0.check", "luck", "“luck” is not a check"),
    ("delivery", "unknown.major", "guess", "unknown.major"),
    ("delivery", "customer_first.tiers", [4], "customer_first.tiers.1"),
    ("recovery", "tasks.0.due_days", 9999, "tasks.1.due_days"),
    ("recovery", "tasks.0.key", "customer-explanation", "each task needs a key of its own"),
]


def put(data, path, value):
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in way:
        data = data[part]
    data[last] = value


@pytest.mark.parametrize(("key", "path", "value", "words"), BAD, ids=lambda part: str(part)[:40])
def test_what_does_not_fit_is_refused_with_its_place(olga, key, path, value, words):
    data = copy.deepcopy(policy.current(key))
    put(data, path, value)

    with pytest.raises(BadPolicy) as bad:
        policy.change(key=key, base=1, data=data, reason="x", by=olga, now=NOW)

    assert words in str(bad.value)
    assert policy.newest(key).version == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "cannot be read in line"),
        ("a: 1\na: 2", "stands there twice"),
        ("a: &x [1]\nb: *x", "anchors and aliases"),
        ("!!python/object/apply:os.system ['true']", "cannot be read"),
        ("[" * 2000, "cannot be read"),
        ("x" * 100_001, "longer than"),
        ("? [a]\n: b", "cannot be read"),
        ("a: \x00", "cannot be read"),
    ],
)
def test_text_that_cannot_be_read_is_refused_with_words(text, words):
    with pytest.raises(BadPolicy, match=words):
        policy.read(text)


def test_names_are_not_compared_each_with_each(monkeypatch):
    compared = []

    class Name(str):
        __hash__ = str.__hash__

        def __eq__(self, other):
            compared.append(other)
            return str.__eq__(self, other)

    usual = policy._Loader.construct_object
    monkeypatch.setattr(
        policy._Loader,
        "construct_object",
        lambda self, node, deep=False: (
            Name(node.value) if isinstance(node.value, str) else usual(self, node, deep=deep)
        ),
    )

    assert len(policy.read("".join(f"a{n}: x\n" for n in range(300)))) == 300
    assert len(compared) < 3_000


@pytest.mark.parametrize("text", ["", "- a", "7", "just words", "2001-01-01"])
def test_text_that_is_no_policy_is_refused(policies, text):
    with pytest.raises(BadPolicy):
        policy.checked(policy.description_of("messaging"), policy.read(text))


def test_a_change_needs_an_administrator_a_reason_and_a_difference(olga, ada):
    data = policy.current("recovery")

    for by, reason, words in (
        (ada, "x", "Only an administrator"),
        (olga, " ", "Say why"),
        (olga, "x", "Nothing is diff"),
    ):
        with pytest.raises(Refused, match=words):
            policy.change(key="recovery", base=1, data=data, reason=reason, by=by, now=NOW)


def test_differences_name_each_place_once():
    before = {"a": 1, "b": [{"c": True}], "d": ["x", "y"], "e": None}
    after = {"a": 2, "b": [{"c": False}, {"c": True}], "d": ["x"], "e": None}

    assert policy.differences(before, after) == [
        ("a", "1", "2"),
        ("b.1.c", "yes", "no"),
        ("b.2.c", "none", "yes"),
        ("d", "x, y", "x"),
    ]
