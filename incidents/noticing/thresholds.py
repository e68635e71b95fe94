"""The language of thresholds: groups of conditions over one signal, and what a signal says to them in words.

A rule holds when all (or any) of its groups hold, a group when all (or any) of its conditions do: with these two
levels every AND and OR can be said, and every one of them can be edited. What is not known decides nothing: a
condition on a value that is missing, or of another sort, does not hold, whatever its operator.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.db.models import Sum
from pydantic import Field, ValidationError, model_validator

from crisiscomms.policy import Rules
from crisiscomms.refusal import Refused
from incidents.models import Incident, Signal, SignalMinute
from incidents.models.signals import PERSON, SignalSource
from incidents.noticing import vocabulary
from incidents.noticing.intake import minute_of
from incidents.noticing.vocabulary import COUNTED, NUMBERS

LONGEST_WINDOW = 7 * 24 * 60
COMPARES: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "above": ("above", lambda have, limit: have > limit),
    "at_least": ("at least", lambda have, limit: have >= limit),
    "below": ("below", lambda have, limit: have < limit),
    "at_most": ("at most", lambda have, limit: have <= limit),
    "equals": ("exactly", lambda have, limit: have == limit),
}
KINDS = {**dict(SignalSource.Kind.choices), PERSON: "A person"}
What = Literal["number", "times", "word", "flag", "kind", "source", "component"]
Is = Literal["above", "at_least", "below", "at_most", "equals", "differs", "one_of"]
WORDED = ("equals", "differs", "one_of")


class Condition(Rules):
    """`name` is the value's name; for `times` the kind that is counted, empty for all. `minutes` makes it a window."""

    what: What
    name: Annotated[str, Field(max_length=40)] = ""
    is_: Annotated[Is, Field(alias="is")]
    value: float | bool | Annotated[str, Field(max_length=400)]
    minutes: Annotated[int, Field(ge=1, le=LONGEST_WINDOW)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> "Condition":
        _check_name(self)
        _check_value(self)
        if self.what == "times" and self.minutes is None:
            raise ValueError("say in how many minutes it has to come so often")
        if self.minutes is not None and not (self.what == "times" or (self.what == "number" and self.name in COUNTED)):
            raise ValueError(f"only how often it came, {' and '.join(COUNTED)} can be added up over minutes")
        return self


def _check_name(one: Condition) -> None:
    if one.what == "number" and not vocabulary.name_of(one.name):
        raise ValueError("name the number")
    if one.what == "word" and not vocabulary.name_of(one.name):
        raise ValueError("name the word")
    if one.what == "flag" and one.name not in vocabulary.FLAGS:
        raise ValueError("this yes or no is not known")
    if one.what == "times" and one.name not in ("", *KINDS):
        raise ValueError("nothing of this kind sends signals")


def _check_value(one: Condition) -> None:
    if one.what in ("number", "times"):
        if isinstance(one.value, str | bool) or one.is_ not in COMPARES:
            raise ValueError("give a number to hold it to")
    elif one.what == "flag":
        if not isinstance(one.value, bool) or one.is_ != "equals":
            raise ValueError("say yes or no")
    elif not isinstance(one.value, str) or not one.value.strip() or one.is_ not in WORDED:
        raise ValueError("give the word, or several with commas")
    if one.what == "kind" and not set(_words(str(one.value))) <= set(KINDS):
        raise ValueError("nothing of this kind sends signals")


class Group(Rules):
    match: Literal["all", "any"]
    conditions: Annotated[list[Condition], Field(min_length=1, max_length=20)]


class Rule(Rules):
    """What a rule says, and what comes of it. `normal` is normal incident management, `crisis` the crisis protocol."""

    match: Literal["all", "any"]
    groups: Annotated[list[Group], Field(min_length=1, max_length=10)]
    outcome: Literal["normal", "crisis"]
    opens_watch_item: bool
    kind: str
    severity: str
    components: Annotated[list[int], Field(max_length=50)] = []

    @model_validator(mode="after")
    def _fits(self) -> "Rule":
        if self.kind not in Incident.Kind.values or self.severity not in Incident.Severity.values:
            raise ValueError("choose a kind and a severity from the list")
        return self


OUTCOMES = {"normal": "Normal incident management", "crisis": "Crisis protocol"}


def checked(data: Any) -> dict[str, Any]:
    """The data of a rule if it can be read. Raises Refused with a sentence for each place that cannot."""
    try:
        return Rule.model_validate(data).model_dump(by_alias=True)
    except ValidationError as error:
        said = {f"{_place(fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}." for fault in error.errors()}
        raise Refused(" ".join(sorted(said))[:1000]) from None


def _place(loc: tuple[Any, ...]) -> str:
    numbers = [str(one + 1) for one in loc if isinstance(one, int)]
    return f"Condition {'.'.join(numbers)}" if numbers else "The rule"


def read(data: dict[str, Any]) -> Rule:
    return Rule.model_validate(data)


# Windows


class Windows:
    """What came in the last minutes, this one included. Asked once for each window and minute."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, int, datetime], float] = {}

    def amount(self, name: str, kind: str, minutes: int, at: datetime) -> float:
        end = minute_of(at)
        key = (name, kind, minutes, end)
        if key not in self._known:
            self._known[key] = self._ask(*key)
        return self._known[key]

    def _ask(self, name: str, kind: str, minutes: int, end: datetime) -> float:
        found = SignalMinute.objects.filter(name=name, minute__gt=end - timedelta(minutes=minutes), minute__lte=end)
        if kind:
            found = found.filter(kind=kind)
        return found.aggregate(total=Sum("amount"))["total"] or 0.0


@dataclass(frozen=True)
class Facts:
    """What a rule looks at: one signal as it stands, and the windows that end at `at`."""

    values: dict[str, Any]
    kind: str
    source: str
    components: tuple[str, ...]
    seen: int
    at: datetime
    windows: Windows = field(default_factory=Windows)


def facts_of(signal: Signal, at: datetime, windows: Windows) -> Facts:
    parts = tuple(component.name for component in signal.components.all())
    return Facts(signal.values, signal.kind, signal.origin, parts, signal.seen_count, at, windows)


# Judging


def verdict(rule: Rule, facts: Facts) -> str:
    """Why the rule holds, in a sentence; empty when it does not."""
    said = _joined(
        rule.match, [_joined(group.match, [_say(one, facts) for one in group.conditions]) for group in rule.groups]
    )
    return f"{said[0].upper()}{said[1:]}" if said else ""


def _joined(match: str, parts: list[str]) -> str:
    """The words of those that hold; empty unless enough of them do."""
    held = [part for part in parts if part]
    if not held or (match == "all" and len(held) < len(parts)):
        return ""
    return held[0] if len(held) == 1 else f"{', '.join(held[:-1])}, and {held[-1]}"


def _say(one: Condition, facts: Facts) -> str:
    """The condition in words when it holds, else nothing."""
    if one.what in ("number", "times"):
        return _say_number(one, facts)
    if one.what == "flag":
        return _say_flag(one, facts)
    have = {
        "word": lambda: _word(facts.values.get(one.name)),
        "kind": lambda: [facts.kind],
        "source": lambda: [facts.source],
        "component": lambda: list(facts.components),
    }[one.what]()
    wanted = [word.casefold() for word in _words(str(one.value))]
    found = [word for word in have if word.casefold() in wanted]
    if not have or bool(found) == (one.is_ == "differs"):
        return ""
    label = {"kind": "it comes from", "source": "it comes from", "component": "it affects"}.get(one.what)
    shown = ", ".join(
        KINDS.get(word, word) if one.what == "kind" else vocabulary.shown(one.name, word) for word in found or have
    )
    return f"{label or vocabulary.label_of(one.name)[0].lower() + vocabulary.label_of(one.name)[1:] + ':'} {shown}"


def _say_number(one: Condition, facts: Facts) -> str:
    have = _amount(one, facts)
    limit = float(one.value)
    if have is None or not COMPARES[one.is_][1](have, limit):
        return ""
    within = f" within {one.minutes} min" if one.minutes else ""
    op = COMPARES[one.is_][0]
    name = one.name if one.what == "number" else ""
    n, said = vocabulary.figure(name, have), vocabulary.figure(name, limit)
    if one.what == "times":
        whose = f" from {KINDS[one.name]}" if one.name else ""
        return f"{n} signals{whose}{within}, {op} {said}"
    if name in NUMBERS:
        known = NUMBERS[name]
        return known.said.format(label=known.label, n=n, op=op, limit=said).replace(",", f"{within},", 1)
    return f"{vocabulary.label_of(name)} {n} is {op} {said}"


def _amount(one: Condition, facts: Facts) -> float | None:
    if one.what == "times":
        return facts.windows.amount("", one.name, one.minutes or 0, facts.at)
    if one.minutes is not None:
        return facts.windows.amount(one.name, "", one.minutes, facts.at)
    have = facts.seen if one.name == "seen" else facts.values.get(one.name)
    return float(have) if isinstance(have, int | float) and not isinstance(have, bool) else None


def _say_flag(one: Condition, facts: Facts) -> str:
    have = facts.values.get(one.name)
    if not isinstance(have, bool) or have is not one.value:
        return ""
    label = vocabulary.FLAGS[one.name]
    said = f"{label[0].lower()}{label[1:]}"
    return said if one.value else f"it is not so that {said}"


def _word(value: Any) -> list[str]:
    """A figure can be meant as a word too: the code 500."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return []
    return [value if isinstance(value, str) else f"{value:g}"]


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


# In words, for pages


def described(rule: Rule) -> list[tuple[str, list[str]]]:
    """(all or any, the conditions in words) of each group."""
    return [(group.match, [_described(one) for one in group.conditions]) for group in rule.groups]


def _described(one: Condition) -> str:
    within = f" within {one.minutes} min" if one.minutes else ""
    if one.what in ("number", "times"):
        name = one.name if one.what == "number" else ""
        label = vocabulary.label_of(name) if name else f"Signals{' from ' + KINDS[one.name] if one.name else ''}"
        return f"{label}{within}: {COMPARES[one.is_][0]} {vocabulary.figure(name, float(one.value))}"
    if one.what == "flag":
        return f"{vocabulary.FLAGS[one.name]}: {'yes' if one.value else 'no'}"
    about = {"kind": "It comes from", "source": "Source", "component": "Component"}.get(one.what)
    words = [
        KINDS.get(word, word) if one.what == "kind" else vocabulary.shown(one.name, word)
        for word in _words(str(one.value))
    ]
    lead = "is not" if one.is_ == "differs" else "is"
    return f"{about or vocabulary.label_of(one.name)} {lead} {' or '.join(words)}"
