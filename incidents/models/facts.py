"""What is known about an incident: the single source that messages draw on, and how each fact came to be what it is."""

from datetime import datetime

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from crisiscomms.models import Role, User
from crisiscomms.search import Words
from incidents.models.incident import Incident


class FactQuerySet(models.QuerySet["Fact"]):
    def visible_to(self, user: User) -> "FactQuerySet":
        return self.filter(incident__in=Incident.objects.visible_to(user))

    def known(self) -> "FactQuerySet":
        return self.exclude(confidence=Fact.Confidence.UNKNOWN)

    def free(self, now: datetime) -> "FactQuerySet":
        """Not under an embargo any more, or never."""
        return self.filter(Q(embargo_until=None) | Q(embargo_until__lte=now))


class Fact(models.Model):
    """One thing to know, by a key that texts use (`{{ fact.cause }}`). Only actions change it.

    `version` moves with every change, so two people cannot overwrite each other unseen. `changed_at` is when what it
    says outward last changed: another value, less sure, an embargo, withdrawn. A question of the checklist (`is_asked`)
    keeps the words of the policy that opened it.
    """

    class Confidence(models.TextChoices):
        CONFIRMED = "confirmed", "Confirmed"
        BELIEVED = "believed", "Believed"
        UNKNOWN = "unknown", "Unknown"

    class Before(models.TextChoices):
        ACKNOWLEDGEMENT = "acknowledgement", "the acknowledgement"
        EXPLANATION = "explanation", "the full explanation"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="facts")
    key = models.CharField(max_length=40)
    label = models.CharField(max_length=120)
    value = models.CharField(max_length=400, blank=True)
    confidence = models.CharField(max_length=9, choices=Confidence, default=Confidence.UNKNOWN)
    source = models.CharField(max_length=200, blank=True)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    embargo_until = models.DateTimeField(null=True)
    position = models.PositiveSmallIntegerField()
    is_asked = models.BooleanField(default=False)
    why = models.CharField(max_length=300, blank=True)
    role = models.CharField(max_length=20, choices=Role, blank=True)
    needed_before = models.CharField(max_length=15, choices=Before, blank=True)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    updated_at = models.DateTimeField()

    objects = FactQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "key"], name="fact_key_once_per_incident"),
            # `size`, `first` and `last` mean something else to the language of the merge fields.
            models.CheckConstraint(
                name="fact_key_is_a_word",
                condition=Q(key__regex=r"^[a-z][a-z0-9_]*$") & ~Q(key__in=["size", "first", "last"]),
            ),
            models.CheckConstraint(
                name="fact_confirmed_by_somebody_at_a_time",
                condition=Q(confidence="confirmed", confirmed_by__isnull=False, confirmed_at__isnull=False)
                | (~Q(confidence="confirmed") & Q(confirmed_by=None, confirmed_at=None)),
            ),
            models.CheckConstraint(
                name="fact_unknown_says_nothing",
                condition=Q(confidence="unknown", value="") | (~Q(confidence="unknown") & ~Q(value="")),
            ),
            models.CheckConstraint(
                name="fact_withdrawn_says_nothing", condition=Q(withdrawn_at=None) | Q(confidence="unknown")
            ),
            models.CheckConstraint(name="fact_asked_says_whom_to_ask", condition=Q(is_asked=False) | ~Q(role="")),
        ]
        indexes = [GinIndex(Words("label", "value"), name="fact_words")]

    def __str__(self) -> str:
        return self.label

    @property
    def subject_key(self) -> str:
        return f"fact:{self.pk}"

    @property
    def is_known(self) -> bool:
        return self.confidence != Fact.Confidence.UNKNOWN

    def is_embargoed(self, now: datetime) -> bool:
        return self.embargo_until is not None and self.embargo_until > now


class FactVersion(models.Model):
    """What a fact said from `at` on, who said so, and why it was changed. Never changed itself."""

    fact = models.ForeignKey(Fact, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    value = models.CharField(max_length=400, blank=True)
    confidence = models.CharField(max_length=9, choices=Fact.Confidence)
    source = models.CharField(max_length=200, blank=True)
    embargo_until = models.DateTimeField(null=True)
    is_withdrawn = models.BooleanField(default=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["fact", "number"], name="fact_version_once")]
        triggers = [pgtrigger.Protect(name="fact_version_stays", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.fact_id} version {self.number}"
