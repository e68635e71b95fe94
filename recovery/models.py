"""The ninety days after."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from crisiscomms.models import Role
from incidents.models import Incident


class RecoveryTask(models.Model):
    class Phase(models.TextChoices):
        EXPLANATION = "explanation", "Explanation, days 1 to 30"
        DEMONSTRATION = "demonstration", "Demonstration, days 31 to 60"
        REINFORCEMENT = "reinforcement", "Reinforcement, days 61 to 90"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"
        WAIVED = "waived", "Waived"

    MOVES: ClassVar[dict[str, set[str]]] = {
        State.OPEN: {State.DONE, State.WAIVED},
        State.DONE: {State.OPEN},
        State.WAIVED: {State.OPEN},
    }

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="recovery_tasks")
    key = models.SlugField(max_length=40)
    position = models.PositiveSmallIntegerField()
    phase = models.CharField(max_length=14, choices=Phase)
    title = models.CharField(max_length=160)
    what = models.TextField()
    evidence_needed = models.TextField()
    owner_role = models.CharField(max_length=20, choices=Role)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="recovery_tasks")
    due_at = models.DateTimeField()
    state = models.CharField(max_length=6, choices=State, default=State.OPEN)
    # What shows that it is done, or why it is waived; who and when likewise.
    evidence = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "key"], name="recovery_task_once_per_incident"),
            models.CheckConstraint(
                name="recovery_task_done_with_evidence",
                condition=Q(state="open", done_at=None)
                | (Q(state__in=["done", "waived"], done_at__isnull=False, done_by__isnull=False) & ~Q(evidence="")),
            ),
        ]

    def __str__(self) -> str:
        return self.title
