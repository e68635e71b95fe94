"""What the clock has to know that only higher houses know, and the calendar that shows a person their clocks."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from incidents.models.incident import Incident


class CustomerWord(models.Model):
    """A word to customers that a person wrote has left. The messaging house writes these rows; the clock counts from them.

    `promised_at` is when it says that the next word comes. `is_detailed`: more than a holding statement.
    `says_resolved`: it told customers that it is over. `was_approved`: somebody approved the promise as it stands there.
    """

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="words")
    reference = models.CharField(max_length=60)
    at = models.DateTimeField()
    promised_at = models.DateTimeField(null=True)
    is_detailed = models.BooleanField(default=False)
    says_resolved = models.BooleanField(default=False)
    was_approved = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["at", "pk"]
        constraints = [models.UniqueConstraint(fields=["incident", "reference"], name="word_counts_once")]

    def __str__(self) -> str:
        return f"{self.reference} of {self.incident_id}"


class CalendarFeed(models.Model):
    """The address under which a person's calendar reads their clocks. Only a hash of its secret is kept."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="calendar_feeds")
    token_hash = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person"], condition=Q(ended_at=None), name="calendar_feed_one_per_person")
        ]

    def __str__(self) -> str:
        return f"calendar of {self.person_id}"
