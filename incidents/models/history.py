"""Incidents of the time before: taken over from another status page. Nothing of them was approved or sent from here."""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models

from incidents.models.incident import Incident


class ImportedIncident(models.Model):
    """Where a closed incident comes from. Whatever reads one as led here has to look at this first."""

    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, primary_key=True, related_name="imported")
    source = models.CharField(max_length=200)
    source_name = models.CharField(max_length=120)
    external_id = models.CharField(max_length=80)
    imported_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    imported_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="imported_incident_once_per_source")
        ]

    def __str__(self) -> str:
        return f"{self.external_id} of {self.source_name}"


class ImportedUpdateQuerySet(models.QuerySet["ImportedUpdate"]):
    def public(self, now: datetime) -> "ImportedUpdateQuerySet":
        """What the public may read of the time before."""
        return self.filter(at__lte=now, incident__restricted=False, incident__is_exercise=False)


class ImportedUpdate(models.Model):
    """What the other page told the public, as plain text, at the time when it told it."""

    class Stage(models.TextChoices):
        INVESTIGATING = "investigating", "Investigating"
        IDENTIFIED = "identified", "Identified"
        MONITORING = "monitoring", "Monitoring"
        RESOLVED = "resolved", "Resolved"
        POSTMORTEM = "postmortem", "Analysis"
        SCHEDULED = "scheduled", "Planned"
        IN_PROGRESS = "in_progress", "Maintenance under way"
        VERIFYING = "verifying", "Being checked"
        COMPLETED = "completed", "Maintenance done"

    uid = models.UUIDField(default=uuid.uuid4, unique=True)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="imported_updates")
    external_id = models.CharField(max_length=80)
    at = models.DateTimeField()
    stage = models.CharField(max_length=13, choices=Stage)
    text = models.TextField(blank=True)

    objects = ImportedUpdateQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "external_id"], name="imported_update_once_per_incident")
        ]
        indexes = [models.Index(fields=["-at"], name="imported_update_by_time")]

    def __str__(self) -> str:
        return f"{self.get_stage_display()} at {self.at}"
