"""The fact sheet: what is asked, found out, confirmed, corrected and withdrawn. Every change is a version."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Max

from crisiscomms import audit, notices, policy
from crisiscomms.models import Role, User
from crisiscomms.refusal import Conflict, Refused
from incidents import abilities, access, deadlines, signals
from incidents.actions.lifecycle import lock_incident
from incidents.models import Deadline, Fact, FactVersion, Incident
from incidents.models.incident import WORKSHOP_ROLES
from incidents.rules.facts import NOT_FIRST, RESERVED

Confidence = Fact.Confidence
RANK = {Confidence.UNKNOWN: 0, Confidence.BELIEVED: 1, Confidence.CONFIRMED: 2}
MOST = 100


@transaction.atomic
def open_checklist(*, incident: Incident, by: User | None, now: datetime) -> int:
    """Open what its kind asks for as unknown facts; those that are there stay. Safe to repeat. Returns how many are new.

    The policy is read once, when a question is opened: a later change of it counts for the next incident.
    """
    audit.hold(incident.chain)
    known = set(incident.facts.values_list("key", flat=True))  # type: ignore[attr-defined]
    items = [item for item in policy.current("facts")["kinds"][incident.kind] if item["key"] not in known]
    first = _next_position(incident)
    for position, item in enumerate(items, start=first):
        fact = Fact.objects.create(
            incident=incident,
            key=item["key"],
            label=item["label"],
            why=item["why"],
            role=item["role"],
            needed_before="" if item["before"] == NOT_FIRST else item["before"],
            position=position,
            is_asked=True,
            updated_by=by,
            updated_at=now,
        )
        _keep(fact, by, now, "")
    if items:
        text = f"Facts to find out: {', '.join(item['label'][:1].lower() + item['label'][1:] for item in items)}"
        audit.record(
            chain=incident.chain, verb="fact.opened", subject=f"incident:{incident.pk}", text=text, by=by, now=now
        )
    return len(items)


@transaction.atomic
def add_fact(
    *,
    incident_id: int,
    label: str,
    by: User,
    now: datetime,
    value: str = "",
    confidence: str = Confidence.BELIEVED,
    source: str = "",
    embargo_until: datetime | None = None,
    role: str = "",
) -> Fact:
    """Put something on the sheet that no checklist asks for. Its key for texts is made from the label."""
    incident = _open_incident(incident_id, by, now)
    if not label.strip():
        raise Refused("Say what the fact is about.")
    if role and role not in WORKSHOP_ROLES:
        raise Refused("Choose a role of the workshop to ask.")
    if incident.facts.count() >= MOST:  # type: ignore[attr-defined]
        raise Refused(f"A fact sheet holds {MOST} facts. Change one that is there.")
    fact = Fact(
        incident=incident, key=_free_key(incident, label), label=label.strip(), position=_next_position(incident)
    )
    fact.role = role
    _set(fact, value, confidence, source, embargo_until, by, now)
    fact.updated_by, fact.updated_at = by, now
    fact.save()
    _keep(fact, by, now, "")
    _say(fact, "added", f"{fact.label}: {_words(fact, now)}", by, now)
    return fact


@transaction.atomic
def change_fact(
    *,
    fact_id: int,
    seen: int,
    value: str,
    confidence: str,
    by: User,
    now: datetime,
    source: str = "",
    embargo_until: datetime | None = None,
    reason: str = "",
) -> Fact:
    """Say something else. `seen` is the version that was looked at: raises Conflict when somebody was first.

    Whoever sets it to confirmed confirms it. What was confirmed changes only with a reason: others rely on it.
    """
    fact = _lock(fact_id, by, seen, now)
    before = _state(fact)
    _set(fact, value, confidence, source, embargo_until, by, now)
    if _state(fact) == before:
        return fact
    if before[1] == Confidence.CONFIRMED and before[:2] != _state(fact)[:2] and not reason.strip():
        raise Refused("This was confirmed, and others rely on it. Say why it changes.")
    _store(fact, before, by, now, reason)
    _say(fact, "changed", _changed_words(fact, before, reason, now), by, now)
    _follow(fact, before, by, now)
    return fact


@transaction.atomic
def confirm_fact(*, fact_id: int, seen: int, by: User, now: datetime) -> Fact:
    """Stand in for it with one's name: it is so."""
    fact = _lock(fact_id, by, seen, now)
    if fact.confidence == Confidence.CONFIRMED:
        raise Conflict(f"{fact.confirmed_by} has confirmed this already.")
    if fact.confidence == Confidence.UNKNOWN:
        raise Refused("There is nothing to confirm yet. Say what it is.")
    before = _state(fact)
    _set(fact, fact.value, Confidence.CONFIRMED, fact.source, fact.embargo_until, by, now)
    _store(fact, before, by, now, "")
    _say(fact, "confirmed", f"{fact.label}: {_words(fact, now)}", by, now)
    _follow(fact, before, by, now)
    return fact


