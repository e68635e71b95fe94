"""The one approval workflow. Its subject is a frozen version; an edit voids it."""

from datetime import datetime
from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from messaging.models.messages import Message, MessageVersion


class ApprovalRequest(models.Model):
    class State(models.TextChoices):
        OPEN = "open", "Waiting for a decision"
        APPROVED = "approved", "Approved"
        RETURNED = "returned", "Returned for changes"
        REJECTED = "rejected", "Rejected"
        VOIDED = "voided", "Void"
        EXPIRED = "expired", "Expired"

    MOVES: ClassVar[dict[str, set[str]]] = {
        State.OPEN: {State.APPROVED, State.RETURNED, State.REJECTED, State.VOIDED, State.EXPIRED},
        State.APPROVED: {State.VOIDED},
        State.RETURNED: set(),
        State.REJECTED: set(),
        State.VOIDED: set(),
        State.EXPIRED: set(),
    }

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="requests")
    version = models.ForeignKey(MessageVersion, on_delete=models.PROTECT, related_name="requests")
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    # What the approver is told it reaches: {"contacts": n, "accounts": n, "tiers": {...}, "public": bool, ...}.
    reach = models.JSONField()
    fresh_code = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message"],
                condition=Q(state__in=["open", "approved"]),
                name="message_in_one_approval_at_a_time",
            ),
            models.CheckConstraint(
                name="approval_ended_has_a_time", condition=Q(state="open", ended_at=None) | ~Q(state="open")
            ),
        ]

    def __str__(self) -> str:
        return f"approval of {self.version}"


class ApprovalStage(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting", "Comes later"
        OPEN = "open", "Asked"
        DONE = "done", "Done"

    MOVES: ClassVar[dict[str, set[str]]] = {
        State.WAITING: {State.OPEN},
        State.OPEN: {State.DONE},
        State.DONE: set(),
    }

    class Quorum(models.TextChoices):
        ANY = "any", "one of them"
        ALL = "all", "all of them"

    request = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, related_name="stages")
    position = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=80)
    roles = ArrayField(models.CharField(max_length=20))
    quorum = models.CharField(max_length=3, choices=Quorum)
    minutes = models.PositiveIntegerField()
    escalate_to = models.CharField(max_length=20, blank=True)
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    opened_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["request", "position"], name="approval_stage_once")]

    def __str__(self) -> str:
        return self.label


class ApprovalSeat(models.Model):
    """One person asked in one stage, and the role that gives them the right."""

    stage = models.ForeignKey(ApprovalStage, on_delete=models.PROTECT, related_name="seats")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="seats")
    role = models.CharField(max_length=20)
    asked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stage", "person"], name="approver_sits_once_per_stage")]

    def __str__(self) -> str:
        return f"{self.person} for {self.stage}"


# The database, too, refuses that somebody approves what they wrote or submitted: by page, API, shell or superuser.
FOUR_EYES = pgtrigger.Trigger(
    name="approval_four_eyes",
    operation=pgtrigger.Insert,
    when=pgtrigger.Before,
    func="""
        IF NEW.verdict = 'approved' AND EXISTS (
            SELECT 1 FROM messaging_approvalrequest r
            JOIN messaging_messageversion v ON v.id = r.version_id
            WHERE r.id = NEW.request_id
              AND (r.requested_by_id = NEW.person_id OR NEW.person_id = ANY(v.authors))
        ) THEN
            RAISE EXCEPTION 'approval_four_eyes: nobody approves what they wrote or submitted'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    """,
)


class ApprovalDecision(models.Model):
    class Verdict(models.TextChoices):
        APPROVED = "approved", "Approved"
        RETURNED = "returned", "Returned for changes"
        REJECTED = "rejected", "Rejected"

    class Proof(models.TextChoices):
        SESSION = "session", "signed in"
        DEVICE = "device", "on their enrolled device"
        CODE = "code", "with a code sent to them"

    request = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, related_name="decisions")
    stage = models.ForeignKey(ApprovalStage, on_delete=models.PROTECT, related_name="decisions")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions")
    verdict = models.CharField(max_length=8, choices=Verdict)
    reason = models.TextField(blank=True)
    proof = models.CharField(max_length=7, choices=Proof)
    fingerprint = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            # Twice by two links, two tabs or two stages' mails: a person counts once per request.
            models.UniqueConstraint(fields=["request", "person"], name="person_decides_once_per_request"),
            models.CheckConstraint(name="approval_no_needs_a_reason", condition=Q(verdict="approved") | ~Q(reason="")),
        ]
        triggers = [
            pgtrigger.Protect(name="approval_decision_stays", operation=pgtrigger.Update | pgtrigger.Delete),
            FOUR_EYES,
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.verdict}"


class ApprovalLink(models.Model):
    """One mailed link: bound to a person, a stage and the exact content; stored hashed (SHA-256 of 256 random bits)."""

    seat = models.ForeignKey(ApprovalSeat, on_delete=models.PROTECT, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True)
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"link for {self.seat_id}"

    def is_over(self, now: datetime) -> bool:
        return self.revoked_at is not None or self.expires_at <= now


class ApprovalCode(models.Model):
    """Six digits sent to a person's registered address: ten minutes, three an hour.

    One is live at a time, and another for the person who has a proof besides: signed in, or on an enrolled device.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    request = models.ForeignKey(ApprovalRequest, on_delete=models.CASCADE, related_name="+")
    code_hash = models.CharField(max_length=64, blank=True)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    # Asked for by somebody signed in or on an enrolled device: counted apart, so that a stranger who holds a
    # forwarded link cannot use up the executive's codes.
    with_proof = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "with_proof"], condition=Q(ended_at=None), name="person_has_one_live_code"
            )
        ]

    def __str__(self) -> str:
        return f"code for {self.person_id}"


class EnrolledDevice(models.Model):
    """A browser that has proved once whose it is. The cookie holds the secret, this row its hash."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="devices")
    secret_hash = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=200, blank=True)
    enrolled_at = models.DateTimeField()
    used_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"device of {self.person_id}"
