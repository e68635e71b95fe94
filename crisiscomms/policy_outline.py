"""A policy as values on a page: which there are, what they are called, what fits, what was shipped, who changed them."""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from crisiscomms import policy
from crisiscomms.models import Policy
from crisiscomms.policy import Description, Place

Schema = dict[str, Any]
NAMES = ("label", "name", "title", "text")


class Missing:
    """Nothing stands at this place."""


@dataclass(frozen=True)
class Value:
    """One value. `title` is its name in its row; `label` says it whole, for errors and lists of changes."""

    place: Place
    title: str
    label: str
    schema: Schema
    may_be_empty: bool = False

    @property
    def name(self) -> str:
        """Its name in the form. The letter in front keeps it apart from the form's own fields."""
        return "v." + ".".join(map(str, self.place))

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The words to choose from, of the value or of each item of a list; none for free values."""
        found = self.schema.get("choices") or self.schema.get("items", {}).get("choices") or []
        return [(key, label) for key, label in found]

    def in_words(self, data: Any) -> str:
        """A value as people read it: labels in place of keys, “none” for nothing."""
        labels = dict(self.choices)
        if isinstance(data, list):
            return ", ".join(labels.get(item, str(item)) for item in data) or "none"
        return labels.get(data, policy.word(data)) if isinstance(data, str) else policy.word(data)


@dataclass(frozen=True)
class Row:
    """One rule: a value, or one for each entry of a table."""

    title: str
    description: str
    values: list[Value]
    is_table: bool = False


@dataclass(frozen=True)
class Group:
    """Rows under one heading. `is_entry` says that it is one of several alike, such as one rule of the rules."""

    title: str
    description: str = ""
    rows: list[Row] = field(default_factory=list)
    groups: list["Group"] = field(default_factory=list)
    is_entry: bool = False

    def values(self) -> Iterator[Value]:
        for row in self.rows:
            yield from row.values
        for group in self.groups:
            yield from group.values()


def outline(about: Description, data: Any) -> list[Group]:
    """The values of a policy in the order of its rules. Raises BadPolicy for data that do not fit the rules.

    An entry without a description is none: it names a thing, and stands in the text only.
    """
    policy.checked(about, data)
    schema = about.rules.model_json_schema()
    whole = _Reader(schema.get("$defs", {})).group(schema, data, (), "The rules", "", ())
    loose = [Group("The rules", "", whole.rows)] if whole.rows else []
    return [*loose, *whole.groups]


@dataclass(frozen=True)
class _Reader:
    definitions: dict[str, Schema]

    def group(self, schema: Schema, data: Any, place: Place, title: str, said: str, above: tuple[str, ...]) -> Group:
        """What stands in one entry with names. `above` are the titles on the way here."""
        made = Group(title, said)
        for name, raw in schema["properties"].items():
            if "description" not in raw:
                continue
            inner, where = self._resolved(raw), (*place, name)
            titled, described = raw.get("title") or inner["title"], raw["description"]
            if "properties" in inner:
                made.groups.append(self.group(inner, data[name], where, titled, described, (*above, titled)))
            elif inner.get("type") == "object":
                made.groups.append(self._named(inner, data[name], where, titled, described, above))
            elif "properties" in inner.get("items", {}):
                made.groups.append(
                    Group(titled, described, [], list(self._entries(inner["items"], data[name], where, above)))
                )
            else:
                value = self._value(raw, inner, where, titled, ": ".join((*above, titled)))
                made.rows.append(Row(titled, described, [value]))
        return made

    def _entries(self, schema: Schema, data: Any, place: Place, above: tuple[str, ...]) -> Iterator[Group]:
        for number, item in enumerate(data):
            name = next((item[key] for key in NAMES if item.get(key)), f"{schema['title']} {number + 1}")
            yield replace(self.group(schema, item, (*place, number), name, "", (*above, name)), is_entry=True)

    def _named(self, schema: Schema, data: Any, place: Place, title: str, said: str, above: tuple[str, ...]) -> Group:
        """Entries by name: a list for each, a value for each, or a table of what each holds."""
        of_each = self._resolved(schema["additionalProperties"])
        # The database keeps no order of names; the choices do.
        labels = {key: str(label) for key, label in schema["propertyNames"]["choices"] if key in data}
        if "properties" in of_each:
            return Group(title, said, list(self._table(of_each, data, place, list(labels))))
        if "properties" not in of_each.get("items", {}):
            values = [
                self._value(of_each, of_each, (*place, key), label, f"{label}: {title}")
                for key, label in labels.items()
            ]
            return Group(title, said, [Row(title, "", values, is_table=True)])
        groups = [
            Group(label, "", [], list(self._entries(of_each["items"], data[key], (*place, key), (*above, label))))
            for key, label in labels.items()
        ]
        return Group(title, said, [], groups)

    def _table(self, schema: Schema, data: Any, place: Place, order: list[str]) -> Iterator[Row]:
        """One row for each rule, with a value for each entry: severities stand beside each other."""
        names = {key: str(data[key].get("label", key)) for key in order}
        for name, raw in schema["properties"].items():
            inner = self._resolved(raw)
            values = [
                self._value(raw, inner, (*place, key, name), names[key], f"{names[key]}: {raw['title']}")
                for key in order
            ]
            yield Row(raw["title"], raw["description"], values, is_table=True)

    def _value(self, raw: Schema, inner: Schema, place: Place, title: str, label: str) -> Value:
        return Value(
            place, title, label, inner, may_be_empty=any(one.get("type") == "null" for one in raw.get("anyOf", []))
        )

    def _resolved(self, schema: Schema) -> Schema:
        """Without references and without “or nothing”."""
        for one in schema.get("anyOf", []):
            if one.get("type") != "null":
                return self._resolved(one)
        if "$ref" in schema:
            schema = self.definitions[schema["$ref"].rpartition("/")[2]]
        return schema | {"items": self._resolved(schema["items"])} if "items" in schema else schema


def at(data: Any, place: Place) -> Any:
    """What stands at a place, or Missing."""
    for part in place:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return Missing
    return data


def put(data: Any, place: Place, value: Any) -> None:
    """Set what stands at a place whose surroundings are there."""
    at(data, place[:-1])[place[-1]] = value


@dataclass(frozen=True)
class Past:
    """What a value was when it was shipped (Missing where it was not there), and the version that changed it last."""

    shipped: Any
    changed: Policy | None


def past(values: Iterable[Value], versions: list[Policy]) -> dict[Place, Past]:
    """`versions` are all of one policy, the newest first."""
    first = versions[-1] if versions[-1].changed_by_id is None else None
    found = {}
    for value in values:
        place = value.place
        changed = (new for new, old in pairwise(versions) if at(new.data, place) != at(old.data, place))
        found[place] = Past(at(first.data, place) if first else Missing, next(changed, None))
    return found


def merged(values: Iterable[Value], *, base: Any, theirs: Any, mine: Any) -> Any:
    """Their data, with what I changed since `base`. Places that they took away are left out."""
    made = deepcopy(theirs)
    for value in values:
        typed = at(mine, value.place)
        if typed is not Missing and typed != at(base, value.place) and at(made, value.place[:-1]) is not Missing:
            put(made, value.place, typed)
    return made
