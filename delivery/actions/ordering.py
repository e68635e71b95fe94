"""From approved to under way: the list freezes with the press, and a hold window lets one take it back."""

from datetime import datetime, timedelta

from django.db import transaction

from crisiscomms import audit, notices, policy
from crisiscomms.models import User
from crisiscomms.refusal import Conflict, Refused
from delivery import authority, fanout, tasks
from delivery.models import Dispatch, Notification, Tally
from incidents import access, decisions
from incidents.actions.components import release_components
from messaging import cadence
from messaging.content import Content, facts_of
from messaging.models import Message

State = Dispatch.State


@transaction.atomic
def order_dispatch(*, message_id: int, by: User, now: datetime, hold_seconds: int | None = None) -> list[Dispatch]:
    """Order an approved message sent by all its channels. The recipient list freezes here.

    Raises Refused when it is not approved, when its moment has passed, or when the list differs from the count
    that was approved by more than the policy's share. Nothing leaves before the hold has passed.
    """
    message = _lock_message(message_id)
    access.require(by, "work", message.incident)
    decisions.require(by, decisions.Kind.TIMING, message.incident)
    request = message.approval
    if message.state != Message.State.APPROVED or request is None:
        raise Refused("Only an approved message can be sent.")
    content = Content.from_data(request.version.content)
    _moment(content, now)
    rules = policy.current("messaging")["settings"]
    hold = rules["hold_seconds"] if hold_seconds is None else hold_seconds
    if message.incident.is_exercise:
        raise Refused("This is an exercise: nothing leaves it.")
    _facts(message, content)
    dispatches = [
        _order(message, content, channel, by, now, now + timedelta(seconds=hold)) for channel in content.channels
    ]
    for dispatch in dispatches:
        reason = authority.why_not(dispatch)
        if reason:
            raise Refused(reason)
        if dispatch.channel == Dispatch.Channel.EMAIL:
            _freeze(dispatch, content, rules["count_drift_percent"], now)
    message.state = Message.State.SENT
    message.save(update_fields=["state"])
    planned = sum(Tally.objects.filter(dispatch__in=dispatches).values_list("planned", flat=True))
    text = f"{message.name}: ordered to {planned} people, leaves in {hold} s"
    audit.record(
        chain=message.incident.chain, verb="message.ordered", subject=message.subject_key, text=text, by=by, now=now
    )
    tasks.ring_sweep()
    return dispatches


def _moment(content: Content, now: datetime) -> None:
    if content.next_update is not None and content.next_update <= now:
        raise Refused("The time promised in the text has passed. Change it, and have it approved again.")


def _facts(message: Message, content: Content) -> None:
    """What was approved says what the incident was then. If that has changed, somebody has to look again."""
    now_is = facts_of(message.incident)
    if any(now_is[name] != content.facts.get(name) for name in ("components", "affected", "began_at")):
        raise Refused(
            "The incident names other components than when this was approved. Press “Change the text”, look at it, "
            "and have it approved again."
        )


def _order(message: Message, content: Content, channel: str, by: User, now: datetime, until: datetime) -> Dispatch:
    assert message.approval is not None
    dispatch = Dispatch.objects.create(
        incident=message.incident,
        message=message,
        version=message.approval.version,
        request=message.approval,
        channel=channel,
        content=content.as_data(),
        fingerprint=message.approval.version.fingerprint,
        ordered_by=by,
        ordered_at=now,
        hold_until=until,
    )
    Tally.objects.create(dispatch=dispatch)
    return dispatch


def _freeze(dispatch: Dispatch, content: Content, drift_percent: int, now: datetime) -> None:
    """Write the list, and refuse when it is not the one that was approved, near enough."""
    fanout.freeze(dispatch=dispatch, rule=content.rule_for(dispatch.incident), now=now)
    tally = Tally.objects.get(dispatch=dispatch)
    reached, approved = tally.planned - tally.skipped, dispatch.request.reach["contacts"]
    if abs(reached - approved) * 100 > drift_percent * max(approved, 1):
        raise Refused(
            f"{approved} people were approved, and it would now go to {reached}. "
            "Send it for approval again, so that the number is right."
        )
    if reached == 0 and content.channels == ["email"]:
        raise Refused("Nobody would get this: no contact matches. Look at who it goes to.")


