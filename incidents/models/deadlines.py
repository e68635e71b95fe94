"""The one Deadline mechanism: anything that must happen by a time."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from crisiscomms.models import User
from incidents.models.incident import Incident


class DeadlineQuerySet(models.QuerySet["Deadline"]):
    def open(self) -> "DeadlineQuerySet":
        return self.filter(state__in=[Deadline.State.PENDING, Deadline.State.MISSED])

    def due_for_action(self, now: datetime) -> "DeadlineQuerySet":
        """By the partial index on `next_action_at`: the cost follows what is due, not what exists."""
        return self.filter(next_action_at__lte=now)

    def visible_to(self, user: User) -> "DeadlineQuerySet":
        return self.filter(incident__in=Incident.objects.visible_to(user))


class Deadline(models.Model):
    """`next_action_at` is when the clock has to look at it again: to warn, to say it passed, to escalate.

    A missed deadline can still be met, late. `step` counts the escalations already told.
    `occasion` and `ruled_at` are what the rules planned it by (see `obligations`): as long as they stay the same, what a
    person made of it stays too.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        MET = "met", "Met"
        MISSED = "missed", "Missed"
        WAIVED = "waived", "Waived"

    MOVES: ClassVar[dict[str, set[str]]] = {
        State.PENDING: {State.MET, State.MISSED, State.WAIVED},
        State.MISSED: {State.MET, State.WAIVED, State.PENDING},
        State.MET: set(),
        State.WAIVED: set(),
    }

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="deadlines")
    kind = models.CharField(max_length=30)
    subject = models.CharField(max_length=60, blank=True)
    title = models.CharField(max_length=200)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="deadlines")
    due_at = models.DateTimeField()
    warn_at = models.DateTimeField(null=True)
    warned_at = models.DateTimeField(null=True)
    # An earlier, quieter word than the warning.
    remind_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    next_action_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    step = models.PositiveSmallIntegerField(default=0)
    met_at = models.DateTimeField(null=True)
    waived_reason = models.CharField(max_length=300, blank=True)
    # Put off by a person until then: nobody is told before.
    snoozed_until = models.DateTimeField(null=True)
    snoozed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    snoozed_reason = models.CharField(max_length=300, blank=True)
    # “I have it”: the escalation waits until then. What it waited moves all later steps.
    taken_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    taken_until = models.DateTimeField(null=True)
    taken_times = models.PositiveSmallIntegerField(default=0)
    paused_minutes = models.PositiveIntegerField(default=0)
    occasion = models.CharField(max_length=80, blank=True)
    ruled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    objects = DeadlineQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "kind", "subject"],
                condition=Q(state__in=["pending", "missed"]),
                name="deadline_open_once_per_subject",
            ),
            models.CheckConstraint(
                name="deadline_met_has_a_time",
                condition=Q(state="met", met_at__isnull=False) | (~Q(state="met") & Q(met_at=None)),
            ),
            models.CheckConstraint(
                name="deadline_waived_has_a_reason", condition=~Q(state="waived") | ~Q(waived_reason="")
            ),
            models.CheckConstraint(
                name="deadline_pending_is_watched", condition=~Q(state="pending") | Q(next_action_at__isnull=False)
            ),
            models.CheckConstraint(
                name="deadline_ended_rests", condition=Q(state__in=["pending", "missed"]) | Q(next_action_at=None)
            ),
            models.CheckConstraint(
                name="deadline_warns_before_it_is_due", condition=Q(warn_at=None) | Q(warn_at__lte=F("due_at"))
            ),
            models.CheckConstraint(
                name="deadline_snoozed_has_a_reason", condition=Q(snoozed_by=None) | ~Q(snoozed_reason="")
            ),
            models.CheckConstraint(
                name="deadline_is_taken_by_somebody",
                condition=Q(taken_by=None, taken_until=None) | Q(taken_by__isnull=False, taken_until__isnull=False),
            ),
        ]
        indexes = [
            # For the board of all clocks.
            models.Index(
                fields=["due_at", "id"], name="deadline_open_by_due", condition=Q(state__in=["pending", "missed"])
            ),
            models.Index(
                fields=["next_action_at"], name="deadline_next_action", condition=Q(next_action_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def was_late(self) -> bool:
        return self.met_at is not None and self.met_at > self.due_at
