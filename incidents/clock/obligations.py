"""What has to happen by when, worked out from policy and the incident's state, and held by the one clock.

Rules are pure: from a `Situation` they say what is wanted. `renew` compares that with the deadlines there are, and
plans, moves, meets or waives. It may be called at any time and any number of times. See docs/adr/0026.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db import transaction
from django.db.models import Max, Q

from crisiscomms import audit, policy
from crisiscomms.models import Policy, User
from incidents import access, deadlines, team
from incidents.models import CustomerWord, Deadline, Incident

State = Deadline.State


@dataclass(frozen=True)
class Wanted:
    """One thing that has to happen.

    `occasion` is the event that it follows from; together with `due_at` it is what the rules say. `done_at`: it has
    happened already. `owner_role`: whose it is at first, empty for whoever leads.
    """

    kind: str
    title: str
    due_at: datetime
    occasion: str
    subject: str = ""
    remind_at: datetime | None = None
    owner_role: str = ""
    done_at: datetime | None = None


@dataclass(frozen=True)
class Words:
    """What customers heard: the last word, and when they last heard something detailed, or that it is resolved."""

    at: datetime | None = None
    promised_at: datetime | None = None
    was_approved: bool = True
    reference: str = ""
    says_resolved: bool = False
    detailed_at: datetime | None = None
    resolved_at: datetime | None = None


@dataclass
class Situation:
    """All that rules may look at. Nothing of it changes while they do, and none of it is the time of day."""

    incident: Incident
    rules: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def _reached(self) -> list[tuple[str, datetime, datetime | None]]:
        return list(self.incident.milestones.values_list("kind", "reached_at", "noted_at"))

    @cached_property
    def milestones(self) -> dict[str, datetime]:
        return {kind: reached_at for kind, reached_at, _ in self._reached}

    @cached_property
    def noted(self) -> dict[str, datetime]:
        """When each milestone was known: what was said before did not tell it, though it had been reached."""
        return {kind: noted_at or reached_at for kind, reached_at, noted_at in self._reached}

    @cached_property
    def words(self) -> Words:
        return words_of(self.incident, self.milestones)

    @cached_property
    def severity(self) -> dict[str, Any]:
        found: dict[str, Any] = self.rules["severities"][self.incident.severity]
        return found

    @property
    def is_live(self) -> bool:
        """It is declared and not closed: customers are owed something."""
        return self.incident.phase not in ("pre_crisis", Incident.Phase.CLOSED)


@dataclass(frozen=True)
class Rule:
    """What one kind of deadline follows from. `why_gone` is said where an open one is wanted no longer.

    `ends_with_a_word`: each word to customers meets the open one and begins the next. `begins_again`: one that has
    ended is planned anew when only its time would be another.
    """

    kind: str
    wanted: Callable[[Situation], Iterable[Wanted]]
    why_gone: Callable[[Situation], str]
    ends_with_a_word: bool = False
    begins_again: bool = False


_rules: dict[str, Rule] = {}


def register(rule: Rule) -> None:
    _rules[rule.kind] = rule


def kinds() -> set[str]:
    return set(_rules)


def words_of(incident: Incident, milestones: dict[str, datetime]) -> Words:
    said = CustomerWord.objects.filter(incident=incident)
    last = said.order_by("-at", "-pk").first()
    if last is None:
        # Acknowledged in a way that left no word here, as in an import: the cadence counts from then.
        told = milestones.get("acknowledged")
        return Words(at=told, reference="told" if told else "")
    latest = said.aggregate(
        detailed=Max("at", filter=Q(is_detailed=True)), resolved=Max("at", filter=Q(says_resolved=True))
    )
    return Words(
        last.at, last.promised_at, last.was_approved, f"word-{last.pk}", last.says_resolved, latest["detailed"],
        latest["resolved"],
    )  # fmt: skip


def versions() -> tuple[int, int]:
    """The newest versions of the two policies that clocks follow; 0 where one is missing."""
    found = dict(Policy.objects.filter(key__in=["incidents", "clocks"]).values_list("key").annotate(top=Max("version")))
    return found.get("incidents", 0), found.get("clocks", 0)


def situation(incident: Incident) -> Situation:
    return Situation(incident, deadlines.clock_policy(incident), deadlines.obligation_policy(incident))


def wanted(look: Situation) -> Iterator[tuple[Rule, list[Wanted]]]:
    for rule in _rules.values():
        yield rule, list(rule.wanted(look))


@transaction.atomic
def renew(incident: Incident, *, now: datetime, by: User | None = None) -> list[str]:
    """Make the clocks what policy and state ask for. Returns a sentence for each that was planned or moved.

    What a person made of a deadline (snoozed, waived, handed over) stays until the event that it follows from changes.
    """
    audit.hold(incident.chain)
    keep_versions(incident)
    look = situation(incident)
    open_ones: dict[tuple[str, str], Deadline] = {
        (one.kind, one.subject): one
        for one in Deadline.objects.open().filter(incident=incident, kind__in=kinds()).select_related("owner")
    }
    plan = list(wanted(look))
    ended = _ended(incident, [item for _, items in plan for item in items])
    said: list[str] = []
    for rule, items in plan:
        for item in items:
            said += _settle(rule, item, open_ones.pop((item.kind, item.subject), None), look, ended, now)
    for (kind, subject), gone in open_ones.items():
        why = _rules[kind].why_gone(look)
        deadlines.waive(incident=incident, kind=kind, subject=subject, reason=why, by=by, now=now)
        # Nobody decided that: when the rules want it again it is planned again. A person's waiver stays.
        Deadline.objects.filter(pk=gone.pk).update(occasion="")
    return said


def keep_versions(incident: Incident) -> None:
    """From the first planning on an incident keeps its versions, until somebody plans it anew on purpose."""
    kept = incident.clock_policy_version, incident.obligation_policy_version
    if None in kept:
        # Each by itself: what was under way before the newer of the two came keeps its 0 for "none of these".
        incident.clock_policy_version, incident.obligation_policy_version = (
            newest if one is None else one for one, newest in zip(kept, versions(), strict=True)
        )
        incident.save(update_fields=["clock_policy_version", "obligation_policy_version"])


def _ended(incident: Incident, items: list[Wanted]) -> set[tuple[str, str, str, datetime | None]]:
    """Kind, subject, occasion and time of what has been met or waived already; time None stands for any."""
    rows = Deadline.objects.filter(
        incident=incident, state__in=[State.MET, State.WAIVED], occasion__in={item.occasion for item in items}
    ).values_list("kind", "subject", "occasion", "ruled_at")
    return {*rows, *((kind, subject, occasion, None) for kind, subject, occasion, _ in rows)}


def _settle(
    rule: Rule, item: Wanted, there: Deadline | None, look: Situation, ended: set[Any], now: datetime
) -> list[str]:
    if item.done_at is not None:
        if there is not None:
            _meet(there, item.done_at)
        return []
    if there is not None and rule.ends_with_a_word and _is_another_word(there, item) and look.words.at is not None:
        _meet(there, look.words.at)
        there = None
    if there is None:
        known = (item.kind, item.subject, item.occasion, item.due_at if rule.begins_again else None)
        return [] if known in ended else [_plan(item, _owner(look.incident, item, now), look.incident, now)]
    if (there.occasion, there.ruled_at) == (item.occasion, item.due_at):
        return []
    if there.due_at == item.due_at:
        # Planned before rules were kept, or by the same rule for another reason: nobody is told anew.
        Deadline.objects.filter(pk=there.pk).update(
            occasion=item.occasion, ruled_at=item.due_at, title=item.title[:200]
        )
        return []
    return [_plan(item, there.owner, look.incident, now)]


def _is_another_word(there: Deadline, item: Wanted) -> bool:
    """Occasions of such kinds begin with the name of the word that they count from."""
    return there.occasion.partition(" ")[0] != item.occasion.partition(" ")[0]


def _plan(item: Wanted, owner: User, incident: Incident, now: datetime) -> str:
    deadlines.plan(
        incident=incident,
        kind=item.kind,
        subject=item.subject,
        title=item.title,
        owner=owner,
        due_at=item.due_at,
        remind_at=item.remind_at,
        occasion=item.occasion,
        now=now,
    )
    return sentence(item)


def sentence(item: Wanted) -> str:
    return f"{item.title} now due {item.due_at:%d %b %H:%M} UTC"


def _meet(there: Deadline, at: datetime) -> None:
    deadlines.meet(incident=there.incident, kind=there.kind, subject=there.subject, now=at)


def _owner(incident: Incident, item: Wanted, now: datetime) -> User:
    """Whose it is at first: by the roles of the incident, or somebody of the department that the rule names."""
    if not item.owner_role:
        return team.owner_for(incident, item.kind, now)
    people = list(User.objects.with_role(item.owner_role))
    on_team = set(incident.team.values_list("person", flat=True))
    people.sort(key=lambda person: (person.pk not in on_team, person.pk))
    return next((person for person in people if access.may(person, "view", incident)), incident.lead)


@dataclass(frozen=True)
class Change:
    """What planning anew would do to one deadline: `before` None is a new one, `after` None one that goes."""

    title: str
    before: datetime | None
    after: datetime | None


def preview(incident: Incident) -> list[Change]:
    """What would move if the incident took the newest policies. Changes nothing."""
    look = Situation(incident, policy.current("incidents"), deadlines.newest_obligations())
    there = {(one.kind, one.subject): one for one in Deadline.objects.open().filter(incident=incident)}
    changes = []
    plan = [(rule, item) for rule, items in wanted(look) for item in items]
    ended = _ended(incident, [item for _, item in plan])
    for rule, item in plan:
        one = there.pop((item.kind, item.subject), None)
        known = (item.kind, item.subject, item.occasion, item.due_at if rule.begins_again else None)
        if item.done_at is not None or (one is None and known in ended):
            continue
        if one is None or (one.ruled_at != item.due_at and one.due_at != item.due_at):
            changes.append(Change(item.title, one.due_at if one else None, item.due_at))
    changes += [Change(one.title, one.due_at, None) for one in there.values() if one.kind in _rules]
    return changes


def in_words(said: list[str]) -> str:
    """What `renew` returned, as one line of the timeline."""
    return "; ".join(said) + "." if said else "No open clock follows from it."


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)
