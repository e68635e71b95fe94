"""The editor of a rule: groups of conditions, one line each. It works without a script: a press adds a line."""

from typing import Any

from django import forms
from django.http import QueryDict

from crisiscomms.forms import OneLine
from incidents.models import Component, Incident
from incidents.noticing import thresholds, vocabulary

MOST_GROUPS, MOST_ROWS = 10, 20
OTHER_NUMBER, OTHER_WORD = "number:", "word:"
MATCH = [("all", "all of these"), ("any", "any of these")]
IS = [
    ("above", "is above"),
    ("at_least", "is at least"),
    ("below", "is below"),
    ("at_most", "is at most"),
    ("equals", "is"),
    ("differs", "is not"),
    ("one_of", "is one of"),
]
FINE = "A number, yes or no, or words with commas."


def _whats() -> list[tuple[str, Any]]:
    numbers = [
        (f"number:{name}", known.label + known.unit.replace(" ", ", in ")) for name, known in vocabulary.NUMBERS.items()
    ]
    flags = [(f"flag:{name}", label) for name, label in vocabulary.FLAGS.items()]
    words = [(f"word:{name}", label) for name, label in vocabulary.WORDS.items()]
    times = [
        ("times:", "Signals, from anywhere"),
        *((f"times:{key}", f"Signals, {label}") for key, label in thresholds.KINDS.items()),
    ]
    rest = [("kind:", "Kind of source"), ("source:", "Name of the source"), ("component:", "Component")]
    return [
        ("", "No condition"),
        ("Numbers", [*numbers, (OTHER_NUMBER, "Another number")]),
        ("Yes or no, and words", [*flags, *words, (OTHER_WORD, "Another word")]),
        ("How many came in", times),
        ("Where it comes from", rest),
    ]


class RuleForm(forms.Form):
    name = OneLine(label="Name of the rule", max_length=120, help_text="It stands in the reason that people read.")
    match = forms.ChoiceField(label="It holds when", choices=[("all", "all groups hold"), ("any", "any group holds")])
    outcome = forms.ChoiceField(label="Then", choices=list(thresholds.OUTCOMES.items()))
    opens_watch_item = forms.BooleanField(
        label="Open a watch item at once",
        required=False,
        help_text="Nobody outside sees one; it has a room, and everything alike goes there.",
    )
    kind = forms.ChoiceField(label="Kind proposed", choices=Incident.Kind)
    severity = forms.ChoiceField(label="Severity proposed", choices=Incident.Severity)
    components = forms.ModelMultipleChoiceField(
        label="Parts of products", queryset=Component.objects.in_use().select_related("product"), required=False
    )


class ConditionForm(forms.Form):
    what = forms.ChoiceField(label="What", choices=_whats, required=False)
    name = OneLine(label="Its name", max_length=40, required=False)
    is_ = forms.ChoiceField(label="Comparison", choices=IS, required=False)
    value = OneLine(label="Value", max_length=400, required=False)
    minutes = forms.IntegerField(label="In minutes", min_value=1, max_value=thresholds.LONGEST_WINDOW, required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("what") and not self.errors:
            self.condition = _condition(data)
            try:
                thresholds.Condition.model_validate(self.condition)
            except ValueError as error:
                said = "; ".join(one["msg"].removeprefix("Value error, ") for one in error.errors())  # type: ignore[attr-defined]
                raise forms.ValidationError(f"{said[0].upper()}{said[1:]}.") from None
        return data


def _condition(data: dict[str, Any]) -> dict[str, Any]:
    what, _, name = data["what"].partition(":")
    if data["what"] in (OTHER_NUMBER, OTHER_WORD):
        name = vocabulary.name_of(data["name"])
    return {
        "what": what,
        "name": name,
        "is": data["is_"],
        "value": _value(what, data["value"]),
        "minutes": data["minutes"],
    }


def _value(what: str, text: str) -> Any:
    plain = text.strip().lower()
    if what == "flag" and plain in vocabulary.YES | vocabulary.NO:
        return plain in vocabulary.YES
    number = vocabulary.NUMBER.fullmatch(plain.replace(",", "."))
    return float(number[1]) if number and what in ("number", "times") else text


class Editor:
    """The whole form: the rule, and its groups with their lines. `shape` is how many lines each group shows."""

    def __init__(self, posted: QueryDict | None, data: dict[str, Any] | None = None, name: str = "") -> None:
        self.posted = posted
        self.form = RuleForm(posted, initial={**(data or {}), "name": name})
        groups = (data or {}).get("groups") or [{"match": "all", "conditions": []}]
        self.shape = self._shape(groups)
        self.groups = [self._group(number, count, groups) for number, count in enumerate(self.shape)]

    def _shape(self, groups: list[dict[str, Any]]) -> list[int]:
        if self.posted is None:
            return [len(group["conditions"]) + (0 if group["conditions"] else 1) for group in groups]
        asked = [
            int(one) for one in self.posted.get("shape", "1").split(",")[:MOST_GROUPS] if one.isdigit() and len(one) < 3
        ]
        shape = [max(1, min(one, MOST_ROWS)) for one in asked] or [1]
        more = self.posted.get("add_row", "")
        if more.isdigit() and int(more) < len(shape):
            shape[int(more)] = min(shape[int(more)] + 1, MOST_ROWS)
        if "add_group" in self.posted and len(shape) < MOST_GROUPS:
            shape.append(1)
        return shape

    def _group(self, number: int, count: int, groups: list[dict[str, Any]]) -> dict[str, Any]:
        have = groups[number] if number < len(groups) else {"match": "all", "conditions": []}
        match = self.posted.get(f"match-{number}", have["match"]) if self.posted is not None else have["match"]
        rows = []
        for place in range(count):
            first = _first(have["conditions"][place]) if place < len(have["conditions"]) else {"is_": "above"}
            # A line that was added by this press is not one that was sent.
            there = self.posted is not None and f"g{number}c{place}-what" in self.posted
            rows.append(ConditionForm(self.posted if there else None, prefix=f"g{number}c{place}", initial=first))
        return {"number": number, "match": match if match in ("all", "any") else "all", "rows": rows}

    @property
    def shape_text(self) -> str:
        return ",".join(map(str, self.shape))

    @property
    def only_grows(self) -> bool:
        return self.posted is not None and ("add_row" in self.posted or "add_group" in self.posted)

    def is_valid(self) -> bool:
        rows = [row for group in self.groups for row in group["rows"] if row.is_bound]
        return all([self.form.is_valid(), *(row.is_valid() for row in rows)])

    def data(self) -> dict[str, Any]:
        """What the actions are given. Lines without a condition, and groups without a line, are left out."""
        told = self.form.cleaned_data
        groups = [
            {
                "match": group["match"],
                "conditions": [row.condition for row in group["rows"] if hasattr(row, "condition")],
            }
            for group in self.groups
        ]
        return {
            **{name: told[name] for name in ("match", "outcome", "opens_watch_item", "kind", "severity")},
            "components": [part.pk for part in told["components"]],
            "groups": [group for group in groups if group["conditions"]],
        }


def _first(condition: dict[str, Any]) -> dict[str, Any]:
    """A stored condition as its line shows it."""
    what = f"{condition['what']}:{condition['name']}"
    known = what in {key for _, group in _whats() if isinstance(group, list) for key, _ in group}
    value = condition["value"]
    shown = (
        ("yes" if value else "no") if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else value
    )
    return {
        "what": what if known else f"{condition['what']}:",
        "name": "" if known else condition["name"],
        "is_": condition["is"],
        "value": shown,
        "minutes": condition["minutes"],
    }
