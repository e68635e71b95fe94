"""Rules over signals: when they call for the crisis protocol, and what a person made of it."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from incidents.models.incident import Incident


class ThresholdRule(models.Model):
    """When signals call for a crisis protocol, or for keeping an eye on it. The first that fires counts.

    `data` is what thresholds.Rule reads; every change of it is a version. Only actions change it.
    """

    key = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=120, unique=True)
    position = models.PositiveSmallIntegerField(default=0)
    is_on = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    data = models.JSONField()
    # The watch item that it opened and that takes what comes next.
    watch_item = models.ForeignKey(Incident, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=~Q(key=""), name="threshold_rule_shipped_once"),
        ]

    def __str__(self) -> str:
        return self.name


class ThresholdRuleVersion(models.Model):
    rule = models.ForeignKey(ThresholdRule, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=120)
    data = models.JSONField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "number"], name="threshold_version_numbered_once")]
        triggers = [pgtrigger.Protect(name="threshold_version_stays", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.name}, version {self.number}"


class SignalProposal(models.Model):
    """A rule asks a person with the right to decide: crisis protocol, with this kind and severity, or not."""

    class State(models.TextChoices):
        OPEN = "open", "Waits for a decision"
        ACCEPTED = "accepted", "Accepted"
        DECLINED = "declined", "Declined"
        OVERTAKEN = "overtaken", "Overtaken"

    MOVES: ClassVar[dict[str, set[str]]] = {
        State.OPEN: {State.ACCEPTED, State.DECLINED, State.OVERTAKEN},
        State.ACCEPTED: set(),
        State.DECLINED: set(),
        State.OVERTAKEN: set(),
    }

    rule = models.ForeignKey(ThresholdRule, on_delete=models.PROTECT, related_name="proposals")
    rule_version = models.PositiveIntegerField()
    kind = models.CharField(max_length=20, choices=Incident.Kind)
    severity = models.CharField(max_length=8, choices=Incident.Severity)
    components = ArrayField(models.PositiveIntegerField(), default=list)
    reason = models.CharField(max_length=600)
    # What it is about: the item that the signals belong to, or what came of it.
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, null=True, related_name="proposals")
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=1000, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule"], condition=Q(state="open", incident=None), name="proposal_of_a_rule_open_once"
            ),
            models.UniqueConstraint(
                fields=["incident"], condition=Q(state="open"), name="proposal_about_an_item_open_once"
            ),
            models.CheckConstraint(
                name="proposal_decided_has_a_time",
                condition=Q(state="open", decided_at=None) | (~Q(state="open") & Q(decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="proposal_decided_by_a_person",
                condition=~Q(state__in=["accepted", "declined"]) | Q(decided_by__isnull=False),
            ),
            models.CheckConstraint(
                name="proposal_declined_has_a_reason", condition=~Q(state="declined") | ~Q(answer="")
            ),
            models.CheckConstraint(
                name="proposal_accepted_has_an_incident", condition=~Q(state="accepted") | Q(incident__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.reason
