"""What happens as time passes: reminded, warned, missed, escalated. Many rows together, nobody twice, nothing lost.

Rows are claimed and written in sets. Each incident is held by its record's lock, which is only ever tried, so nobody
at work waits for the clock, and the clock for nobody. What one row's kind does runs in a savepoint of its own.
"""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models.base import ModelState

from crisiscomms import audit, notices
from crisiscomms.models import User
from crisiscomms.models.ways import Way
from crisiscomms.notices import Telling
from incidents import access
from incidents.deadlines import kinds, planning
from incidents.models import Deadline, Incident

log = structlog.get_logger("crisiscomms")
State = Deadline.State
# So many rows are handled in one transaction: a person at work on one of their incidents waits for no more.
TOGETHER = 500
# Fewer where a row's kind does something of its own, such as preparing a draft.
WITH_WORK = 20

# What is looked at of a row that only has to be told of. A kind's own work may look at all of it.
OF_DEADLINE = (
    *(
        "id",
        "kind",
        "title",
        "owner_id",
        "due_at",
        "warn_at",
        "warned_at",
        "remind_at",
        "reminded_at",
        "next_action_at",
    ),
    *("state", "step", "snoozed_until", "taken_by_id", "taken_until", "taken_times", "paused_minutes", "incident_id"),
)
OF_INCIDENT = ("id", "number", "restricted", "clock_policy_version", "obligation_policy_version")

Due = tuple[int, int, str]


def tick(*, now: datetime, limit: int = 500) -> int:
    """Handle what is due by `now`; returns how many. Any number of processes may run it at once."""
    rows = Deadline.objects.due_for_action(now).order_by("next_action_at")
    due: list[Due] = list(rows.values_list("pk", "incident__number", "kind")[:limit])
    plain = [row for row in due if not kinds.has_work(row[2])]
    working = [row for row in due if kinds.has_work(row[2])]
    return sum(_chunk(rows, now) for rows in [*_in_chunks(plain, TOGETHER), *_in_chunks(working, WITH_WORK)])


def _in_chunks(rows: list[Due], size: int) -> Iterator[list[Due]]:
    left = iter(rows)
    while chunk := list(islice(left, size)):
        yield chunk


def _chunk(rows: list[Due], now: datetime) -> int:
    """Together; where that fails, one by one, so that one that cannot be handled waits and stops no other."""
    try:
        return _handle(rows, now)
    except Exception:  # the clock of everybody else must go on
        if len(rows) > 1:
            log.exception("deadlines not handled together", count=len(rows))
            return sum(_chunk([row], now) for row in rows)
        log.exception("deadline not handled", deadline=rows[0][0])
        _wait(rows[0][0], now)
        return 1


def _wait(pk: int, now: datetime) -> None:
    Deadline.objects.filter(pk=pk).update(next_action_at=now + timedelta(minutes=1))


@dataclass
class Round:
    """What one transaction has to write, gathered row by row."""

    now: datetime
    told: list[Telling] = field(default_factory=list)
    let_in: list[tuple[Incident, User]] = field(default_factory=list)
    records: list[audit.Entry] = field(default_factory=list)
    moved: list[Deadline] = field(default_factory=list)
    # Which columns any of them may have changed: a thousand that are warned write two, not eight.
    changed: set[str] = field(default_factory=lambda: {"next_action_at"})

    def __post_init__(self) -> None:
        self.steps = cache(_steps)
        self.people = cache(_with_roles)

    def sizes(self) -> tuple[int, int, int]:
        return len(self.told), len(self.let_in), len(self.records)

    def cut(self, sizes: tuple[int, int, int]) -> None:
        """Drop what one row gathered before it failed."""
        del self.told[sizes[0] :], self.let_in[sizes[1] :], self.records[sizes[2] :]


