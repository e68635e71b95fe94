"""How far every chain had come, sent out of the house: whoever cuts the end of a record cannot cut what others hold."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q


class Anchor(models.Model):
    """The ends of all chains at one moment. `file` is signed, and the same bytes for whoever gets it, on every try."""

    number = models.PositiveIntegerField(unique=True)
    at = models.DateTimeField()
    chains = models.PositiveIntegerField()
    file = models.TextField()

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"anchors {self.number}"


class AnchorMailQuerySet(models.QuerySet["AnchorMail"]):
    def due(self, now: datetime) -> "AnchorMailQuerySet":
        """Those whose time has come, also where whoever was at it has gone."""
        return self.filter(next_attempt_at__lte=now)


class AnchorMail(models.Model):
    """One address that an anchor goes to."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        CLAIMED = "claimed", "Being sent"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"

    MOVES: ClassVar[dict[str, set[str]]] = {
        State.QUEUED: {State.CLAIMED},
        State.CLAIMED: {State.QUEUED, State.SENT, State.FAILED},
        State.SENT: set(),
        State.FAILED: set(),
    }

    anchor = models.ForeignKey(Anchor, on_delete=models.CASCADE, related_name="mails")
    address = models.CharField(max_length=254)
    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)
    sent_at = models.DateTimeField(null=True)

    objects = AnchorMailQuerySet.as_manager()

    class Meta:
        ordering = ["-anchor__number", "address"]
        constraints = [
            models.UniqueConstraint(fields=["anchor", "address"], name="anchor_goes_to_an_address_once"),
            models.CheckConstraint(
                name="anchor_mail_waiting_is_tried",
                condition=Q(state__in=["queued", "claimed"], next_attempt_at__isnull=False)
                | (Q(state__in=["sent", "failed"]) & Q(next_attempt_at=None)),
            ),
            models.CheckConstraint(
                name="anchor_mail_sent_has_a_time", condition=~Q(state="sent") | Q(sent_at__isnull=False)
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], name="anchor_mail_next", condition=Q(next_attempt_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"{self.anchor_id} to {self.address}"
