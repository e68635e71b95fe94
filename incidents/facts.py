"""The fact sheet, read: rows for pages, and where each fact has been used (a registry that higher houses fill)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.urls import reverse

from crisiscomms.models import Role, User
from incidents import access, deadlines
from incidents.models import Deadline, Fact, FactVersion, Incident

SHOWN_IN_ROOM = 8


@dataclass(frozen=True)
class Use:
    """One message that says this fact. `at` is when it left; `is_stale`: what it says is not so any more."""

    name: str
    url: str
    word: str
    at: datetime | None = None
    value: str = ""
    is_stale: bool = False


Reader = Callable[[Incident, dict[str, Fact]], Iterable[tuple[str, Use]]]
_readers: dict[str, Reader] = {}


def register_uses(house: str, reader: Reader) -> None:
    """`reader(incident, facts by key)` yields (key of the fact, use)."""
    _readers[house] = reader


def uses_of(incident: Incident, facts: Iterable[Fact]) -> dict[str, list[Use]]:
    by_key = {fact.key: fact for fact in facts}
    found: dict[str, list[Use]] = {}
    for reader in _readers.values():
        for key, use in reader(incident, by_key):
            found.setdefault(key, []).append(use)
    return found


@dataclass(frozen=True)
class Row:
    """A fact as this person sees it. What they must not see yet is not in it at all."""

    fact: Fact
    value: str
    source: str
    is_embargoed: bool
    is_hidden: bool
    asked: Deadline | None
    uses: list[Use] = field(default_factory=list)

    @property
    def role_label(self) -> str:
        return str(Role(self.fact.role).label) if self.fact.role else ""

    @property
    def stale_uses(self) -> list[Use]:
        """What has left and says something else: a correction may be due."""
        return [use for use in self.uses if use.is_stale and use.at is not None]


def rows(incident: Incident, person: User, now: datetime, *, with_uses: bool = True) -> list[Row]:
    facts = list(incident.facts.select_related("confirmed_by", "updated_by"))  # type: ignore[attr-defined]
    sees = access.sees_embargoed(person, incident)
    open_ones = incident.deadlines.open().filter(kind="fact").select_related("owner")  # type: ignore[attr-defined]
    asked = {one.subject: one for one in open_ones}
    # Where something was used is the workshop's: drafts stand among it.
    uses = uses_of(incident, facts) if with_uses and sees else {}
    return [_row(fact, sees, asked.get(fact.subject_key), uses.get(fact.key, []), now) for fact in facts]


def _row(fact: Fact, sees: bool, asked: Deadline | None, uses: list[Use], now: datetime) -> Row:
    is_embargoed = fact.is_embargoed(now)
    is_hidden = is_embargoed and not sees
    value, source = ("", "") if is_hidden else (fact.value, fact.source)
    return Row(fact, value, source, is_embargoed, is_hidden, asked, uses)


def history(fact: Fact, person: User, now: datetime) -> list[tuple[FactVersion, FactVersion | None]]:
    """Its versions, newest first, each with the one before; none while the fact is kept from this person."""
    if fact.is_embargoed(now) and not access.sees_embargoed(person, fact.incident):
        return []
    versions = list(fact.versions.select_related("by"))
    return list(zip(versions, [*versions[1:], None], strict=False))


def counted(found: list[Row]) -> list[Row]:
    """Something that no checklist asks for and that was withdrawn is history; a question stays a question."""
    return [row for row in found if row.fact.is_asked or row.fact.withdrawn_at is None]


def for_room(incident: Incident, person: User, now: datetime) -> dict[str, Any]:
    """What the room shows: what is known first, then what is still to be found out."""
    every = counted(rows(incident, person, now, with_uses=False))
    shown = sorted(every, key=lambda row: not row.fact.is_known)
    return {
        "fact_rows": shown[:SHOWN_IN_ROOM],
        "facts_total": len(every),
        "facts_known": sum(row.fact.is_known for row in every),
    }


def _path(deadline: Deadline) -> str:
    fact_id = int(deadline.subject.removeprefix("fact:"))
    return reverse("incidents:fact_change", args=[deadline.incident.number, fact_id]) + f"#fact-{fact_id}"


deadlines.register(deadlines.Kind("fact", "Find out a fact", _path, action="Answer", warn_minutes=5))