@transaction.atomic
def _handle(rows: list[Due], now: datetime) -> int:
    """Claim what is free and do what its time has come for. What somebody is at work on is left to the next knock."""
    mine = _claim(rows, now)
    this = Round(now)
    for deadline in mine:
        before = this.sizes()
        try:
            with _savepoint(deadline):
                _act(deadline, this)
        except Exception:
            this.cut(before)
            log.exception("deadline not handled", deadline=deadline.pk)
            _wait(deadline.pk, now)
    _let_in(this.let_in)
    notices.tell_each(_of_those_who_see(this.told, mine), now=now)
    audit.record_each(this.records, now=now)
    _write(this.moved, [name for name in COLUMNS if name in this.changed])
    return len(mine)


def _savepoint(deadline: Deadline) -> Any:
    return transaction.atomic() if kinds.has_work(deadline.kind) else nullcontext()


def _claim(rows: list[Due], now: datetime) -> list[Deadline]:
    """Records' locks first, as every action takes them, then the rows; both without waiting for anybody."""
    free = audit.take_turns({f"INC-{number}" for _, number, _ in rows})
    wanted = [pk for pk, number, _ in rows if f"INC-{number}" in free]
    with_work = any(kinds.has_work(kind) for _, _, kind in rows)
    found = _locked_whole(wanted, now) if with_work else _locked(wanted, now)
    # Few people own many: each is read once.
    owners = User.objects.get_queryset().select_related("deputy").in_bulk({one.owner_id for one in found})
    for one in found:
        one.owner = owners[one.owner_id]
    return found


def _locked_whole(wanted: list[int], now: datetime) -> list[Deadline]:
    claimed = Deadline.objects.due_for_action(now).select_for_update(skip_locked=True, of=("self", "incident"))
    return list(claimed.select_related("incident").filter(pk__in=wanted).order_by("next_action_at"))


def _locked(wanted: list[int], now: datetime) -> list[Deadline]:
    """The same with only what is looked at, in one statement: instances of all columns would cost as much as all SQL."""
    columns = ", ".join([*(f"d.{name}" for name in OF_DEADLINE), *(f"i.{name}" for name in OF_INCIDENT)])
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM incidents_deadline d JOIN incidents_incident i ON i.id = d.incident_id "
            "WHERE d.id = ANY(%s) AND d.next_action_at <= %s ORDER BY d.next_action_at FOR UPDATE OF d, i SKIP LOCKED",
            [wanted, now],
        )
        rows = cursor.fetchall()
    width, incidents, found = len(OF_DEADLINE), {}, []
    for row in rows:
        deadline = _read(Deadline, zip(OF_DEADLINE, row, strict=False))
        if deadline.incident_id not in incidents:
            incidents[deadline.incident_id] = _read(Incident, zip(OF_INCIDENT, row[width:], strict=True))
        deadline._state.fields_cache["incident"] = incidents[deadline.incident_id]
        found.append(deadline)
    return found


def _read(model: Any, values: Iterable[tuple[str, Any]]) -> Any:
    """An instance as Django makes one with deferred columns: what was not read is read when somebody asks for it."""
    one = model.__new__(model)
    one._state = ModelState()
    one._state.adding, one._state.db = False, connection.alias
    one.__dict__.update(values)
    return one


def _act(deadline: Deadline, this: Round) -> None:
    """Decide what the time has come for, and let the kind do its work."""
    now, kind = this.now, kinds.kind_of(deadline)
    early = now < (deadline.warn_at or deadline.due_at)
    if early and deadline.snoozed_until:
        _tell_again(deadline, this)
    elif early and deadline.remind_at and deadline.reminded_at is None:
        _remind(deadline, this)
    elif now < deadline.due_at:
        kind.on_warn(deadline, now)
        _warn(deadline, this)
    else:
        if deadline.state == State.PENDING:
            if deadline.warned_at is None:
                # Nobody knocked while it was time to warn: what a warning prepares still has to stand ready.
                kind.on_warn(deadline, now)
            deadline.state = State.MISSED
            kind.on_missed(deadline, now)
            this.records.append(_missed(deadline, now))
        _escalate(deadline, this)
        this.changed |= {"state", "step", "snoozed_until", "taken_by_id", "taken_until"}
    this.moved.append(deadline)