@transaction.atomic
def take_back(*, message_id: int, by: User, now: datetime) -> None:
    """Undo within the hold window: nothing has left. The message is approved again, not sent."""
    message = _lock_message(message_id)
    access.require(by, "work", message.incident)
    ordered = Dispatch.objects.select_for_update().filter(message=message).exclude(state=State.TAKEN_BACK)
    held = list(ordered)
    if not held or any(dispatch.released_at for dispatch in held):
        raise Conflict("It is too late to take it back: it has begun to leave. You can still stop the rest.")
    for dispatch in held:
        _cancel_waiting(dispatch, "taken back within the hold", now)
        _move(dispatch, State.TAKEN_BACK, finished_at=now)
    message.state = Message.State.APPROVED
    message.save(update_fields=["state"])
    text = f"{message.name}: taken back before anything left"
    audit.record(
        chain=message.incident.chain, verb="message.taken_back", subject=message.subject_key, text=text, by=by, now=now
    )


@transaction.atomic
def stop_dispatch(*, dispatch_id: int, reason: str, by: User | None, now: datetime) -> None:
    """The stop switch. After this commits, no send begins; what is on the wire ends by itself.

    `by=None` is the worker that found that it may not send any more.
    """
    dispatch = _lock(dispatch_id)
    if by is not None:
        access.require(by, "work", dispatch.incident)
    if not reason.strip():
        raise Refused("Say why it is stopped.")
    if State.STOPPED not in Dispatch.MOVES[dispatch.state]:
        raise Conflict(f"It is {dispatch.get_state_display().lower()} already, so there is nothing to stop.")
    _move(dispatch, State.STOPPED, why=reason.strip()[:300])
    text = f"{dispatch.message.name} by {dispatch.get_channel_display()}: stopped. {reason.strip()}"
    audit.record(
        chain=dispatch.incident.chain,
        verb="dispatch.stopped",
        subject=dispatch.message.subject_key,
        text=text,
        by=by,
        now=now,
    )
    if by is None:
        people = {dispatch.ordered_by, dispatch.incident.lead}
        notices.tell(
            people, kind="dispatch_stopped", key=f"{dispatch.pk}:{now.isoformat()}", now=now, dispatch=dispatch.pk
        )


@transaction.atomic
def release_due(*, dispatch_id: int, now: datetime) -> str:
    """The hold has passed (or a lock may open): let it run, or say why not. Safe to repeat. Returns its state."""
    dispatch = _lock(dispatch_id)
    if dispatch.state not in (State.HELD, State.LOCKED) or dispatch.hold_until > now:
        return str(dispatch.state)
    reason = authority.why_not(dispatch)
    if reason:
        stop_dispatch(dispatch_id=dispatch.pk, reason=reason, by=None, now=now)
        return str(State.STOPPED)
    if dispatch.channel == Dispatch.Channel.EMAIL:
        _move(dispatch, State.RUNNING, released_at=now)
        return str(State.RUNNING)
    lock = "" if dispatch.channel == Dispatch.Channel.PORTAL else fanout.customers_first(dispatch)
    if lock:
        if dispatch.state == State.HELD:
            _move(dispatch, State.LOCKED, why=lock)
        Dispatch.objects.filter(pk=dispatch.pk).update(why=lock)
        return str(State.LOCKED)
    _publish(dispatch, now)
    return str(State.DONE)


