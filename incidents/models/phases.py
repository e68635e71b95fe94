"""How far an incident has come: its phases from when to when, what was reached, ticked and waived."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from incidents.models.incident import Incident


class PhaseSpan(models.Model):
    """One stay in one phase. A phase that is entered again after a regression is another stay."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="spans")
    phase = models.CharField(max_length=16, choices=Incident.Phase)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["began_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["incident"], condition=Q(ended_at=None), name="incident_is_in_one_phase_at_a_time"
            ),
            models.CheckConstraint(
                name="phase_span_ends_after_it_began", condition=Q(ended_at=None) | Q(ended_at__gte=F("began_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.phase} from {self.began_at}"


class StandingMilestones(models.Manager["Milestone"]):
    """Those that hold. What a regression took back stays in `Milestone.ever`."""

    def get_queryset(self) -> models.QuerySet["Milestone"]:
        return super().get_queryset().filter(undone_at=None)


class Milestone(models.Model):
    """Something reached. Higher houses write `acknowledged` and `resolved_told` when a message has left."""

    class Kind(models.TextChoices):
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        VERIFIED = "verified", "Verified"
        ROOT_CAUSE = "root_cause", "Root cause identified"
        MITIGATED = "mitigated", "Mitigation in place"
        RESOLVED_TOLD = "resolved_told", "Customers told it is resolved"
        ANALYSIS = "analysis", "Post-incident analysis complete"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="milestones")
    kind = models.CharField(max_length=16, choices=Kind)
    reached_at = models.DateTimeField()
    # When somebody said that it had been reached before; None: at once.
    noted_at = models.DateTimeField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    # It turned out not to hold: the incident went back to management after it.
    undone_at = models.DateTimeField(null=True)

    # The first manager is the one of `incident.milestones`.
    objects = StandingMilestones()
    ever = models.Manager["Milestone"]()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "kind"], condition=Q(undone_at=None), name="milestone_reached_once"
            ),
            models.CheckConstraint(
                name="milestone_noted_after_it_was_reached",
                condition=Q(noted_at=None) | Q(noted_at__gte=F("reached_at")),
            ),
        ]

    def __str__(self) -> str:
        return self.kind


class CriterionTick(models.Model):
    """Somebody says that a criterion holds which the product cannot look up, and by what they know it."""

    span = models.ForeignKey(PhaseSpan, on_delete=models.PROTECT, related_name="ticks")
    key = models.CharField(max_length=40)
    note = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["span", "key"], name="criterion_ticked_once"),
            models.CheckConstraint(name="tick_has_a_note", condition=~Q(note="")),
        ]

    def __str__(self) -> str:
        return f"{self.key} ticked"


class CriterionWaiver(models.Model):
    """A named person let a phase end without one of its exit criteria, and said why."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="waivers")
    phase = models.CharField(max_length=16, choices=Incident.Phase)
    keys = ArrayField(models.CharField(max_length=40))
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="waiver_has_a_reason", condition=~Q(reason=""))]

    def __str__(self) -> str:
        return f"{self.phase} without {', '.join(self.keys)}"