def _remind(deadline: Deadline, this: Round) -> None:
    """The earlier, quieter word: by now it would be good, later it is due."""
    _tell(deadline, [deadline.owner], kind="deadline_remind", key=told_key(deadline), this=this)
    deadline.reminded_at, deadline.next_action_at = this.now, deadline.warn_at
    this.changed.add("reminded_at")


def _tell_again(deadline: Deadline, this: Round) -> None:
    """Somebody asked to be told of it now, and that is before the warning, which comes all the same."""
    _tell(deadline, [deadline.owner], kind="deadline_soon", key=_again_key(deadline), this=this)
    deadline.snoozed_until, deadline.next_action_at = None, deadline.warn_at
    this.changed.add("snoozed_until")


def _warn(deadline: Deadline, this: Round) -> None:
    people = [deadline.owner]
    if deadline.owner.deputy and deadline.owner.is_out(this.now):
        this.let_in.append((deadline.incident, deadline.owner.deputy))
        people.append(deadline.owner.deputy)
    _tell(deadline, people, kind="deadline_soon", key=_again_key(deadline), this=this)
    deadline.warned_at, deadline.next_action_at = this.now, deadline.due_at
    this.changed.add("warned_at")
    if deadline.snoozed_until is not None:
        deadline.snoozed_until = None
        this.changed.add("snoozed_until")


def _escalate(deadline: Deadline, this: Round) -> None:
    """Tell every step whose time has come. After an outage that may be several: each person is told once."""
    steps = this.steps(
        deadline.kind, deadline.incident.clock_policy_version, deadline.incident.obligation_policy_version
    )
    _back_to_who_had_it(deadline, this)
    while deadline.step < len(steps) and _step_at(deadline, steps[deadline.step]) <= this.now:
        step = steps[deadline.step]
        people = _step_people(deadline, step["roles"], this)
        if not deadline.incident.restricted:
            this.let_in += [(deadline.incident, person) for person in people]
        way = Way.BOTH if step["ways"] == "both" else None
        _tell(deadline, people, kind="deadline_missed", key=told_key(deadline), this=this, way=way)
        deadline.step += 1
    left = deadline.step < len(steps)
    deadline.next_action_at = _step_at(deadline, steps[deadline.step]) if left else None


def _back_to_who_had_it(deadline: Deadline, this: Round) -> None:
    """Somebody had it in hand, or put it off, and that time is over: they hear first that it is still open."""
    if deadline.taken_by is not None and deadline.taken_until and deadline.taken_until <= this.now:
        _tell(
            deadline,
            [deadline.taken_by],
            kind="deadline_missed",
            key=f"{told_key(deadline)}:taken{deadline.taken_times}",
            this=this,
        )
        deadline.taken_by, deadline.taken_until = None, None
    if deadline.snoozed_until and deadline.snoozed_until <= this.now:
        _tell(deadline, [deadline.owner], kind="deadline_missed", key=_again_key(deadline), this=this)
        deadline.snoozed_until = None


def _step_at(deadline: Deadline, step: dict[str, Any]) -> datetime:
    return deadline.due_at + timedelta(minutes=step["minutes"] + deadline.paused_minutes)


def steps_of(deadline: Deadline) -> list[dict[str, Any]]:
    """The chain of this deadline: that of its kind, else the one for all, by the rules that its incident keeps."""
    return _steps(deadline.kind, deadline.incident.clock_policy_version, deadline.incident.obligation_policy_version)


def _steps(kind: str, clocks: int | None, obligations: int | None) -> list[dict[str, Any]]:
    kept = Incident(clock_policy_version=clocks, obligation_policy_version=obligations)
    more = planning.obligation_policy(kept)
    own: list[dict[str, Any]] | None = more.get("escalations", {}).get(kind)
    if own is not None:
        return own
    both_from = more.get("both_ways_from_step", 0)
    steps = planning.clock_policy(kept)["escalation_steps"]
    return [
        {**step, "ways": "both" if both_from and number >= both_from else "own"}
        for number, step in enumerate(steps, start=1)
    ]


def _with_roles(roles: tuple[str, ...]) -> list[User]:
    return list(User.objects.with_role(*roles))


