"""The unit of truth: one row per recipient and channel of a dispatch, and every attempt at it."""

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from delivery.models.dispatches import Dispatch
from stakeholders.models import Contact

STATES = ("queued", "claimed", "retry", "sent", "delivered", "bounced", "failed", "unknown", "skipped", "cancelled")
_COUNTS = ", ".join(f"count(*) FILTER (WHERE state = '{state}') AS {state}" for state in STATES)
_ADD = ", ".join(f"{state} = t.{state} + n.{state}" for state in STATES)
_CHANGE = ", ".join(f"{state} = t.{state} + d.{state}" for state in STATES)
_DELTAS = ", ".join(
    f"count(*) FILTER (WHERE n.state = '{state}') - count(*) FILTER (WHERE o.state = '{state}') AS {state}"
    for state in STATES
)

# One update of one row per statement and dispatch, inside the changing transaction.
COUNT_NEW = pgtrigger.Trigger(
    name="notifications_counted_when_planned",
    level=pgtrigger.Statement,
    operation=pgtrigger.Insert,
    when=pgtrigger.After,
    referencing=pgtrigger.Referencing(new="new_rows"),
    func=f"""
        UPDATE delivery_tally t SET planned = t.planned + n.planned, {_ADD}
        FROM (SELECT dispatch_id, count(*) AS planned, {_COUNTS} FROM new_rows GROUP BY dispatch_id) n
        WHERE t.dispatch_id = n.dispatch_id;
        RETURN NULL;
    """,
)
COUNT_MOVED = pgtrigger.Trigger(
    name="notifications_counted_when_moved",
    level=pgtrigger.Statement,
    operation=pgtrigger.Update,
    when=pgtrigger.After,
    referencing=pgtrigger.Referencing(old="old_rows", new="new_rows"),
    func=f"""
        UPDATE delivery_tally t SET {_CHANGE}
        FROM (SELECT n.dispatch_id, {_DELTAS} FROM new_rows n JOIN old_rows o USING (id)
              WHERE n.state <> o.state GROUP BY n.dispatch_id) d
        WHERE t.dispatch_id = d.dispatch_id;
        RETURN NULL;
    """,
)

# An address in what a server said. The one change that a kept attempt allows is taking these out.
NAMED = '[^ <>:,;"]+@[^ <>,;"]+'
STAYS = pgtrigger.Trigger(
    name="delivery_attempt_stays",
    operation=pgtrigger.Update | pgtrigger.Delete,
    when=pgtrigger.Before,
    func=f"""
        IF TG_OP = 'UPDATE' AND NEW.text = regexp_replace(OLD.text, '{NAMED}', '[address]', 'g')
           AND (NEW.id, NEW.notification_id, NEW.number, NEW.at, NEW.outcome) =
               (OLD.id, OLD.notification_id, OLD.number, OLD.at, OLD.outcome)
           AND NEW.code IS NOT DISTINCT FROM OLD.code THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'delivery_attempt_stays: Cannot change what a try said, only take addresses out';
    """,
)


class Claim(models.Model):
    """A batch in one worker's hands, until its lease ends. `begun_upto` is written before the first byte goes out:
    rows beyond that id were never tried. Rows that are still claimed up to `sent_upto` were taken by the server, and
    only not written back yet; nobody knows about those in between.
    """

    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, related_name="claims", db_index=False)
    ids = ArrayField(models.BigIntegerField())
    lease_until = models.DateTimeField()
    begun_upto = models.BigIntegerField(default=0)
    sent_upto = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"claim {self.pk} of dispatch {self.dispatch_id}"


class Notification(models.Model):
    """One person's mail. While it is `claimed`, the worker that holds its claim alone may move it."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        CLAIMED = "claimed", "Being sent"
        RETRY = "retry", "Will be tried again"
        SENT = "sent", "Handed over"
        DELIVERED = "delivered", "Delivered"
        BOUNCED = "bounced", "Bounced"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Unknown"
        SKIPPED = "skipped", "Left out"
        CANCELLED = "cancelled", "Cancelled"

    MOVES: ClassVar[dict[str, set[str]]] = {
        State.QUEUED: {State.CLAIMED, State.CANCELLED},
        State.CLAIMED: {
            *(State.SENT, State.RETRY, State.FAILED, State.UNKNOWN, State.QUEUED, State.CANCELLED, State.SKIPPED)
        },
        State.RETRY: {State.CLAIMED, State.CANCELLED},
        State.SENT: {State.DELIVERED, State.BOUNCED},
        State.DELIVERED: {State.BOUNCED},
        State.BOUNCED: set(),
        State.FAILED: {State.RETRY},
        State.UNKNOWN: {State.RETRY, State.SENT},
        State.SKIPPED: set(),
        State.CANCELLED: {State.QUEUED},
    }

    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, related_name="notifications", db_index=False)
    # Not indexed by contact: every index is written again whenever a row changes its state.
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="notifications", db_index=False)
    address = models.CharField(max_length=254)
    tier = models.PositiveSmallIntegerField()
    accounts = ArrayField(models.BigIntegerField())
    merge = models.JSONField()
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    reason = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    # No constraint and no index: every row is written when it is claimed, and found by its own key.
    claim = models.ForeignKey(
        Claim, on_delete=models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    ended_at = models.DateTimeField(null=True)
    possibly_twice = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dispatch", "address"], name="nobody_gets_a_dispatch_twice"),
            models.CheckConstraint(
                name="notification_claimed_is_of_a_claim", condition=~Q(state="claimed") | Q(claim__isnull=False)
            ),
            models.CheckConstraint(
                name="notification_waiting_has_a_time",
                condition=~Q(state__in=["queued", "retry"]) | Q(next_attempt_at__isnull=False),
            ),
            models.CheckConstraint(
                name="notification_ended_badly_says_why",
                condition=~Q(state__in=["skipped", "failed", "bounced", "unknown"]) | ~Q(reason=""),
            ),
        ]
        indexes = [
            models.Index(
                fields=["dispatch", "tier", "id"],
                name="notification_due",
                condition=Q(state__in=["queued", "retry"]),
            ),
            models.Index(
                fields=["dispatch", "state"],
                name="notification_trouble",
                condition=Q(state__in=["failed", "unknown", "bounced"]),
            ),
        ]
        triggers = [COUNT_NEW, COUNT_MOVED]

    def __str__(self) -> str:
        return f"{self.state} for contact {self.contact_id}"


class DeliveryAttempt(models.Model):
    """What one try said. Append-only, but for addresses in it, which can be forgotten."""

    class Outcome(models.TextChoices):
        SENT = "sent", "Handed over"
        RETRY = "retry", "Not taken yet"
        FAILED = "failed", "Refused"
        UNKNOWN = "unknown", "No answer"

    # The row it belongs to was just updated in the same statement, so a check for each would ask twice.
    notification = models.ForeignKey(Notification, on_delete=models.PROTECT, related_name="tries", db_constraint=False)
    number = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    outcome = models.CharField(max_length=7, choices=Outcome)
    code = models.PositiveSmallIntegerField(null=True)
    text = models.CharField(max_length=300, blank=True)

    class Meta:
        triggers = [STAYS]

    def __str__(self) -> str:
        return f"{self.outcome} {self.code or ''}"