@transaction.atomic
def withdraw_fact(*, fact_id: int, seen: int, reason: str, by: User, now: datetime) -> Fact:
    """It is not so, and nothing stands in its place: whoever has used it is shown that they have."""
    fact = _lock(fact_id, by, seen, now)
    if fact.withdrawn_at is not None:
        raise Conflict("This was withdrawn already.")
    if not fact.is_known:
        raise Refused("Nothing is said here yet, so there is nothing to withdraw.")
    if not reason.strip():
        raise Refused("Say why it is withdrawn.")
    before = _state(fact)
    _set(fact, "", Confidence.UNKNOWN, "", None, by, now)
    fact.withdrawn_at = now
    _store(fact, before, by, now, reason)
    _say(fact, "withdrawn", f"{fact.label}: withdrawn. {reason.strip()}", by, now)
    _follow(fact, before, by, now)
    return fact


@transaction.atomic
def ask_for_fact(*, fact_id: int, role: str, by: User, now: datetime) -> Deadline:
    """Ask everybody of a role who may see the incident; one of them owns the clock. Asked again, it starts anew."""
    fact = Fact.objects.get(pk=fact_id)
    incident = _open_incident(fact.incident_id, by, now)
    fact = Fact.objects.select_for_update(of=("self",)).get(pk=fact_id)
    fact.incident = incident
    if role not in WORKSHOP_ROLES:
        raise Refused("Choose a role of the workshop to ask.")
    if fact.confidence == Confidence.CONFIRMED:
        raise Refused("This is confirmed already.")
    people = [person for person in User.objects.with_role(role) if access.may(person, "work", incident)]
    label = str(Role(role).label)
    if not people:
        raise Refused(f"Nobody of {label} can see this incident. Choose another role, or add somebody to its team.")
    minutes = policy.current("facts")["answer_minutes"][incident.severity]
    deadline = deadlines.plan(
        incident=incident,
        kind="fact",
        subject=fact.subject_key,
        title=f"Find out: {fact.label}"[:200],
        owner=_owner(incident, people, now),
        due_at=now + timedelta(minutes=minutes),
        now=now,
    )
    notices.tell(people, kind="fact_asked", key=deadlines.told_key(deadline), now=now, deadline=deadline.pk)
    _say(fact, "asked", f"{fact.label}: {label} asked", by, now)
    return deadline


def _owner(incident: Incident, people: list[User], now: datetime) -> User:
    """Whoever is on the team and here; else whoever is here."""
    team = set(incident.team.values_list("person_id", flat=True))  # type: ignore[attr-defined]
    return min(people, key=lambda person: (person.is_out(now), person.pk not in team, person.pk))


