"""What is due is always found again in PostgreSQL: holds that ended, leases that ended, sends that are through."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from crisiscomms import audit, notices, policy
from delivery.actions import note_left, release_due
from delivery.models import Dispatch, Notification, Tally

State = Dispatch.State
log = structlog.get_logger("crisiscomms.delivery")

# The claims whose lease has ended, each taken by one sweeper and gone with it.
LOST = """
    DELETE FROM delivery_claim WHERE id IN (
        SELECT id FROM delivery_claim WHERE dispatch_id = %(dispatch)s AND lease_until < %(now)s
        ORDER BY id FOR UPDATE SKIP LOCKED)
    RETURNING id, ids, begun_upto, sent_upto
"""
# The server had taken these, and only the words of its answers are lost.
SENT = """
    WITH taken AS (
        UPDATE delivery_notification SET claim_id = NULL, state = 'sent', ended_at = %(now)s,
            reason = 'Handed over. The worker ended before it wrote down the answer.'
        WHERE id = ANY(%(ids)s) AND claim_id = %(claim)s AND id <= %(sent)s
        RETURNING id, attempts, reason
    )
    INSERT INTO delivery_deliveryattempt (notification_id, number, at, outcome, code, text)
    SELECT id, attempts, %(now)s, 'sent', NULL, reason FROM taken
"""
# Never begun: nothing happened, it is simply queued again. Claimed again and again without ever being begun:
# whatever kills its worker, it ends where people see it.
UNTRIED = """
    UPDATE delivery_notification SET claim_id = NULL, state = CASE WHEN attempts < %(most)s THEN 'retry' ELSE 'failed' END,
        next_attempt_at = CASE WHEN attempts < %(most)s THEN %(now)s::timestamptz END,
        ended_at = CASE WHEN attempts < %(most)s THEN NULL ELSE %(now)s::timestamptz END,
        reason = CASE WHEN attempts < %(most)s THEN reason ELSE %(poison)s END
    WHERE id = ANY(%(ids)s) AND claim_id = %(claim)s AND id > %(upto)s
"""
# Begun, and no result: nobody knows. By policy it is sent again or waits for a person.
IN_DOUBT = """
    WITH lost AS (
        UPDATE delivery_notification SET claim_id = NULL, possibly_twice = true,
            state = CASE WHEN %(resend)s AND attempts < %(most)s THEN 'retry'
                         WHEN attempts >= %(most)s AND %(resend)s THEN 'failed' ELSE 'unknown' END,
            next_attempt_at = CASE WHEN %(resend)s AND attempts < %(most)s THEN %(now)s::timestamptz END,
            ended_at = CASE WHEN %(resend)s AND attempts < %(most)s THEN NULL ELSE %(now)s::timestamptz END,
            reason = 'The worker ended while this mail was on its way, so nobody knows whether it arrived.'
        WHERE id = ANY(%(ids)s) AND claim_id = %(claim)s AND id <= %(upto)s
        RETURNING id, attempts
    )
    INSERT INTO delivery_deliveryattempt (notification_id, number, at, outcome, code, text)
    SELECT id, attempts, %(now)s, 'unknown', NULL, 'The worker ended while this mail was on its way.' FROM lost
"""
POISON = "Its worker ended each time before this mail could be made."


def sweep(*, now: datetime) -> list[int]:
    """Move everything that time alone moves. Returns the dispatches that have work for the senders."""
    waiting = Dispatch.objects.filter(state__in=[State.HELD, State.LOCKED], hold_until__lte=now)
    for pk in waiting.order_by("hold_until", "pk").values_list("pk", flat=True):
        with _alone(pk):
            release_due(dispatch_id=pk, now=now)
    ring: list[int] = []
    running = Dispatch.objects.filter(state__in=[State.RUNNING, State.STOPPED]).select_related("incident", "tally")
    for dispatch in running:
        with _alone(dispatch.pk):
            if dispatch.left_at is None and dispatch.tally.reached:
                note_left(dispatch_id=dispatch.pk, now=now)
            if dispatch.tally.claimed:
                expire_leases(dispatch=dispatch, now=now)
            if dispatch.state == State.RUNNING and has_due(dispatch, now):
                ring.append(dispatch.pk)
            elif dispatch.state == State.RUNNING:
                finish(dispatch_id=dispatch.pk, now=now)
    return ring


@contextmanager
def _alone(dispatch_id: int) -> Iterator[None]:
    """One dispatch that cannot be handled must not hold up the others; the next knock tries it again."""
    try:
        yield
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("dispatch not swept", dispatch=dispatch_id)


def expire_leases(*, dispatch: Dispatch, now: datetime) -> None:
    rules = policy.current("delivery")
    values = {
        "dispatch": dispatch.pk,
        "now": now,
        "most": rules["max_attempts"],
        "resend": rules["unknown"][dispatch.incident.severity] == "resend",
        "poison": POISON,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOST, values)
        for claim, ids, upto, sent in cursor.fetchall():
            for statement in (SENT, UNTRIED, IN_DOUBT):
                cursor.execute(statement, {**values, "claim": claim, "ids": ids, "upto": upto, "sent": sent})


def has_due(dispatch: Dispatch, now: datetime) -> bool:
    waiting = [Notification.State.QUEUED, Notification.State.RETRY]
    return dispatch.notifications.filter(state__in=waiting, next_attempt_at__lte=now).exists()


@transaction.atomic
def finish(*, dispatch_id: int, now: datetime) -> bool:
    """Done when nothing waits. Whoever ordered it hears of what is left over. Safe to repeat."""
    audit.hold(Dispatch.objects.select_related("incident").get(pk=dispatch_id).incident.chain)
    dispatch = (
        Dispatch.objects.select_for_update(of=("self",))
        .select_related("incident__lead", "message", "ordered_by")
        .get(pk=dispatch_id)
    )
    tally = Tally.objects.get(dispatch=dispatch)
    if dispatch.state != State.RUNNING or tally.waiting:
        return False
    if dispatch.left_at is None and tally.reached:
        note_left(dispatch_id=dispatch.pk, now=now)
    dispatch.state, dispatch.finished_at = State.DONE, now
    dispatch.save(update_fields=["state", "finished_at"])
    text = (
        f"{dispatch.message.name}: {tally.reached} of {tally.planned} handed over, {tally.failed} failed, "
        f"{tally.unknown} without an answer, {tally.skipped} left out"
    )
    twice = dispatch.notifications.filter(possibly_twice=True, attempts__gt=1).count()
    if twice:
        text += f"; {twice} were sent again after no answer, possibly twice"
    # Deliveries enter the record as one event per dispatch, not one per person.
    audit.record(
        chain=dispatch.incident.chain,
        verb="dispatch.done",
        subject=dispatch.message.subject_key,
        text=text,
        by=None,
        now=now,
        data={
            "tally": {
                name: getattr(tally, name) for name in ("planned", "sent", "failed", "unknown", "skipped", "cancelled")
            }
        },
    )
    if tally.failed or tally.unknown:
        people = {dispatch.ordered_by, dispatch.incident.lead}
        key = f"{dispatch.pk}:{tally.failed}:{tally.unknown}:{now - timedelta(microseconds=now.microsecond)}"
        notices.tell(people, kind="dispatch_trouble", key=key, now=now, dispatch=dispatch.pk)
    return True
