"""What this person may do with this incident now, and why not the rest. Buttons, the API and the actions all ask here.

An ability says no for one of two reasons: the incident does not stand so that it could be done (`not_now`), or this
person is not the one to do it (`not_you`). Higher houses register theirs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from crisiscomms.models import User
from crisiscomms.refusal import NotAllowed, Refused
from incidents import access, decisions
from incidents.models import Incident


class Asked:
    """One question: this incident, this person, now. What several abilities look at is looked up once."""

    def __init__(self, incident: Incident, person: User, now: datetime, rights: decisions.Rights | None = None) -> None:
        self.incident, self.person, self.now = incident, person, now
        if rights is not None:
            self.rights = rights

    @cached_property
    def sees(self) -> bool:
        return access.sees(self.person, self.incident)

    @cached_property
    def rights(self) -> decisions.Rights:
        return decisions.rights()


Sentence = Callable[[Asked], str]


def works(asked: Asked) -> str:
    """Empty for whoever works on it."""
    return "" if access.may(asked.person, "work") and asked.sees else access.refusal("work")


def _always(asked: Asked) -> str:
    return ""


@dataclass(frozen=True)
class Ability:
    """`decision` names the right that it takes; else `not_you` says whose it is (the workshop's, if left out)."""

    key: str
    label: str
    not_now: Sentence = _always
    not_you: Sentence = works
    decision: str = ""


@dataclass(frozen=True)
class Answer:
    """`fits`: the incident stands so that somebody could. `may`: this person can. `why_not` is empty exactly then."""

    key: str
    label: str
    fits: bool
    may: bool
    why_not: str
    may_break_glass: bool = False

    @property
    def shown(self) -> bool:
        """Whether there is anything to press for this person, now."""
        return self.may or self.may_break_glass


_abilities: dict[str, Ability] = {}


def register(ability: Ability) -> None:
    _abilities[ability.key] = ability


def keys() -> list[str]:
    return list(_abilities)


def of(incident: Incident, person: User, now: datetime, rights: decisions.Rights | None = None) -> dict[str, Answer]:
    """Every ability, answered. `rights` are those in force, if they are at hand."""
    asked = Asked(incident, person, now, rights)
    return {key: _answer(ability, asked) for key, ability in _abilities.items()}


def _answer(ability: Ability, asked: Asked) -> Answer:
    not_now = ability.not_now(asked)
    not_you = _not_you(ability, asked)
    return Answer(
        ability.key,
        ability.label,
        fits=not not_now,
        may=not not_now and not not_you,
        why_not=not_now or not_you,
        may_break_glass=bool(not not_now and not_you and ability.decision and asked.sees),
    )


def _not_you(ability: Ability, asked: Asked) -> str:
    if not ability.decision:
        return ability.not_you(asked)
    if not asked.sees:
        return access.refusal("view")
    return decisions.why_not(asked.person, ability.decision, asked.incident, asked.rights)


def require(key: str, incident: Incident, person: User, now: datetime) -> None:
    """Raises NotAllowed when this person is not the one, Refused when it is not the time. Call it under the lock."""
    asked, ability = Asked(incident, person, now), _abilities[key]
    not_you = _not_you(ability, asked)
    if not_you:
        raise NotAllowed(not_you)
    _require_now(ability, asked)


def settle(key: str, incident: Incident, person: User, now: datetime, *, break_glass: str = "") -> decisions.Settled:
    """As `require`, for an ability that is a decision: says with what right. See `decisions.settle`."""
    asked, ability = Asked(incident, person, now), _abilities[key]
    if not asked.sees:
        raise NotAllowed(access.refusal("view"))
    settled = decisions.settle(person, ability.decision, incident, break_glass=break_glass)
    _require_now(ability, asked)
    return settled


def _require_now(ability: Ability, asked: Asked) -> None:
    not_now = ability.not_now(asked)
    if not_now:
        raise Refused(not_now)
