"""What administrators do: invitations, changes that take two people, and secrets of integrations."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from crisiscomms.models.people import User


class Invitation(models.Model):
    """A link by mail with which a new person sets a password: once, and until it expires.

    The link's secret is computed from the key of the row, so no secret waits in a table.
    """

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="invitations")
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person"],
                condition=Q(accepted_at=None, withdrawn_at=None),
                name="invitation_open_once_per_person",
            ),
            models.CheckConstraint(
                name="invitation_is_accepted_or_withdrawn", condition=Q(accepted_at=None) | Q(withdrawn_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk} of {self.person_id}"


class ControlChange(models.Model):
    """A change that weakens control: one administrator asks, another one decides."""

    class State(models.TextChoices):
        OPEN = "open", "Waiting for a second person"
        CONFIRMED = "confirmed", "Confirmed"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"

    MOVES: ClassVar[dict[str, set[str]]] = {
        State.OPEN: {State.CONFIRMED, State.REFUSED, State.WITHDRAWN},
        State.CONFIRMED: set(),
        State.REFUSED: set(),
        State.WITHDRAWN: set(),
    }

    kind = models.CharField(max_length=30)
    subject = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    differences = models.JSONField(default=list)
    payload = models.JSONField()
    reason = models.CharField(max_length=300)
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(state="open"), name="change_open_once_per_subject"
            ),
            models.CheckConstraint(
                name="change_is_confirmed_by_another",
                condition=~Q(state="confirmed") | (Q(decided_by__isnull=False) & ~Q(decided_by=F("asked_by"))),
            ),
            models.CheckConstraint(
                name="change_decided_has_a_time",
                condition=Q(state="open", decided_at=None) | (~Q(state="open") & Q(decided_at__isnull=False)),
            ),
            models.CheckConstraint(name="change_refused_says_why", condition=~Q(state="refused") | ~Q(answer="")),
        ]

    def __str__(self) -> str:
        return self.title

    def is_expired(self, now: datetime) -> bool:
        return self.state == self.State.OPEN and self.expires_at <= now


class Credential(models.Model):
    """A secret of an integration, sealed. It is never shown again; `ending` helps to tell which one it is."""

    kind = models.CharField(max_length=30, unique=True)
    sealed = models.BinaryField()
    ending = models.CharField(max_length=4)
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.kind
