"""The one clock: planning, meeting and waiving deadlines, and what happens as time passes.

Kinds are registered by the house that owns their meaning. The periodic task claims the due rows by index.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.urls import reverse

from crisiscomms import audit, notices, policy
from crisiscomms.models import User
from crisiscomms.refusal import Refused
from incidents import access
from incidents.models import Deadline, Incident

log = structlog.get_logger("crisiscomms")
State = Deadline.State


def _works(deadline: Deadline, person: User) -> bool:
    return access.may(person, "work", deadline.incident)


def _nothing(deadline: Deadline, now: datetime) -> None:
    return None


@dataclass(frozen=True)
class Kind:
    """`path` is where the owner can do something about it; `on_warn` prepares the next step."""

    key: str
    label: str
    path: Callable[[Deadline], str]
    on_warn: Callable[[Deadline, datetime], None] = _nothing
    on_missed: Callable[[Deadline, datetime], None] = _nothing
    action: str = "Open"
    # Whether this person can open `path`; whoever cannot is led to the room.
    may_open: Callable[[Deadline, User], bool] = _works
    # Where the kind knows better than the severity's policy: minutes before due, None for the policy's.
    warn_minutes: int | None = None
    # Whether it goes on when the incident is closed or stood down: it follows from the end.
    outlives_close: bool = False


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _kinds[kind.key] = kind


def kind_of(deadline: Deadline) -> Kind:
    return _kinds[deadline.kind]


def path_for(deadline: Deadline, person: User) -> str:
    """Where this person can do something about it."""
    kind = kind_of(deadline)
    return (
        kind.path(deadline)
        if kind.may_open(deadline, person)
        else reverse("desk:room", args=[deadline.incident.number])
    )


def registered() -> set[str]:
    return set(_kinds)


def severity_policy(incident: Incident) -> dict[str, int]:
    found: dict[str, int] = policy.current("incidents")["severities"][incident.severity]
    return found


@transaction.atomic
def plan(
    *,
    incident: Incident,
    kind: str,
    title: str,
    owner: User,
    due_at: datetime,
    now: datetime,
    subject: str = "",
) -> Deadline:
    """Set a deadline, or move the open one of the same kind and subject. Whoever was told is told anew."""
    audit.hold(incident.chain)
    minutes = _kinds[kind].warn_minutes
    if minutes is None:
        minutes = severity_policy(incident)["warn_minutes_before"]
    warn_at = min(due_at, max(now, due_at - timedelta(minutes=minutes)))
    fields = {
        "title": title,
        "owner": owner,
        "due_at": due_at,
        "warn_at": warn_at,
        "warned_at": None,
        "next_action_at": warn_at,
        "state": State.PENDING,
        "step": 0,
    }
    open_one = Deadline.objects.open().select_for_update().filter(incident=incident, kind=kind, subject=subject).first()
    if open_one is None:
        return Deadline.objects.create(incident=incident, kind=kind, subject=subject, created_at=now, **fields)
    for name, value in fields.items():
        setattr(open_one, name, value)
    open_one.save(update_fields=list(fields))
    return open_one


@transaction.atomic
def meet(*, incident: Incident, kind: str, now: datetime, subject: str = "") -> Deadline | None:
    """The thing was done. Returns the deadline it met, if one was open; a late one says so in the record."""
    audit.hold(incident.chain)
    deadline = Deadline.objects.open().select_for_update().filter(incident=incident, kind=kind, subject=subject).first()
    if deadline is None:
        return None
    _end(deadline, State.MET, met_at=now)
    late = now - deadline.due_at
    words = (
        f"{deadline.title}: done {int(late.total_seconds() // 60)} min late"
        if late > timedelta(0)
        else f"{deadline.title}: done in time"
    )
    audit.record(
        chain=incident.chain, verb="deadline.met", subject=f"deadline:{deadline.pk}", text=words, by=None, now=now
    )
    return deadline


@transaction.atomic
def waive(*, incident: Incident, kind: str, reason: str, by: User | None, now: datetime, subject: str = "") -> None:
    """It no longer has to happen, and somebody says why."""
    if not reason.strip():
        raise Refused("Say why this deadline is waived.")
    audit.hold(incident.chain)
    for deadline in Deadline.objects.open().select_for_update().filter(incident=incident, kind=kind, subject=subject):
        _end(deadline, State.WAIVED, waived_reason=reason[:300])
        text = f"{deadline.title}: waived. {reason}"
        audit.record(
            chain=incident.chain, verb="deadline.waived", subject=f"deadline:{deadline.pk}", text=text, by=by, now=now
        )


@transaction.atomic
def waive_all(*, incident: Incident, reason: str, by: User | None, now: datetime) -> None:
    """Quiet on stand-down and close: every open deadline of the incident but those that follow from its end."""
    stay = [kind.key for kind in _kinds.values() if kind.outlives_close]
    ending = Deadline.objects.open().filter(incident=incident).exclude(kind__in=stay)
    for kind, subject in ending.values_list("kind", "subject"):
        waive(incident=incident, kind=kind, subject=subject, reason=reason, by=by, now=now)


def _end(deadline: Deadline, to: str, **changes: object) -> None:
    if to not in Deadline.MOVES[deadline.state]:
        raise Refused(f"A deadline that is {deadline.get_state_display().lower()} cannot become {to}.")
    for name, value in {"state": to, "next_action_at": None, **changes}.items():
        setattr(deadline, name, value)
    deadline.save(update_fields=["state", "next_action_at", *changes])


def tick(*, now: datetime, limit: int = 500) -> int:
    """Handle what is due by `now`; returns how many. Any number of processes may run it at once."""
    due = Deadline.objects.due_for_action(now).order_by("next_action_at").values_list("pk", "incident__number")
    return sum(_handle(pk, f"INC-{number}", now) for pk, number in list(due[:limit]))


def _handle(pk: int, chain: str, now: datetime) -> bool:
    """One deadline in a transaction of its own. One that cannot be handled waits a minute and stops no other.

    Nothing is waited for: where a person is at work on the incident right now, the next knock looks again.
    """
    mine = Deadline.objects.due_for_action(now).select_for_update(skip_locked=True, of=("self", "incident"))
    try:
        with transaction.atomic():
            free = audit.take_turn(chain)
            deadline = mine.select_related("incident", "owner__deputy").filter(pk=pk).first() if free else None
            if deadline is None:
                return False
            _act(deadline, now)
    except Exception:  # the clock of everybody else must go on
        log.exception("deadline not handled", deadline=pk)
        Deadline.objects.filter(pk=pk).update(next_action_at=now + timedelta(minutes=1))
    return True


def _act(deadline: Deadline, now: datetime) -> None:
    if now < deadline.due_at:
        return _warn(deadline, now)
    if deadline.state == State.PENDING:
        if deadline.warned_at is None:
            # Nobody knocked while it was time to warn: what a warning prepares still has to stand ready.
            kind_of(deadline).on_warn(deadline, now)
        deadline.state = State.MISSED
        kind_of(deadline).on_missed(deadline, now)
        _record_missed(deadline, now)
    _escalate(deadline, now)
    return None


def _warn(deadline: Deadline, now: datetime) -> None:
    kind_of(deadline).on_warn(deadline, now)
    people = [deadline.owner]
    if deadline.owner.deputy and deadline.owner.is_out(now):
        _let_in(deadline.incident, [deadline.owner.deputy])
        people.append(deadline.owner.deputy)
    notices.tell(people, kind="deadline_soon", key=told_key(deadline), now=now, deadline=deadline.pk)
    deadline.warned_at = now
    deadline.next_action_at = deadline.due_at
    deadline.save(update_fields=["warned_at", "next_action_at"])


def _escalate(deadline: Deadline, now: datetime) -> None:
    """Tell every step whose time has come. After an outage that may be several: each person is told once."""
    steps = policy.current("incidents")["escalation_steps"]
    told: dict[int, User] = {}
    while deadline.step < len(steps) and deadline.due_at + timedelta(minutes=steps[deadline.step]["minutes"]) <= now:
        for person in _step_people(deadline, steps[deadline.step]["roles"], now):
            told[person.pk] = person
        deadline.step += 1
    _let_in(deadline.incident, told.values())
    notices.tell(told.values(), kind="deadline_missed", key=told_key(deadline), now=now, deadline=deadline.pk)
    left = deadline.step < len(steps)
    deadline.next_action_at = deadline.due_at + timedelta(minutes=steps[deadline.step]["minutes"]) if left else None
    deadline.save(update_fields=["state", "step", "next_action_at"])


def _step_people(deadline: Deadline, roles: list[str], now: datetime) -> list[User]:
    """`owner` and `deputy` are words of the policy; everything else is a role. Who is away has the deputy told too.

    Of a restricted incident only those who may see it are told.
    """
    people: list[User] = []
    if "owner" in roles:
        people.append(deadline.owner)
    if deadline.owner.deputy and ("deputy" in roles or ("owner" in roles and deadline.owner.is_out(now))):
        people.append(deadline.owner.deputy)
    people += User.objects.with_role(*(role for role in roles if role not in ("owner", "deputy")))
    if deadline.incident.restricted:
        people = [p for p in people if Incident.objects.visible_to(p).filter(pk=deadline.incident_id).exists()]
    return people


def _let_in(incident: Incident, people: Iterable[User]) -> None:
    """An executive sees what they are asked about: whoever is told that it is late can open it. Sellers never."""
    from incidents.actions.lifecycle import let_see

    for person in people:
        if access.may(person, "view") and not access.may(person, "view", incident):
            let_see(incident=incident, person=person)


def told_key(deadline: Deadline) -> str:
    """The same deadline moved to another time is another reason to be told."""
    return f"{deadline.pk}:{deadline.due_at.isoformat()}"


def _record_missed(deadline: Deadline, now: datetime) -> None:
    late = int((now - deadline.due_at).total_seconds() // 60)
    text = f"{deadline.title}: not done in time" + (f", noticed {late} min late" if late else "")
    audit.record(
        chain=deadline.incident.chain,
        verb="deadline.missed",
        subject=f"deadline:{deadline.pk}",
        text=text,
        by=None,
        now=now,
    )
