"""The record of what was done, and the mails that tell the team."""

import pgtrigger
from django.db import models
from django.db.models import Q

from crisiscomms.models.people import User


def _never_emptied(name: str) -> pgtrigger.Trigger:
    """Protect does not know TRUNCATE, which passes by the triggers of rows."""
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        operation=pgtrigger.Truncate,
        when=pgtrigger.Before,
        func=f"RAISE EXCEPTION '{name}: Cannot truncate the record';",
    )


class AuditEvent(models.Model):
    """One thing somebody did. Append-only, chained by keyed digests: one chain per incident, one for the rest.

    Only digests and keys stand here. Words and personal data stand in AuditDetail, which can be erased
    while the chain still verifies.
    """

    chain = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    verb = models.CharField(max_length=60)
    subject = models.CharField(max_length=60)
    publishable = models.BooleanField(default=False)
    detail_digest = models.BinaryField(max_length=32)
    previous = models.BinaryField(max_length=32)
    digest = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "number"], name="audit_number_once_per_chain")]
        # For the page of the installation's own chain; those of incidents are short.
        indexes = [
            models.Index(
                fields=["verb", "number"],
                # So that what a verb begins with is found in any collation.
                opclasses=["varchar_pattern_ops", "int4_ops"],
                name="audit_by_kind",
                condition=Q(chain="installation"),
            ),
            models.Index(fields=["actor", "number"], name="audit_by_person", condition=Q(chain="installation")),
            models.Index(fields=["at", "number"], name="audit_by_day", condition=Q(chain="installation")),
        ]
        triggers = [
            pgtrigger.Protect(name="audit_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            _never_emptied("audit_is_never_emptied"),
        ]

    def __str__(self) -> str:
        return f"{self.chain} {self.number} {self.verb}"


# Words may be forgotten, once and whole. Nothing else may happen to them.
ONLY_ERASED = pgtrigger.Trigger(
    name="audit_detail_is_only_erased",
    operation=pgtrigger.Update,
    when=pgtrigger.Before,
    func="""
        IF OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL AND NEW.event_id = OLD.event_id
           AND NEW.text IN ('', '(erased)') AND NEW.data = '{}' THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'audit_detail_is_only_erased: Cannot update the words of the record, only erase them';
    """,
)


class AuditDetail(models.Model):
    """The erasable words of an event."""

    event = models.OneToOneField(AuditEvent, on_delete=models.PROTECT, related_name="detail", primary_key=True)
    text = models.TextField()
    data = models.JSONField(default=dict)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        triggers = [
            pgtrigger.Protect(name="audit_detail_is_kept", operation=pgtrigger.Delete),
            ONLY_ERASED,
            _never_emptied("audit_detail_is_never_emptied"),
        ]

    def __str__(self) -> str:
        return self.text


class Notice(models.Model):
    """Something one person of the team is told: under the bell, and by the way they chose (ways.py).

    `state` is about its mail, which waits here for a worker. A line in the chat has a row of its own (ChatLine).
    It holds ids, never text or links: the owning house renders it at the moment of sending, so it is never
    out of date, and no secret waits in a table.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        CLAIMED = "claimed", "Being sent"
        SENT = "sent", "Sent"
        SKIPPED = "skipped", "No longer needed"
        FAILED = "failed", "Failed"
        UNMAILED = "unmailed", "Not mailed, as they chose"
        DIGEST = "digest", "In the digest"

    MOVES = {
        State.QUEUED: {State.CLAIMED},
        State.CLAIMED: {State.SENT, State.QUEUED, State.SKIPPED, State.FAILED},
        State.SENT: set(),
        State.SKIPPED: set(),
        State.FAILED: {State.QUEUED},
        # The line in the chat, which was to be enough, did not get through.
        State.UNMAILED: {State.QUEUED},
        State.DIGEST: set(),
    }

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=120)
    context = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)
    # The digest that gathered it; None while it waits for one.
    digest = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="gathered")
    # When the person opened it inside the product; mail is no proof of reading.
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "kind", "key"], name="notice_told_once"),
            models.CheckConstraint(
                name="notice_waiting_has_a_time",
                condition=Q(state__in=["queued", "claimed"], next_attempt_at__isnull=False)
                | Q(state__in=["sent", "skipped", "failed", "unmailed", "digest"], next_attempt_at=None),
            ),
            models.CheckConstraint(name="notice_gathered_is_of_a_digest", condition=Q(digest=None) | Q(state="digest")),
        ]
        indexes = [
            models.Index(fields=["person"], name="notice_for_digest", condition=Q(state="digest", digest=None)),
            models.Index(fields=["next_attempt_at"], name="notice_due", condition=Q(next_attempt_at__isnull=False)),
            models.Index(fields=["person"], name="notice_unread", condition=Q(seen_at=None)),
            models.Index(fields=["person", "-id"], name="notice_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.person_id}"
