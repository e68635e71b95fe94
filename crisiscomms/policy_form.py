"""A policy as a form: one field for each value, the model's words at the field they are about."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString

from crisiscomms import policy
from crisiscomms.forms import OneLine
from crisiscomms.models import Policy
from crisiscomms.policy import BadPolicy, Description, Place
from crisiscomms.policy_outline import Group, Missing, Past, Row, Value, at, outline, past, put
from crisiscomms.templatetags.kit import day_clock

# A form of more inputs is refused by the framework before it is read; such a policy is edited as text.
MOST_INPUTS = 1500
SHORT = 40
LONG_TEXT = 300


class WordsField(forms.CharField):
    """A list typed with commas or line ends between its items."""

    def __init__(self, *, of_numbers: bool, **kwargs: Any) -> None:
        super().__init__(max_length=5_000, **kwargs)
        self.of_numbers = of_numbers

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        text = str(super().clean(value))
        items = [item.strip() for item in text.replace("\n", ",").split(",") if item.strip()]
        if not self.of_numbers:
            return items
        wrong = next((item for item in items if not (item.isascii() and item.isdigit() and len(item) < 10)), None)
        if wrong is not None:
            raise forms.ValidationError(
                f"“{wrong[:40]}” is not a whole number. Write numbers with commas between them."
            )
        return [int(item) for item in items]


@dataclass(frozen=True)
class DrawnRow:
    row: Row
    fields: list[tuple[Value, forms.BoundField, SafeString]]


@dataclass(frozen=True)
class DrawnGroup:
    """`is_open` says that something in it needs a look."""

    group: Group
    rows: list[DrawnRow]
    groups: list["DrawnGroup"]
    is_open: bool


def _inputs(value: Value) -> int:
    """How many a browser may send for it: a box for each choice of a list, else one."""
    return len(value.choices) or 1 if value.schema.get("type") == "array" else 1


class PolicyFieldsForm(forms.Form):
    """The fields of one version of a policy. Raises BadPolicy for one that cannot be shown so."""

    base = forms.IntegerField(min_value=1, max_value=1_000_000, widget=forms.HiddenInput)
    reason = OneLine(label="Why it changes", max_length=300)

    def __init__(self, typed: Any, *, about: Description, version: Policy, data: Any = None, reason: str = "") -> None:
        """`data` stands in the fields instead of the version's own."""
        super().__init__(typed, initial={"base": version.version, "reason": reason})
        self.version, self.about = version, about
        self.groups = outline(about, version.data)
        self.values = {value.place: value for group in self.groups for value in group.values()}
        if sum(_inputs(value) for value in self.values.values()) > MOST_INPUTS:
            raise BadPolicy(["This policy has too many entries for a form."])
        for value in self.values.values():
            self.fields[value.name] = _field(value, at(version.data if data is None else data, value.place))

    def typed(self) -> Any:
        """The version's data with what was typed. Only after `is_valid`."""
        made = deepcopy(self.version.data)
        for value in self.values.values():
            new, old = self.cleaned_data[value.name], at(made, value.place)
            if not _is_same(new, old):
                put(made, value.place, _ordered(new, old))
        return made

    def place(self, bad: BadPolicy) -> None:
        """Put what the rules say at the field that it is about."""
        for place, said in bad.at:
            value = self._about(place, said)
            for other in self.values.values():
                if other.place[:-1] == place:
                    said = said.replace(str(other.place[-1]), f"“{other.label.rpartition(': ')[2]}”")
            words = f"{said[:1].upper()}{said[1:]}."
            if value is None:
                # A place between the fields is named by the text's own name for it.
                self.add_error(None, f"{policy.written_place(place)}: {words}" if place else words)
            else:
                item = place[len(value.place) :]
                self.add_error(
                    value.name, f"Item {item[0] + 1}: {words}" if item and isinstance(item[0], int) else words
                )

    def _about(self, place: Place, said: str) -> Value | None:
        for end in range(len(place), 0, -1):
            if place[:end] in self.values:
                return self.values[place[:end]]
        # A rule about an entry as a whole names the value it is about, first of all the one that is wrong.
        named = [value for value in self.values.values() if value.place[:-1] == place and str(value.place[-1]) in said]
        return min(named, key=lambda value: said.index(str(value.place[-1])), default=None)

    def labels(self) -> dict[str, str]:
        """What a place is called, by the way differences write it."""
        return {policy.written_place(value.place): value.label for value in self.values.values()}

    def drawn(self, versions: list[Policy], now: datetime) -> list[DrawnGroup]:
        notes = past(self.values.values(), versions)
        return [self._drawn(group, notes, now) for group in self.groups]

    def _drawn(self, group: Group, notes: dict[Place, Past], now: datetime) -> DrawnGroup:
        rows = [DrawnRow(row, list(self._fields_of(row, notes, now))) for row in group.rows]
        wrong = any(value.name in self.errors for value in group.values())
        return DrawnGroup(group, rows, [self._drawn(inner, notes, now) for inner in group.groups], wrong)

    def _fields_of(
        self, row: Row, notes: dict[Place, Past], now: datetime
    ) -> Iterator[tuple[Value, forms.BoundField, SafeString]]:
        for value in row.values:
            note = _note(value, notes[value.place], at(self.version.data, value.place), now)
            hint = note if row.is_table else format_html("{} {}", row.description, note)
            yield value, self[value.name], hint


