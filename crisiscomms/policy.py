"""Policies: the version in force, what may stand in one, and how one is replaced."""

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import yaml
from django.db import transaction
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crisiscomms import audit, changes, presence
from crisiscomms.models import ControlChange, Policy, Role, User
from crisiscomms.refusal import Conflict, Refused

TEXT_LIMIT = 100_000


class Rules(BaseModel):
    """What a policy is made of. An entry that nobody reads is refused: it would look like a rule and be none."""

    model_config = ConfigDict(extra="forbid", strict=True)


def says(title: str, description: str) -> Any:
    """What an entry is called on the page, with its unit, and what it means in one line. Without it it is no field."""
    # A title of its own would be dropped where the entry is a model.
    return Field(title=title, description=description, json_schema_extra={"title": title})


@dataclass(frozen=True)
class OneOf:
    """For `Annotated`: the words that a text can be, with their labels, to choose from on the page.

    The models check on their own; `choices` is asked when a page is made, so registries are full by then.
    """

    choices: Callable[[], Iterable[tuple[str, str]]]

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> Any:
        return handler(core) | {"choices": [[key, str(label)] for key, label in self.choices()]}


RoleName = Annotated[str, OneOf(lambda: Role.choices)]


@dataclass(frozen=True)
class Description:
    """One house's policy. `is_control` says that changing it takes two people."""

    key: str
    label: str
    what: str
    rules: type[Rules]
    is_control: bool = False


Place = tuple[str | int, ...]


class BadPolicy(Refused):
    """What is wrong, one sentence per place. `at` says the same with places as the data has them."""

    def __init__(self, faults: list[str], at: list[tuple[Place, str]] | None = None) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults
        self.at = at or []


_described: dict[str, Description] = {}


def describe(description: Description) -> None:
    _described[description.key] = description


def descriptions() -> list[Description]:
    return sorted(_described.values(), key=lambda one: one.label)


def description_of(key: str) -> Description | None:
    return _described.get(key)


def current(key: str) -> dict[str, Any]:
    """The data of the highest version. Raises Policy.DoesNotExist before `load_defaults` has run."""
    data: dict[str, Any] = Policy.objects.filter(key=key).order_by("-version").values_list("data", flat=True)[:1].get()
    return data


def newest(key: str) -> Policy:
    return Policy.objects.filter(key=key).select_related("changed_by").order_by("-version")[:1].get()


@transaction.atomic
def replace(*, key: str, data: dict[str, Any], by: User | None, now: datetime, reason: str = "") -> Policy:
    """Put a new version in force. Old versions stay readable."""
    last = Policy.objects.filter(key=key).order_by("-version").first()
    policy = Policy.objects.create(
        key=key, version=last.version + 1 if last else 1, data=data, changed_by=by, changed_at=now, reason=reason
    )
    text = f"Policy “{key}” changed to version {policy.version}"
    if last:
        text += "".join(f"; {where}: {before} → {after}" for where, before, after in differences(last.data, data))
    audit.record(
        chain=audit.INSTALLATION, verb="policy.replaced", subject=f"policy:{key}", text=text[:4000], by=by, now=now
    )
    return policy


def load_default(*, key: str, data: dict[str, Any], now: datetime) -> bool:
    """Load a shipped policy where the company has none yet. Returns whether it was new."""
    if Policy.objects.filter(key=key).exists():
        return False
    replace(key=key, data=data, by=None, now=now)
    return True


@transaction.atomic
def change(
    *, key: str, base: int, data: dict[str, Any], reason: str, by: User, now: datetime
) -> Policy | ControlChange:
    """Replace a policy, or ask a second administrator where it weakens control.

    `base` is the version that was looked at. Raises BadPolicy for data that does not fit, Conflict when somebody
    changed it meanwhile, Refused when nothing is changed or no reason is given.
    """
    changes.require_administrator(by)
    described = _described[key]
    data = checked(described, data)
    if not reason.strip():
        raise Refused("Say why it changes. The reason stands in the history.")
    last = _locked(key, base)
    changed = differences(last.data, data)
    if not changed:
        raise Refused("Nothing is different from the version in force.")
    if not described.is_control:
        return replace(key=key, data=data, by=by, now=now, reason=reason.strip()[:300])
    asked = changes.ask(
        kind="policy",
        subject=f"policy:{key}",
        title=f"{described.label}: change the policy",
        payload={"key": key, "base": base, "data": data},
        differences=changed,
        reason=reason,
        by=by,
        now=now,
    )
    return asked or newest(key)


