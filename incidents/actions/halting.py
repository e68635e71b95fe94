"""The halt list of an incident: declaring opens a check per activity concerned, resolving asks what goes on again."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse

from crisiscomms import audit, notices, policy
from crisiscomms.models import User
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import abilities, access, deadlines, signals
from incidents.actions.locking import lock_incident
from incidents.actions.outward import require_link
from incidents.models import Deadline, HaltItem, Incident, OutwardActivity, OutwardKind, Product

State = HaltItem.State
Phase = Incident.Phase
# While one of these lasts, what is on the list may sound wrong; after it, it is asked whether it goes on again.
DURING = (Phase.INITIAL_RESPONSE, Phase.MANAGEMENT)
AFTER = (Phase.RESOLUTION, Phase.RECOVERY, Phase.CLOSED)
UNCHECKED = "It was over before anybody checked it."


def rules(incident: Incident) -> dict[str, Any]:
    found: dict[str, Any] = policy.current("outward")["halt"][incident.severity]
    return found


def concerned(incident: Incident) -> QuerySet[OutwardActivity]:
    """What is active and not asked about yet, by the policy of the severity.

    Where nothing is marked as affected, nobody can know what is not concerned: everything is asked about.
    """
    active = OutwardActivity.objects.filter(is_active=True).exclude(halt_items__incident=incident)
    concerns = rules(incident)["concerns"]
    if concerns == "none":
        return active.none()
    affected = Product.objects.filter(components__states__incident=incident)
    if concerns == "products" and affected.exists():
        active = active.filter(Q(products=None) | Q(products__in=affected)).distinct()
    return active.select_related("owner").order_by("pk")


@transaction.atomic
def open_checks(*, incident: Incident, by: User | None, now: datetime) -> list[HaltItem]:
    """A check with its deadline for whatever is concerned and has none, its owner told. Safe to repeat."""
    audit.hold(incident.chain)
    if incident.phase not in DURING:
        return []
    items = [
        HaltItem.objects.create(
            incident=incident, activity=one, name=one.name, kind=one.kind, place=one.place, link=one.link,
            owner=_owner(incident, one.owner), opened_at=now, at=now,
        )
        for one in concerned(incident)
    ]  # fmt: skip
    _ask(incident, items, by=by, now=now)
    return items


def _owner(incident: Incident, owner: User) -> User:
    """Of a restricted incident an owner outside of its team is not told: whoever leads it sees to it."""
    return owner if owner.is_active and access.may(owner, "work", incident) else incident.lead


def _ask(incident: Incident, items: list[HaltItem], *, by: User | None, now: datetime) -> None:
    if not items:
        return
    for item in items:
        _plan_check(item, now)
    count = f"{len(items)} thing{'' if len(items) == 1 else 's'} that go{'es' if len(items) == 1 else ''} out"
    text = f"Halt list: {count} by {'itself' if len(items) == 1 else 'themselves'} to be checked"
    _say(incident, "halt.opened", text, by, now)
    _tell(incident, items, kind="halt_asked", now=now)


def _tell(incident: Incident, items: list[HaltItem], *, kind: str, now: datetime) -> None:
    people = {item.owner_id: item.owner for item in items}
    # One mail per owner, however many they own.
    key = f"{incident.ref}:{now.isoformat()}"
    if kind == "halt_asked":
        notices.tell(people.values(), kind="halt_asked", key=key, now=now, incident=incident.pk)
    else:
        notices.tell(people.values(), kind="resume_asked", key=key, now=now, incident=incident.pk)


def _plan_check(item: HaltItem, now: datetime) -> None:
    incident = item.incident
    title = f"Exercise, halt nothing: {item.name}" if incident.is_exercise else f"Halt {item.name}, or leave it running"
    due = item.opened_at + timedelta(minutes=rules(incident)["check_minutes"])
    deadlines.plan(
        incident=incident, kind="halt", subject=_subject(item), title=title, owner=item.owner,
        due_at=max(due, now), now=now,
    )  # fmt: skip


def _plan_resume(item: HaltItem, now: datetime) -> None:
    incident = item.incident
    title = f"Exercise, resume nothing: {item.name}" if incident.is_exercise else f"Resume {item.name}, or keep it off"
    deadlines.plan(
        incident=incident, kind="resume", subject=_subject(item), title=title, owner=item.owner,
        due_at=now + timedelta(minutes=rules(incident)["resume_minutes"]), now=now,
    )  # fmt: skip


def _subject(item: HaltItem) -> str:
    return f"halt:{item.pk}"


# What the incident's own course brings


@transaction.atomic
def open_resuming(*, incident: Incident, by: User | None, now: datetime) -> list[HaltItem]:
    """It is over: ask of each halted one whether it goes on again. Safe to repeat."""
    audit.hold(incident.chain)
    for item in _of(incident, State.OPEN):
        deadlines.waive(
            incident=incident, kind="halt", subject=_subject(item), reason=UNCHECKED, by=by, now=now
        )  # fmt: skip
        _set(item, State.RUNNING, by=None, now=now, reason=UNCHECKED)
    asked = set(incident.deadlines.open().filter(kind="resume").values_list("subject", flat=True))
    items = [item for item in _of(incident, State.HALTED) if _subject(item) not in asked]
    for item in items:
        _plan_resume(item, now)
    if items:
        _say(incident, "halt.resuming", f"Halt list: decide for {len(items)} halted whether it goes on again", by, now)
        _tell(incident, items, kind="resume_asked", now=now)
    return items


@transaction.atomic
def open_again(*, incident: Incident, by: User | None, now: datetime) -> list[HaltItem]:
    """It was not fixed: nothing is resumed now, and what had gone on is checked again, with whatever is new."""
    audit.hold(incident.chain)
    reason = "The incident went back to management."
    for item in _of(incident, State.HALTED):
        deadlines.waive(incident=incident, kind="resume", subject=_subject(item), reason=reason, by=by, now=now)
    again = [*_of(incident, State.RESUMED), *_of(incident, State.RUNNING).filter(by=None)]
    for item in again:
        item.opened_at = now
        _set(item, State.OPEN, by=None, now=now, reason="")
    _ask(incident, again, by=by, now=now)
    return again + open_checks(incident=incident, by=by, now=now)


@transaction.atomic
def follow_severity(*, incident: Incident, by: User | None, now: datetime) -> None:
    """The open checks follow the new severity's minutes, and what it concerns besides is asked about too."""
    for item in _of(incident, State.OPEN):
        _plan_check(item, now)
    open_checks(incident=incident, by=by, now=now)


