"""Response plans written on calm days, and the one an incident was started with."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from crisiscomms.models import Role
from incidents.models.incident import Incident

STAYS = pgtrigger.Update | pgtrigger.Delete
# In an address, where no severity of its own is meant.
ANY = "any"


class Playbook(models.Model):
    """One per kind and severity; no severity means: for those that have none of their own."""

    kind = models.CharField(max_length=20, choices=Incident.Kind)
    severity = models.CharField(max_length=8, choices=Incident.Severity, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "severity"], name="playbook_once_per_kind_and_severity"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.get_severity_display().lower() or 'any severity'}"

    @property
    def slug(self) -> str:
        return f"{self.kind}-{self.severity or ANY}"


class PlaybookVersion(models.Model):
    """What it says, by section. Append-only: an incident keeps the version that it was started with."""

    playbook = models.ForeignKey(Playbook, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    sections = models.JSONField()
    # None: shipped with the product.
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()
    review_by = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        triggers = [pgtrigger.Protect(name="playbook_version_stays", operation=STAYS)]
        constraints = [
            models.UniqueConstraint(fields=["playbook", "number"], name="playbook_version_numbered_once"),
            models.CheckConstraint(name="playbook_version_has_a_reason", condition=~Q(reason="")),
            models.CheckConstraint(name="playbook_review_comes_after_it", condition=Q(review_by__gt=F("at"))),
        ]

    def __str__(self) -> str:
        return f"{self.playbook}, version {self.number}"


class PlaybookApproval(models.Model):
    """Somebody else has read this version and agrees."""

    version = models.OneToOneField(PlaybookVersion, on_delete=models.PROTECT, related_name="approval")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        triggers = [pgtrigger.Protect(name="playbook_approval_stays", operation=STAYS)]

    def __str__(self) -> str:
        return f"{self.version} agreed by {self.by}"


class AppliedPlaybook(models.Model):
    """The version an incident goes by. The newest row counts; a second one is a press, for another severity."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="applied_playbooks")
    version = models.ForeignKey(PlaybookVersion, on_delete=models.PROTECT, related_name="applied")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        triggers = [pgtrigger.Protect(name="applied_playbook_stays", operation=STAYS)]
        constraints = [
            models.UniqueConstraint(fields=["incident", "version"], name="playbook_version_applied_once"),
        ]

    def __str__(self) -> str:
        return f"{self.incident.ref}: {self.version}"


class PlaybookTask(models.Model):
    """A task of the plan, opened when it was applied, with an owner by role and a time after the declaration."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"
        WAIVED = "waived", "Waived"

    MOVES: ClassVar[dict[str, set[str]]] = {
        State.OPEN: {State.DONE, State.WAIVED},
        State.DONE: set(),
        State.WAIVED: set(),
    }

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="plan_tasks")
    applied = models.ForeignKey(AppliedPlaybook, on_delete=models.PROTECT, related_name="tasks")
    title = models.CharField(max_length=160)
    owner_role = models.CharField(max_length=20, choices=Role)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="plan_tasks")
    due_at = models.DateTimeField()
    state = models.CharField(max_length=6, choices=State, default=State.OPEN)
    note = models.CharField(max_length=500, blank=True)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["due_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "title"], name="plan_task_opened_once_per_incident"),
            models.CheckConstraint(
                name="plan_task_ended_at_a_time",
                condition=Q(state="open", done_at=None) | (~Q(state="open") & Q(done_at__isnull=False)),
            ),
            models.CheckConstraint(name="plan_task_waived_with_a_reason", condition=~Q(state="waived") | ~Q(note="")),
        ]

    def __str__(self) -> str:
        return self.title