def _locked(key: str, base: int) -> Policy:
    last = Policy.objects.select_for_update().filter(key=key).order_by("-version").first()
    assert last is not None
    if last.version != base:
        who = f" by {last.changed_by}" if last.changed_by else ""
        raise Conflict(f"This policy was changed{who} meanwhile: version {last.version} is in force, you saw {base}.")
    return last


def _apply(asked: ControlChange, now: datetime) -> None:
    data = asked.payload
    _locked(data["key"], data["base"])
    replace(key=data["key"], data=data["data"], by=asked.asked_by, now=now, reason=asked.reason)


changes.register(changes.Kind("policy", "Policy", _apply))


presence.register("policy", lambda person, key: person.has_role(Role.ADMINISTRATOR) and key in _described)


def checked(described: Description, data: Any) -> dict[str, Any]:
    """The data, if it fits the house's rules. Raises BadPolicy with a sentence for each place that does not."""
    if not isinstance(data, dict):
        raise BadPolicy(["The policy has to be entries with names, such as “settings:”."])
    try:
        described.rules.model_validate(data)
    except ValidationError as error:
        at = [(fault["loc"], _said(fault)) for fault in error.errors()]
        raise BadPolicy([f"{written_place(place) or 'The policy'}: {said}." for place, said in at], at) from None
    return data


def written_place(place: Place) -> str:
    """A place as people count: ("rules", 0, "name") is “rules.1.name”."""
    return ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in place)


def _said(fault: Any) -> str:
    words = {
        "missing": "is missing",
        "extra_forbidden": "is not an entry that is known here",
        "int_type": "has to be a whole number",
        "string_type": "has to be text",
        "bool_type": "has to be true or false",
        "list_type": "has to be a list",
        "model_type": "has to be entries with names",
    }
    said: str = words.get(fault["type"]) or fault["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return said


class _Loader(yaml.SafeLoader):
    """Plain data only: no anchors (they can blow up), and no name twice (the first would be lost unseen)."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):  # type: ignore[no-untyped-call]
            raise yaml.YAMLError("anchors and aliases are not used here")
        return super().compose_node(parent, index)  # type: ignore[no-untyped-call]

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        names = [self.construct_object(name, deep=True) for name, _ in node.value]  # type: ignore[no-untyped-call]
        twice = next((name for name, count in Counter(names).items() if count > 1), None)
        if twice is not None:
            raise yaml.YAMLError(f"“{twice}” stands there twice (line {node.start_mark.line + 1})")
        return super().construct_mapping(node, deep=deep)


def read(text: str) -> Any:
    """Policy text as data. Raises BadPolicy, with the line where it cannot be read."""
    if len(text) > TEXT_LIMIT:
        raise BadPolicy([f"This is longer than {TEXT_LIMIT} characters."])
    try:
        return yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise BadPolicy([f"The text cannot be read{line}: {getattr(error, 'problem', None) or error}."]) from None


def written(described: Description, data: dict[str, Any]) -> str:
    """Data as policy text, entries in the order of the rules: the way it is edited."""
    # One that an earlier version wrote is shown as it is, so that it can be mended.
    with suppress(ValidationError):
        data = described.rules.model_validate(data).model_dump(exclude_unset=True)
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110))


def differences(before: Any, after: Any) -> list[tuple[str, str, str]]:
    """(place, before, after) for each value that differs, in the order of the text."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    places = [*new, *(place for place in old if place not in new)]
    return [
        (place, old.get(place, "none"), new.get(place, "none"))
        for place in places
        if old.get(place, "none") != new.get(place, "none")
    ]


def _leaves(value: Any, place: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict) and value:
        return [
            leaf for name, item in value.items() for leaf in _leaves(item, f"{place}.{name}" if place else str(name))
        ]
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return [leaf for number, item in enumerate(value, start=1) for leaf in _leaves(item, f"{place}.{number}")]
    if isinstance(value, list):
        return [(place, ", ".join(map(str, value)) or "none")]
    return [(place, word(value))]


def word(value: Any) -> str:
    """One value in a list of changes."""
    if value is None or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