def _of(incident: Incident, state: str) -> QuerySet[HaltItem]:
    return HaltItem.objects.filter(incident=incident, state=state).select_related("incident__lead", "owner")


# What people do


@transaction.atomic
def check_again(*, incident_id: int, by: User, now: datetime) -> list[HaltItem]:
    """Ask about what came on the list, or became concerned, since it was declared."""
    incident = lock_incident(incident_id)
    abilities.require("halt_add", incident, by, now)
    return open_checks(incident=incident, by=by, now=now)


@transaction.atomic
def add_item(
    *, incident_id: int, name: str, kind: str, owner: User, by: User, now: datetime, place: str = "", link: str = ""
) -> HaltItem:
    """Ask about something that is not on the standing list."""
    incident = lock_incident(incident_id)
    abilities.require("halt_add", incident, by, now)
    if not name.strip() or kind not in OutwardKind.values:
        raise Refused("Say what goes out, and of which kind it is.")
    require_link(link)
    _require_may_own(owner, incident)
    item = HaltItem.objects.create(
        incident=incident, name=name.strip(), kind=kind, place=place.strip(), link=link.strip(), owner=owner,
        opened_at=now, at=now,
    )  # fmt: skip
    _plan_check(item, now)
    _say(incident, "halt.added", f"Halt list: {item.name} added, {owner} checks it", by, now)
    if owner != by:
        _tell(incident, [item], kind="halt_asked", now=now)
    return item


@transaction.atomic
def halt_item(*, item_id: int, by: User, now: datetime, reason: str = "") -> HaltItem:
    """It is halted now, by hand, where it goes out from."""
    item = _lock(item_id, by, now)
    _move(item, State.HALTED, by=by, now=now, reason=reason)
    deadlines.meet(incident=item.incident, kind="halt", subject=_subject(item), now=now)
    if item.incident.phase in AFTER:
        _plan_resume(item, now)
    return item


@transaction.atomic
def leave_running(*, item_id: int, reason: str, by: User, now: datetime) -> HaltItem:
    """Looked at, and it goes on for a reason."""
    item = _lock(item_id, by, now)
    if not reason.strip():
        raise Refused("Say why it may go on.")
    _move(item, State.RUNNING, by=by, now=now, reason=reason)
    deadlines.meet(incident=item.incident, kind="halt", subject=_subject(item), now=now)
    return item


@transaction.atomic
def resume_item(*, item_id: int, by: User, now: datetime, reason: str = "") -> HaltItem:
    """It goes out again. Before the incident is resolved that needs a reason."""
    item = _lock(item_id, by, now)
    if item.incident.phase in DURING and not reason.strip():
        raise Refused("The incident is not resolved yet. Say why this goes on all the same.")
    _move(item, State.RESUMED, by=by, now=now, reason=reason)
    deadlines.meet(incident=item.incident, kind="resume", subject=_subject(item), now=now)
    return item


@transaction.atomic
def keep_off(*, item_id: int, reason: str, by: User, now: datetime) -> HaltItem:
    """It does not come back, for a reason."""
    item = _lock(item_id, by, now)
    if not reason.strip():
        raise Refused("Say why it stays off.")
    _move(item, State.KEPT_OFF, by=by, now=now, reason=reason)
    deadlines.meet(incident=item.incident, kind="resume", subject=_subject(item), now=now)
    return item