def _step_people(deadline: Deadline, roles: list[str], this: Round) -> list[User]:
    """`owner` and `deputy` are words of the policy; everything else is a role. Who is away has the deputy told too."""
    people: list[User] = []
    if "owner" in roles:
        people.append(deadline.owner)
    if deadline.owner.deputy and ("deputy" in roles or ("owner" in roles and deadline.owner.is_out(this.now))):
        people.append(deadline.owner.deputy)
    return people + this.people(tuple(role for role in roles if role not in ("owner", "deputy")))


def _tell(
    deadline: Deadline, people: Iterable[User], *, kind: str, key: str, this: Round, way: Way | None = None
) -> None:
    this.told += [Telling(person, kind, key, {"deadline": deadline.pk}, way) for person in people]


def _of_those_who_see(told: list[Telling], mine: list[Deadline]) -> list[Telling]:
    """Of a restricted incident only those who may see it are told."""
    restricted = {one.pk: one.incident_id for one in mine if one.incident.restricted}
    if not restricted:
        return told
    people = {one.person.pk: one.person for one in told if one.context["deadline"] in restricted}
    seen = {
        (pk, incident)
        for pk, person in people.items()
        for incident in Incident.objects.visible_to(person)
        .filter(pk__in=set(restricted.values()))
        .values_list("pk", flat=True)
    }

    def may_hear(one: Telling) -> bool:
        incident = restricted.get(one.context["deadline"])
        return incident is None or one.kind != "deadline_missed" or (one.person.pk, incident) in seen

    return [one for one in told if may_hear(one)]


def _let_in(pairs: list[tuple[Incident, User]]) -> None:
    """An executive sees what they are asked about: whoever is told that it is late can open it. Sellers never."""
    from incidents.actions.lifecycle import let_see

    people = {person.pk: person for _, person in pairs}
    for person in people.values():
        about = {incident.pk: incident for incident, other in pairs if other.pk == person.pk}
        if not access.may(person, "view"):
            continue
        seen = set(Incident.objects.visible_to(person).filter(pk__in=about).values_list("pk", flat=True))
        for pk, incident in about.items():
            if pk not in seen:
                let_see(incident=incident, person=person)


def told_key(deadline: Deadline) -> str:
    """The same deadline moved to another time is another reason to be told."""
    return f"{deadline.pk}:{deadline.due_at.isoformat()}"


def _again_key(deadline: Deadline) -> str:
    """Put off to be told of it later: then it is told again."""
    later = deadline.snoozed_until
    return f"{told_key(deadline)}:{later.isoformat()}" if later else told_key(deadline)


def _missed(deadline: Deadline, now: datetime) -> audit.Entry:
    late = int((now - deadline.due_at).total_seconds() // 60)
    text = f"{deadline.title}: not done in time" + (f", noticed {late} min late" if late else "")
    return audit.Entry(deadline.incident.chain, "deadline.missed", f"deadline:{deadline.pk}", text)


COLUMNS = {
    "state": "varchar",
    "step": "smallint",
    "warned_at": "timestamptz",
    "reminded_at": "timestamptz",
    "next_action_at": "timestamptz",
    "snoozed_until": "timestamptz",
    "taken_by_id": "bigint",
    "taken_until": "timestamptz",
}


def _write(moved: list[Deadline], columns: list[str]) -> None:
    """All in one statement. What is the same for all, such as the moment of a warning, is written once."""
    if not moved:
        return
    values = {name: [getattr(one, name) for one in moved] for name in columns}
    same = {name: found[0] for name, found in values.items() if len(set(found)) == 1}
    lists = {name: found for name, found in values.items() if name not in same}
    sets = ", ".join([*(f"{name} = %s::{COLUMNS[name]}" for name in same), *(f"{name} = n.{name}" for name in lists)])
    arrays = "".join(f", %s::{COLUMNS[name]}[]" for name in lists)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE incidents_deadline d SET {sets} FROM unnest(%s::bigint[]{arrays}) "
            f"AS n ({', '.join(['id', *lists])}) WHERE d.id = n.id",
            [*same.values(), [one.pk for one in moved], *lists.values()],
        )
