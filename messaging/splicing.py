"""Rendering for many: Liquid runs once per shape of recipient, and people's own values are spliced in, escaped.

Where a text uses a person's field only as itself (`{{ first_name }}`) or asks whether it is empty
(`{% if products != '' %}`), what Liquid makes depends on the value only at those places. So it is rendered once
with marks in their place, cut at the marks, and joined for each person. Any other use (a filter, a comparison
with a word) renders the whole text for each person; both ways give the same bytes (tests/messaging).
"""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from markupsafe import escape

from messaging.rendering import PERSON_FIELDS, Compiled

# What a person brings along; everything else is the same for all in one time zone.
OWN_FIELDS = (*PERSON_FIELDS, "unsubscribe_url", "opted_out")
Shape = tuple[bool, ...]
_USE = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}", re.DOTALL)
_EMPTINESS = r"(?:if|elsif|unless)\s+{name}\s*(?:!=|==)\s*(?:''|\"\")"
_PLAIN = [re.compile(rf"\s*{name}\s*") for name in OWN_FIELDS]
_ASKS = [re.compile(r"\s*" + _EMPTINESS.format(name=name) + r"\s*") for name in OWN_FIELDS]
_SPECIAL = re.compile("[&<>'\"]")
_NAMES = re.compile("|".join(rf"\b{name}\b" for name in OWN_FIELDS))


def escaped(value: str) -> str:
    """As Liquid escapes it; most names hold nothing to escape, and looking costs a tenth of escaping."""
    return value if _SPECIAL.search(value) is None else str(escape(value))


def can_splice(source: str) -> bool:
    """Whether every use of a person's field is plain output or a question of emptiness."""
    for output, tag in _USE.findall(source):
        used = output or tag
        if _NAMES.search(used) and not any(form.fullmatch(used) for form in (_PLAIN if output else _ASKS)):
            return False
    return True


def shape_of(own: Mapping[str, str]) -> Shape:
    """Which of a person's fields hold something: all that Liquid's result depends on, beside the values themselves."""
    return tuple([own[name] != "" for name in OWN_FIELDS])


@dataclass(frozen=True, eq=False)
class Cut:
    """One text for one shape of recipient: literals, and the fields whose values stand between them."""

    literals: list[str]
    names: list[str]


@dataclass
class Spliced:
    """One text for one time zone. `shared` are the values that everybody in it has in common."""

    render: Callable[[Mapping[str, str]], str]
    shared: Mapping[str, str]
    is_html: bool
    _cuts: dict[Shape, Cut] = field(default_factory=dict)

    def parts(self, own: Mapping[str, str], shape: Shape) -> tuple[Cut, list[str]]:
        """The cut, the same object for all of a shape, and this person's values for it."""
        cut = self._cuts.get(shape)
        if cut is None:
            cut = self._cuts[shape] = self._cut(shape)
        if self.is_html:
            return cut, [escaped(own[name]) for name in cut.names]
        return cut, [own[name] for name in cut.names]

    def fill(self, own: Mapping[str, str], shape: Shape | None = None) -> str:
        cut, values = self.parts(own, shape or shape_of(own))
        pieces = [piece for pair in zip(cut.literals, values, strict=False) for piece in pair]
        return "".join([*pieces, cut.literals[-1]])

    def _cut(self, shape: Shape) -> Cut:
        mark = secrets.token_hex(12)
        marked = {name: f"{mark}{name}{mark}" if here else "" for name, here in zip(OWN_FIELDS, shape, strict=True)}
        # Literal, field name, literal, field name, …, literal.
        pieces = re.split(rf"{mark}(\w+?){mark}", self.render({**self.shared, **marked}))
        return Cut(pieces[::2], pieces[1::2])


@dataclass(frozen=True)
class Whole:
    """The slow way, for texts that do more with a person's field."""

    render: Callable[[Mapping[str, str]], str]
    shared: Mapping[str, str]

    def fill(self, own: Mapping[str, str], shape: Shape | None = None) -> str:
        return self.render({**self.shared, **own})


def for_many(compiled: Compiled, source: str, shared: Mapping[str, str], *, is_html: bool) -> Spliced | Whole:
    """How to fill this text for many people who share `shared`. Raises MissingValue when filled, as Liquid does."""
    render = compiled.html if is_html else compiled.text
    return Spliced(render, shared, is_html) if can_splice(source) else Whole(render, shared)