@transaction.atomic
def hand_over_item(*, item_id: int, owner: User, by: User, now: datetime) -> HaltItem:
    """Somebody else sees to it; what runs of its clocks is theirs."""
    item = _lock(item_id, by, now)
    if owner == item.owner:
        raise Refused(f"{owner} sees to this already. Choose somebody else.")
    _require_may_own(owner, item.incident)
    item.owner = owner
    item.save(update_fields=["owner"])
    item.incident.deadlines.open().filter(kind__in=["halt", "resume"], subject=_subject(item)).update(owner=owner)
    _say(item.incident, "halt.owner", f"Halt list: {owner} sees to {item.name} now", by, now)
    return item


ACTS: dict[str, Any] = {
    "halt": halt_item, "leave_running": leave_running, "resume": resume_item, "keep_off": keep_off,
}  # fmt: skip


def _require_may_own(owner: User, incident: Incident) -> None:
    if not owner.is_active or not access.may(owner, "work", incident):
        raise NotAllowed(f"{owner.name} cannot work on this incident. Choose somebody who can.")


def _lock(item_id: int, by: User, now: datetime) -> HaltItem:
    incident = lock_incident(HaltItem.objects.values_list("incident", flat=True).get(pk=item_id))
    abilities.require("halt_act", incident, by, now)
    item = HaltItem.objects.select_for_update(of=("self",)).select_related("owner", "by").get(pk=item_id)
    item.incident = incident
    return item


WORDS = {
    State.HALTED: "halted", State.RUNNING: "left running", State.RESUMED: "resumed", State.KEPT_OFF: "kept off",
}  # fmt: skip


def _move(item: HaltItem, to: str, *, by: User, now: datetime, reason: str) -> None:
    if to not in HaltItem.MOVES[item.state] or to == State.OPEN:
        whose = f" by {item.by}" if item.by else ""
        raise Conflict(f"{item.name} is “{item.get_state_display().lower()}”{whose} by now. Look again.")
    _set(item, to, by=by, now=now, reason=reason)
    because = f": {reason.strip()}" if reason.strip() else ""
    done = "would be " if item.incident.is_exercise else ""
    _say(item.incident, f"halt.{to}", f"Halt list: {item.name} {done}{WORDS[State(to)]}{because}", by, now)


def _set(item: HaltItem, to: str, *, by: User | None, now: datetime, reason: str) -> None:
    item.state, item.by, item.at, item.reason = to, by, now, reason.strip()[:500]
    item.save(update_fields=["state", "by", "at", "reason", "opened_at"])


def _say(incident: Incident, verb: str, text: str, by: User | None, now: datetime) -> None:
    audit.record(chain=incident.chain, verb=verb, subject=f"incident:{incident.pk}", text=text, by=by, now=now)


def _page(deadline: Deadline) -> str:
    return reverse("incidents:halt_list", args=[deadline.incident.number])


_ELSEWHERE = "What goes out is halted, left running or handed over on the halt list."
deadlines.register(
    deadlines.Kind("halt", "Halt what goes out", _page, action="Open the halt list", elsewhere=_ELSEWHERE)
)
deadlines.register(
    deadlines.Kind(
        "resume", "Resume what was halted", _page, action="Open the halt list", warn_minutes=120, outlives_close=True,
        elsewhere=_ELSEWHERE,
    )
)  # fmt: skip


def _is_during(asked: abilities.Asked) -> str:
    return "" if asked.incident.phase in DURING else "Nothing is halted for this incident now."


abilities.register(abilities.Ability("halt_add", "Ask about something else that goes out", _is_during))
# Which of them a check takes now, it says itself (MOVES); what was halted is settled after the end too.
abilities.register(abilities.Ability("halt_act", "Halt, leave running, resume, keep off, hand over"))


def _on_declared(*, incident: Incident, by: User, now: datetime, **_: Any) -> None:
    open_checks(incident=incident, by=by, now=now)


def _on_over(*, incident: Incident, by: User, now: datetime, **_: Any) -> None:
    open_resuming(incident=incident, by=by, now=now)


def _on_reopened(*, incident: Incident, by: User, now: datetime, **_: Any) -> None:
    open_again(incident=incident, by=by, now=now)


def _on_severity(*, incident: Incident, by: User, now: datetime, **_: Any) -> None:
    follow_severity(incident=incident, by=by, now=now)


signals.incident_declared.connect(_on_declared, dispatch_uid="halting.declared")
signals.incident_resolved.connect(_on_over, dispatch_uid="halting.resolved")
signals.incident_closed.connect(_on_over, dispatch_uid="halting.closed")
signals.incident_reopened.connect(_on_reopened, dispatch_uid="halting.reopened")
signals.severity_changed.connect(_on_severity, dispatch_uid="halting.severity")
