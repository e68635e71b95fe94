"""What people do about a clock: put it off, waive it, hand it over, take it in hand, say that it is done, plan anew."""

from datetime import datetime, timedelta

from django.db import transaction

from crisiscomms import audit, notices
from crisiscomms.models import User
from crisiscomms.refusal import Conflict, Refused
from crisiscomms.wording import readers_time
from incidents import access, deadlines
from incidents.actions.lifecycle import let_see
from incidents.actions.locking import lock_incident
from incidents.clock import obligations
from incidents.models import Deadline, Incident

State = Deadline.State
REASON_LIMIT = 300


def _lock(deadline_id: int) -> Deadline:
    """The open deadline, with its incident held; Conflict when somebody has ended it meanwhile."""
    incident_id = Deadline.objects.values_list("incident", flat=True).get(pk=deadline_id)
    lock_incident(incident_id)
    rows = Deadline.objects.select_for_update(of=("self",)).select_related("incident__lead", "owner__deputy")
    deadline = rows.get(pk=deadline_id)
    if deadline.state not in (State.PENDING, State.MISSED):
        raise Conflict(f"“{deadline.title}” is {deadline.get_state_display().lower()} already.")
    return deadline


def _note(deadline: Deadline, verb: str, text: str, by: User, now: datetime) -> None:
    audit.record(chain=deadline.incident.chain, verb=verb, subject=f"deadline:{deadline.pk}", text=text, by=by, now=now)


def _because(reason: str, ask: str) -> str:
    if not reason.strip():
        raise Refused(ask)
    return reason.strip()[:REASON_LIMIT]


def _must_end_here(deadline: Deadline) -> None:
    """What has a row of its own is waived and handed over there, so that the two never say different things."""
    elsewhere = deadlines.kind_of(deadline).elsewhere
    if elsewhere:
        raise Refused(elsewhere)


@transaction.atomic
def snooze_deadline(
    *,
    deadline_id: int,
    reason: str,
    by: User,
    now: datetime,
    due_at: datetime | None = None,
    remind_at: datetime | None = None,
) -> Deadline:
    """Put it off: to another time (`due_at`), or be told of it later (`remind_at`), with a reason that stays.

    Refused past what policy allows, for the first word past its hard limit, and for a regulator's clock.
    """
    deadline = _lock(deadline_id)
    access.require(by, "work", deadline.incident)
    reason = _because(reason, "Say why it is put off. The reason stands on the timeline.")
    if (due_at is None) == (remind_at is None):
        raise Refused("Choose either a new time for it, or when you want to be reminded.")
    until = due_at or remind_at
    assert until is not None
    _may_be_put_off(deadline, until, now)
    if due_at is not None:
        deadline = _move(deadline, due_at, now)
        words = f"put off to {due_at:%d %b %H:%M} UTC"
    else:
        _be_quiet(deadline, until, now)
        words = f"quiet until {until:%d %b %H:%M} UTC"
    deadline.snoozed_by, deadline.snoozed_reason = by, reason
    deadline.save()
    _note(deadline, "deadline.snoozed", f"{deadline.title}: {words}. {reason}", by, now)
    return deadline


def _move(deadline: Deadline, due_at: datetime, now: datetime) -> Deadline:
    return deadlines.plan(
        incident=deadline.incident, kind=deadline.kind, subject=deadline.subject, title=deadline.title,
        owner=deadline.owner, due_at=due_at, now=now,
    )  # fmt: skip


def _be_quiet(deadline: Deadline, until: datetime, now: datetime) -> None:
    if deadline.state == State.PENDING and until >= deadline.due_at:
        raise Refused("It is due before that. Give it a new time instead.")
    deadline.snoozed_until = deadline.next_action_at = until
    if deadline.state == State.MISSED:
        deadline.paused_minutes += _minutes(until - now)


