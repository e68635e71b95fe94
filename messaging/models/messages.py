"""A message while it is written, and the frozen versions that are approved and sent."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from crisiscomms.models import User
from incidents.models import Incident


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, user: User) -> "MessageQuerySet":
        return self.filter(incident__in=Incident.objects.visible_to(user))

    def unfinished(self) -> "MessageQuerySet":
        return self.filter(state__in=[Message.State.DRAFT, Message.State.IN_REVIEW, Message.State.APPROVED])


class Message(models.Model):
    """`working` is the text being written (shape: messaging/content.py); it moves with `revision`, so two
    editors cannot overwrite each other unseen. Versions are frozen from it. Only actions change a message.
    """

    class Kind(models.TextChoices):
        HOLDING = "holding", "Holding statement"
        UPDATE = "update", "Update"
        RESOLVED = "resolved", "Resolved"

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        IN_REVIEW = "in_review", "In approval"
        APPROVED = "approved", "Approved"
        SENT = "sent", "Sent"
        REJECTED = "rejected", "Rejected"

    MOVES: ClassVar[dict[str, set[str]]] = {
        State.DRAFT: {State.IN_REVIEW},
        State.IN_REVIEW: {State.DRAFT, State.APPROVED, State.REJECTED},
        State.APPROVED: {State.DRAFT, State.SENT},
        State.SENT: {State.APPROVED},
        State.REJECTED: set(),
    }

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="messages")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=Kind)
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT)
    template_version = models.ForeignKey("TemplateVersion", on_delete=models.PROTECT, null=True, related_name="+")
    working = models.JSONField()
    revision = models.PositiveIntegerField(default=1)
    working_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    working_at = models.DateTimeField()
    editors = ArrayField(models.BigIntegerField(), default=list)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    # The approval that allows sending; gone the moment the text changes.
    approval = models.ForeignKey("ApprovalRequest", on_delete=models.PROTECT, null=True, related_name="+")
    # Who returned it last, while the draft answers that; they may not be the one who makes the edit.
    returned_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    returned_reason = models.TextField(blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["incident", "number"], name="message_number_once_per_incident"),
            models.CheckConstraint(
                name="message_out_only_if_approved",
                condition=Q(state__in=["draft", "in_review", "rejected"], approval=None)
                | Q(state__in=["approved", "sent"], approval__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.incident.ref}"

    @property
    def name(self) -> str:
        return f"{self.get_kind_display()} {self.number}"

    @property
    def subject_key(self) -> str:
        return f"message:{self.pk}"


class MessageVersion(models.Model):
    """Frozen: the exact content, whom it goes to, by which channels. `fingerprint` covers all of it.

    `authors` are all who wrote any part of it, in this or an earlier version; none of them may approve.
    """

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    template_version = models.ForeignKey("TemplateVersion", on_delete=models.PROTECT, null=True, related_name="+")
    authors = ArrayField(models.BigIntegerField())
    frozen_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    frozen_at = models.DateTimeField()
    fingerprint = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "number"], name="message_version_once")]
        triggers = [pgtrigger.Protect(name="message_version_stays", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.message} version {self.number}"