@transaction.atomic
def open_early(*, dispatch_id: int, reason: str, by: User, now: datetime, break_glass: str = "") -> None:
    """Let the public read it before tier 1 and 2 were reached: a named override, with its reason on the record."""
    dispatch = _lock(dispatch_id)
    access.require(by, "view", dispatch.incident)
    settled = decisions.settle(by, decisions.Kind.CUSTOMER_FIRST, dispatch.incident, break_glass=break_glass)
    if not reason.strip():
        raise Refused("Say why the public should read it before these customers have their mail.")
    if dispatch.state != State.LOCKED:
        raise Conflict(f"It is {dispatch.get_state_display().lower()}, so there is no lock to open.")
    why_not = authority.why_not(dispatch)
    if why_not:
        raise Refused(why_not)
    decisions.note(
        incident=dispatch.incident,
        kind=decisions.Kind.CUSTOMER_FIRST,
        question=f"{dispatch.message.name}: does the public read it before affected customers were reached?",
        options=["Wait for customers", "Open now"],
        choice="Open now",
        reason=reason,
        settled=settled,
        by=by,
        now=now,
        is_recorded=True,
    )
    text = f"{dispatch.message.name}: opened to the public before all of tier 1 and 2 were reached. {reason.strip()}"
    audit.record(
        chain=dispatch.incident.chain,
        verb="dispatch.opened_early",
        subject=dispatch.message.subject_key,
        text=text,
        by=by,
        now=now,
    )
    _publish(dispatch, now)


def _publish(dispatch: Dispatch, now: datetime) -> None:
    _move(dispatch, State.DONE, released_at=now, finished_at=now, why="")
    if dispatch.channel == Dispatch.Channel.STATUS:
        release_components(dispatch.incident)
    note_left(dispatch_id=dispatch.pk, now=now)


@transaction.atomic
def note_left(*, dispatch_id: int, now: datetime) -> None:
    """The first of it has really left. Safe to repeat.

    The first channel that leaves meets the clocks; the others find them met. The portal alone keeps no promise.
    """
    dispatch = _lock(dispatch_id)
    if dispatch.left_at is not None:
        return
    dispatch.left_at = now
    dispatch.save(update_fields=["left_at"])
    words = {"email": "leaves by e-mail", "status": "on the status page", "portal": "talking points released to sales"}
    audit.record(
        chain=dispatch.incident.chain,
        verb="dispatch.left",
        subject=dispatch.message.subject_key,
        text=f"{dispatch.message.name}: {words[dispatch.channel]}",
        by=None,
        now=now,
        publishable=dispatch.channel == Dispatch.Channel.STATUS,
    )
    heard = Dispatch.objects.filter(message=dispatch.message, left_at__isnull=False).exclude(pk=dispatch.pk)
    if dispatch.channel != Dispatch.Channel.PORTAL and not heard.exclude(channel=Dispatch.Channel.PORTAL).exists():
        cadence.message_left(message=dispatch.message, content=Content.from_data(dispatch.content), by=None, now=now)


def _cancel_waiting(dispatch: Dispatch, reason: str, now: datetime) -> None:
    waiting = [Notification.State.QUEUED, Notification.State.RETRY]
    dispatch.notifications.filter(state__in=waiting).update(
        state=Notification.State.CANCELLED, reason=reason, next_attempt_at=None, ended_at=now
    )


def _move(dispatch: Dispatch, to: str, **changes: object) -> None:
    if to not in Dispatch.MOVES[dispatch.state]:
        raise Conflict(f"What is {dispatch.get_state_display().lower()} cannot become {State(to).label.lower()}.")
    for name, value in {"state": to, **changes}.items():
        setattr(dispatch, name, value)
    dispatch.save(update_fields=["state", *changes])


def _lock(dispatch_id: int) -> Dispatch:
    audit.hold(Dispatch.objects.select_related("incident").get(pk=dispatch_id).incident.chain)
    return (
        Dispatch.objects.select_for_update(of=("self",))
        .select_related("incident__lead", "message", "request__version", "version", "ordered_by")
        .get(pk=dispatch_id)
    )


def _lock_message(message_id: int) -> Message:
    audit.hold(Message.objects.select_related("incident").get(pk=message_id).incident.chain)
    return (
        Message.objects.select_for_update(of=("self",))
        .select_related("incident__lead", "approval__version")
        .get(pk=message_id)
    )