def _minutes(span: timedelta) -> int:
    return -(-int(span.total_seconds()) // 60)


def _may_be_put_off(deadline: Deadline, until: datetime, now: datetime) -> None:
    if until <= now:
        raise Refused("That time has passed. Choose a later one.")
    kind = deadlines.kind_of(deadline)
    if not kind.may_be_put_off:
        raise Refused(f"A {kind.label.lower()} cannot be put off: the time is not ours.")
    limit = latest(deadline, now)
    if until > limit:
        what = "its hard limit" if deadline.kind == "acknowledge" else "what the policy allows at once"
        raise Refused(f"It can be put off until {readers_time(limit)} at the latest: that is {what}.")


def latest(deadline: Deadline, now: datetime) -> datetime:
    """How far it may be put off: from now by the policy’s span, the first word to customers up to its hard limit."""
    hours = deadlines.obligation_policy(deadline.incident).get("snooze_hours", 24)
    limit = now + timedelta(hours=hours)
    if deadline.kind == "acknowledge":
        hard = deadlines.severity_policy(deadline.incident)["acknowledge_hard_limit_minutes"]
        limit = min(limit, deadline.incident.discovered_at + timedelta(minutes=hard))
    return limit


@transaction.atomic
def waive_deadline(*, deadline_id: int, reason: str, by: User, now: datetime) -> None:
    """It does not have to happen, and somebody who leads says why."""
    deadline = _lock(deadline_id)
    access.require(by, "lead", deadline.incident)
    _must_end_here(deadline)
    deadlines.waive(
        incident=deadline.incident, kind=deadline.kind, subject=deadline.subject, reason=reason, by=by, now=now
    )
    # What follows from that, as of a watch item that comes back later.
    obligations.renew(deadline.incident, now=now, by=by)


@transaction.atomic
def meet_deadline(*, deadline_id: int, note: str, by: User, now: datetime) -> None:
    """Somebody says that it is done, for kinds that the product does not see by itself."""
    deadline = _lock(deadline_id)
    access.require(by, "work", deadline.incident)
    if not deadlines.kind_of(deadline).by_hand:
        raise Refused("This is met by itself, when it happens.")
    note = _because(note, "Say what was done, or what was decided.")
    _note(deadline, "deadline.done", f"{deadline.title}: {note}", by, now)
    deadlines.meet(incident=deadline.incident, kind=deadline.kind, subject=deadline.subject, now=now)
    obligations.renew(deadline.incident, now=now, by=by)


@transaction.atomic
def hand_over_deadline(*, deadline_id: int, owner: User, by: User, now: datetime) -> Deadline:
    """Somebody else owns it now, and hears of it."""
    deadline = _lock(deadline_id)
    incident = deadline.incident
    access.require(by, "work", incident)
    _must_end_here(deadline)
    if owner == deadline.owner:
        raise Refused(f"{owner} has it already. Choose somebody else.")
    if not access.may(owner, "work"):
        raise Refused(f"{owner} cannot work on this incident. Choose somebody of the workshop.")
    if incident.restricted and not access.may(owner, "work", incident):
        raise Refused(f"{owner} is not on the team of this restricted incident. Add them first.")
    if not access.may(owner, "view", incident):
        let_see(incident=incident, person=owner)
    was, deadline.owner = deadline.owner, owner
    deadline.save(update_fields=["owner"])
    key = f"{deadlines.told_key(deadline)}:{owner.pk}:{now.isoformat()}"
    notices.tell([owner], kind="deadline_yours", key=key, now=now, deadline=deadline.pk, by=by.pk)
    _note(deadline, "deadline.owner", f"{deadline.title}: handed over from {was} to {owner}", by, now)
    return deadline


@transaction.atomic
def take_deadline(*, deadline_id: int, by: User, now: datetime) -> Deadline:
    """“I have it”: the escalation waits for whoever says so, for the policy’s minutes, and then goes on."""
    deadline = _lock(deadline_id)
    access.require(by, "view", deadline.incident)
    if now < deadline.due_at:
        raise Refused("It is not late, so nobody is being told. Hand it over if somebody else has to do it.")
    if deadline.taken_by is not None:
        raise Conflict(f"{deadline.taken_by} has it until {readers_time(deadline.taken_until)}.")
    rules = deadlines.obligation_policy(deadline.incident)
    if deadline.taken_times >= rules.get("take_times", 2):
        raise Refused("It was taken in hand before and is still open, so the escalation goes on.")
    minutes = rules.get("take_minutes", 30)
    deadline.taken_by, deadline.taken_until = by, now + timedelta(minutes=minutes)
    deadline.taken_times += 1
    deadline.paused_minutes += minutes
    if deadline.state == State.MISSED:
        deadline.next_action_at = deadline.taken_until
    deadline.save(update_fields=["taken_by", "taken_until", "taken_times", "paused_minutes", "next_action_at"])
    _note(deadline, "deadline.taken", f"{deadline.title}: {by} has it. The escalation waits {minutes} min", by, now)
    return deadline


@transaction.atomic
def replan_clocks(*, incident_id: int, seen: tuple[int, int], by: User, now: datetime) -> list[str]:
    """Take the newest policies for this incident, on purpose, and say on the timeline what moved.

    `seen` are the versions whose effect the person looked at. Raises Conflict when there is a newer one since.
    """
    incident = lock_incident(incident_id)
    access.require(by, "lead", incident)
    if incident.phase == Incident.Phase.CLOSED:
        raise Refused("A closed incident keeps its rules.")
    if seen != obligations.versions():
        raise Conflict("The policy was changed after you looked. Look at what would move before you do it.")
    incident.clock_policy_version, incident.obligation_policy_version = seen
    incident.save(update_fields=["clock_policy_version", "obligation_policy_version"])
    said = obligations.renew(incident, now=now, by=by)
    text = f"Clocks planned anew by policy version {seen[0]}.{seen[1]}. {obligations.in_words(said)}"
    audit.record(
        chain=incident.chain, verb="clocks.replanned", subject=f"incident:{incident.pk}", text=text, by=by, now=now
    )
    return said


@transaction.atomic
def set_regions(*, incident_id: int, regions: list[str], by: User, now: datetime) -> list[str]:
    """Whose regulators may have to hear of it. Their clocks follow from it."""
    incident = lock_incident(incident_id)
    access.require(by, "lead", incident)
    known = known_regions(incident)
    unknown = [one for one in regions if one not in known]
    if unknown:
        raise Refused(f"“{unknown[0]}” is no region of the policy. It has: {', '.join(known)}.")
    incident.regions = sorted(set(regions))
    incident.save(update_fields=["regions"])
    said = obligations.renew(incident, now=now, by=by)
    where = ", ".join(incident.regions) or "those of the policy"
    text = f"Regions whose law may apply: {where}. {obligations.in_words(said)}"
    audit.record(
        chain=incident.chain, verb="incident.regions", subject=f"incident:{incident.pk}", text=text, by=by, now=now
    )
    return said


def known_regions(incident: Incident) -> list[str]:
    return sorted({rule["region"] for rule in deadlines.obligation_policy(incident).get("regulatory", [])})