def _field(value: Value, initial: Any) -> forms.Field:
    """The field for one value. The rules judge what is typed; only what cannot be read is refused here."""
    schema, kind = value.schema, value.schema.get("type")
    shared: dict[str, Any] = {
        "label": value.label,
        "initial": None if initial is Missing else initial,
        "required": not value.may_be_empty
        and not (kind == "array" and not schema.get("minItems"))
        and kind != "boolean",
    }
    if kind == "boolean":
        return forms.BooleanField(**shared)
    if kind == "array" and value.choices:
        return forms.MultipleChoiceField(choices=value.choices, widget=forms.CheckboxSelectMultiple, **shared)
    if kind == "array":
        return WordsField(of_numbers=schema["items"].get("type") == "integer", **shared)
    if value.choices:
        return forms.ChoiceField(choices=[("", "Nobody")] * value.may_be_empty + value.choices, **shared)
    if kind == "integer":
        bounds = {"min": schema.get("minimum"), "max": schema.get("maximum")}
        attrs = {name: bound for name, bound in bounds.items() if bound is not None}
        return forms.IntegerField(widget=forms.NumberInput(attrs={**attrs, "inputmode": "numeric"}), **shared)
    long = schema.get("maxLength", 0) > LONG_TEXT or len(str(initial)) > SHORT
    return forms.CharField(widget=forms.Textarea(attrs={"rows": 3}) if long else forms.TextInput, **shared)


def _is_same(new: Any, old: Any) -> bool:
    """Whether nothing was changed: boxes have no order, and a browser writes line ends its own way."""
    if isinstance(new, list) and isinstance(old, list):
        return new == old or (
            sorted(map(str, new)) == sorted(map(str, old)) and not any(isinstance(one, int) for one in new)
        )
    if isinstance(new, str) and isinstance(old, str):
        return _lines(new) == _lines(old)
    return bool(new == old) or (new in ("", None, []) and old in (None, Missing))


def _ordered(new: Any, old: Any) -> Any:
    """What was there keeps its place; what is new comes after it."""
    if isinstance(new, list) and isinstance(old, list) and all(isinstance(item, str) for item in new):
        return [item for item in old if item in new] + [item for item in new if item not in old]
    return _lines(new) if isinstance(new, str) and new else None if new == "" else new


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _note(value: Value, before: Past, current: Any, now: datetime) -> SafeString:
    """What was shipped, and who changed it last."""
    words = value.in_words(before.shipped)
    if before.shipped is Missing:
        shipped = "Not among what was shipped."
    elif len(words) > SHORT:
        shipped = "As shipped." if before.shipped == current else f"Shipped: “{words}”."
    else:
        shipped = f"Shipped: {words}."
    if before.changed is None:
        return format_html("{}", shipped)
    who = before.changed.changed_by or "A new release"
    return format_html(
        "{} <bdi>{}</bdi> changed it, {} (version {}).",
        shipped, who, day_clock(before.changed.changed_at, now), before.changed.version,
    )  # fmt: skip