def key_of(label: str) -> str:
    """What texts call it: “Årsak, trolig” is arsak_trolig. Empty where the label has no Latin letters or figures."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_0123456789")[:34].strip("_")


def _free_key(incident: Incident, label: str) -> str:
    key = key_of(label) or "fact"
    taken = set(incident.facts.values_list("key", flat=True)) | set(RESERVED)  # type: ignore[attr-defined]
    numbered = (f"{key}_{number}" for number in range(2, MOST + 3))
    return key if key not in taken else next(one for one in numbered if one not in taken)


def _next_position(incident: Incident) -> int:
    return (incident.facts.aggregate(top=Max("position"))["top"] or 0) + 1  # type: ignore[attr-defined]


def _open_incident(incident_id: int, by: User, now: datetime) -> Incident:
    incident = lock_incident(incident_id)
    abilities.require("facts", incident, by, now)
    return incident


def _lock(fact_id: int, by: User, seen: int, now: datetime) -> Fact:
    incident = _open_incident(Fact.objects.only("incident_id").get(pk=fact_id).incident_id, by, now)
    fact = Fact.objects.select_for_update(of=("self",)).select_related("updated_by", "confirmed_by").get(pk=fact_id)
    fact.incident = incident
    if fact.version != seen:
        who = fact.updated_by or "Somebody"
        raise Conflict(f"{who} changed this after you opened it. Look at both before you go on.")
    return fact


State = tuple[str, str, str, datetime | None, bool]


def _state(fact: Fact) -> State:
    return fact.value, fact.confidence, fact.source, fact.embargo_until, fact.withdrawn_at is not None


def _set(
    fact: Fact, value: str, confidence: str, source: str, embargo_until: datetime | None, by: User, now: datetime
) -> None:
    """Put it into the fact, in sentences where it does not go together. A confirmation stays with who gave it."""
    value, source = value.strip(), source.strip()
    if confidence not in Confidence.values:
        raise Refused("Choose how sure it is.")
    if confidence == Confidence.UNKNOWN and value:
        raise Refused("Something is said here, so it is at least believed. Or leave it empty.")
    if confidence != Confidence.UNKNOWN and not value:
        raise Refused("Say what it is, or choose unknown.")
    if embargo_until is not None and embargo_until <= now and embargo_until != fact.embargo_until:
        raise Refused("The embargo would be over already. Give a time that is still to come.")
    is_same = (value, confidence) == (fact.value, fact.confidence)
    if confidence != Confidence.CONFIRMED:
        fact.confirmed_by, fact.confirmed_at = None, None
    elif not is_same or fact.confirmed_by is None:
        fact.confirmed_by, fact.confirmed_at = by, now
    if value:
        fact.withdrawn_at = None
    fact.value, fact.confidence, fact.source, fact.embargo_until = value, confidence, source, embargo_until


def _store(fact: Fact, before: State, by: User, now: datetime, reason: str) -> None:
    fact.version += 1
    fact.updated_by, fact.updated_at = by, now
    if _outward(fact, before, now):
        fact.changed_at = now
    fact.save()
    _keep(fact, by, now, reason)


def _outward(fact: Fact, before: State, now: datetime) -> bool:
    """Whether a text that rests on it may be wrong now, or must not be said yet. A confirmation makes no text wrong."""
    value, confidence, _, embargo_until, _ = before
    if not value:
        return False
    is_less_sure = RANK[Confidence(fact.confidence)] < RANK[Confidence(confidence)]
    is_held = fact.is_embargoed(now) and fact.embargo_until != embargo_until
    return fact.value != value or is_less_sure or is_held


def _follow(fact: Fact, before: State, by: User, now: datetime) -> None:
    if fact.is_known:
        deadlines.meet(incident=fact.incident, kind="fact", subject=fact.subject_key, now=now)
    if _outward(fact, before, now):
        signals.fact_changed.send(sender=Fact, incident=fact.incident, fact=fact, by=by, now=now)


def _keep(fact: Fact, by: User | None, now: datetime, reason: str) -> None:
    FactVersion.objects.create(
        fact=fact,
        number=fact.version,
        value=fact.value,
        confidence=fact.confidence,
        source=fact.source,
        embargo_until=fact.embargo_until,
        is_withdrawn=fact.withdrawn_at is not None,
        by=by,
        at=now,
        reason=reason.strip()[:300],
    )


def _words(fact: Fact, now: datetime) -> str:
    """How it stands, for the record. What is under an embargo is not said there: more people read it."""
    said = str(Confidence(fact.confidence).label).lower()
    if fact.embargo_until is not None and fact.is_embargoed(now):
        return f"{said}, embargoed until {fact.embargo_until.astimezone(UTC):%d %b %H:%M} UTC"
    return f"{said}, {fact.value}" if fact.value else said


def _changed_words(fact: Fact, before: State, reason: str, now: datetime) -> str:
    was = Fact(value=before[0], confidence=before[1], embargo_until=before[3])
    hides = fact.is_embargoed(now) or was.is_embargoed(now)
    moved = _words(fact, now) if hides or not was.is_known else f"{_words(was, now)} → {_words(fact, now)}"
    return f"{fact.label}: {moved}" + (f". {reason.strip()}" if reason.strip() else "")


def _say(fact: Fact, verb: str, text: str, by: User, now: datetime) -> None:
    audit.record(
        chain=fact.incident.chain,
        verb=f"fact.{verb}",
        subject=fact.subject_key,
        text=text,
        by=by,
        now=now,
        data={"version": fact.version},
    )


def _still_open(asked: abilities.Asked) -> str:
    closed = asked.incident.phase == Incident.Phase.CLOSED
    return "The incident is closed: its fact sheet stays as it is." if closed else ""


abilities.register(abilities.Ability("facts", "Add or change facts", _still_open))
