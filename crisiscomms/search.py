"""Global search: each house says what can be found in it, by the same scopes as its pages."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db.models import BooleanField, Func, QuerySet

from crisiscomms.models import User

LONGEST = 100
MOST_WORDS = 8
HITS = 8
NUMBER = re.compile(r"(?:inc[-\s]?)?([0-9]{1,9})", re.IGNORECASE)


@dataclass(frozen=True)
class Asked:
    """What somebody looks for. Found is what holds a word beginning with each of `words`."""

    by: User
    text: str
    words: tuple[str, ...]
    now: datetime

    @property
    def number(self) -> int | None:
        """12 for “12” and for “INC-12”."""
        found = NUMBER.fullmatch(self.text)
        return int(found.group(1)) if found else None

    @property
    def is_enough(self) -> bool:
        """One letter would find nearly everybody; one digit is an incident."""
        return bool(self.words) and (len("".join(self.words)) > 1 or self.number is not None)

    def match(self, *texts: str) -> bool:
        """The same rule for what does not come from the database."""
        known = _words(" ".join(texts))
        return all(any(one.startswith(word) for one in known) for word in self.words)


@dataclass(frozen=True)
class Hit:
    """`mark` is a word behind the title: “restricted”, “Draft”."""

    title: str
    detail: str
    url: str
    mark: str = ""


@dataclass(frozen=True)
class Source:
    """`find` asks its own house's scopes; what this person may not see must not change its answer in any way."""

    position: int
    key: str
    label: str
    find: Callable[[Asked], Iterable[Hit]]


@dataclass(frozen=True)
class Group:
    key: str
    label: str
    hits: list[Hit] = field(default_factory=list)


_sources: dict[str, Source] = {}


def register(source: Source) -> None:
    _sources[source.key] = source


def ask(*, by: User, text: str, now: datetime) -> Asked:
    """Whatever was typed or pasted, made harmless: composed letters, no control characters, no endless text."""
    shown = "".join(" " if unicodedata.category(one)[0] == "C" else one for one in text[:LONGEST])
    shown = unicodedata.normalize("NFC", " ".join(shown.split()))
    return Asked(by, shown, tuple(_words(shown)[:MOST_WORDS]), now)


def _words(text: str) -> list[str]:
    """Letters, their marks and digits; everything else parts words."""
    parted = "".join(one if unicodedata.category(one)[0] in "LMN" else " " for one in text)
    return unicodedata.normalize("NFC", parted).lower().split()


def find(asked: Asked) -> list[Group]:
    """What each house found, in a fixed order; houses that found nothing are left out."""
    if not asked.is_enough:
        return []
    ordered = sorted(_sources.values(), key=lambda source: source.position)
    groups = (Group(source.key, source.label, list(source.find(asked))[:HITS]) for source in ordered)
    return [group for group in groups if group.hits]


class Words(Func):
    """The words of some columns, for the index and for the query alike.

    Landed migrations spell this class out in their indexes: to change what it makes, add another one.
    `lower` because PostgreSQL's own dictionary leaves accented capitals alone in a database with the C locale;
    `translate` because its parser takes an address, a path or a name with a hyphen for one word.
    """

    template = (
        "to_tsvector('simple'::regconfig, lower(translate(normalize(%(expressions)s), "
        "'@.-_/:+<>&~=#''’', '               ')))"
    )
    arg_joiner = " || ' ' || "
    output_field = SearchVectorField()


class Holds(Func):
    arg_joiner = " @@ "
    template = "%(expressions)s"
    output_field = BooleanField()


def holding(asked: Asked, found: QuerySet[Any], *columns: Any) -> QuerySet[Any]:
    """The rows in whose columns every word that was asked for begins a word."""
    # Only letters, marks and digits are left in a word, so nothing in it can be taken for the query's own signs.
    query = SearchQuery(" & ".join(f"'{word}':*" for word in asked.words), config="simple", search_type="raw")
    return found.filter(Holds(Words(*columns), query))
