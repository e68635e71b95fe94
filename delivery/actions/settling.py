"""What a person decides about what went wrong. Nothing fails silently; nothing is repeated unasked."""

from datetime import datetime

from django.db import transaction

from crisiscomms import audit
from crisiscomms.models import User
from crisiscomms.refusal import Conflict, Refused
from delivery import authority, tasks
from delivery.actions.ordering import _lock, _move
from delivery.models import Dispatch, Notification
from incidents import access

State = Notification.State


@transaction.atomic
def retry_failed(*, dispatch_id: int, by: User, now: datetime) -> int:
    """Try the failed ones again, and only those. Returns how many."""
    dispatch = _ready(dispatch_id, by, now)
    count = dispatch.notifications.filter(state=State.FAILED).update(
        state=State.RETRY, next_attempt_at=now, attempts=0, ended_at=None, reason=""
    )
    return _run_again(dispatch, count, f"{count} failed mails are tried again", by, now)


@transaction.atomic
def settle_unknown(*, dispatch_id: int, send_again: bool, by: User, now: datetime) -> int:
    """Decide about mails whose fate is unknown: send again (same Message-ID), or count them as handed over."""
    dispatch = _ready(dispatch_id, by, now)
    unknown = dispatch.notifications.filter(state=State.UNKNOWN)
    if not send_again:
        count = unknown.update(state=State.SENT, ended_at=now)
        text = f"{count} mails without an answer are counted as handed over"
        return _run_again(dispatch, count, text, by, now, runs=False)
    count = unknown.update(state=State.RETRY, next_attempt_at=now, possibly_twice=True, ended_at=None, reason="")
    return _run_again(dispatch, count, f"{count} mails without an answer are sent again, possibly twice", by, now)


@transaction.atomic
def resume_dispatch(*, dispatch_id: int, by: User, now: datetime) -> None:
    """Go on after a stop: what still waits is sent, if it still may."""
    dispatch = _lock(dispatch_id)
    access.require(by, "work", dispatch.incident)
    if dispatch.state != Dispatch.State.STOPPED or dispatch.released_at is None:
        raise Conflict("Only what was stopped while it was being sent can go on.")
    _may(dispatch, now)
    _move(dispatch, Dispatch.State.RUNNING, why="", finished_at=None)
    text = f"{dispatch.message.name}: sending goes on"
    audit.record(
        chain=dispatch.incident.chain,
        verb="dispatch.resumed",
        subject=dispatch.message.subject_key,
        text=text,
        by=by,
        now=now,
    )
    tasks.ring_sweep()


def _ready(dispatch_id: int, by: User, now: datetime) -> Dispatch:
    dispatch = _lock(dispatch_id)
    access.require(by, "work", dispatch.incident)
    if dispatch.state not in (Dispatch.State.RUNNING, Dispatch.State.DONE):
        raise Conflict(f"This is {dispatch.get_state_display().lower()}, so nothing can be tried again now.")
    _may(dispatch, now)
    return dispatch


def _may(dispatch: Dispatch, now: datetime) -> None:
    reason = authority.why_not(dispatch, now)
    if reason:
        raise Refused(reason)


def _run_again(dispatch: Dispatch, count: int, text: str, by: User, now: datetime, *, runs: bool = True) -> int:
    if count == 0:
        raise Conflict("There is nothing of that kind left.")
    if runs and dispatch.state == Dispatch.State.DONE:
        _move(dispatch, Dispatch.State.RUNNING, finished_at=None)
    text = f"{dispatch.message.name}: {text}"
    audit.record(
        chain=dispatch.incident.chain,
        verb="dispatch.settled",
        subject=dispatch.message.subject_key,
        text=text,
        by=by,
        now=now,
    )
    tasks.ring_sweep()
    return count
