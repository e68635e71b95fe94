"""What was noticed, by whom or what, and how often. Sources knock at /hooks/; people use the form or the API."""

from datetime import datetime

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from crisiscomms.models import Role, User
from incidents.models.components import Component
from incidents.models.incident import WORKSHOP_ROLES, Incident


class SignalSource(models.Model):
    """Something that may knock. Its key stands in the address and is kept as a hash, its secret is sealed.

    After a rotation the key and the secret from before are taken too, until `previous_until`.
    """

    class Kind(models.TextChoices):
        ALERTMANAGER = "alertmanager", "Prometheus Alertmanager"
        PAGERDUTY = "pagerduty", "PagerDuty"
        SENTRY = "sentry", "Sentry"
        GENERIC = "generic", "Our own JSON"

    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=12, choices=Kind)
    key_hash = models.CharField(max_length=64, unique=True)
    secret = models.BinaryField(default=b"")
    previous_key_hash = models.CharField(max_length=64, blank=True, db_index=True)
    previous_secret = models.BinaryField(default=b"")
    previous_until = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    rotated_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    rotated_at = models.DateTimeField(null=True)
    # Kept, not counted: what came in, what was known already, what was refused, and the last of each.
    taken = models.PositiveBigIntegerField(default=0)
    known = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)
    last_taken_at = models.DateTimeField(null=True)
    last_refused_at = models.DateTimeField(null=True)
    last_refused_why = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(
                name="signal_source_rotated_by_and_at_together",
                condition=Q(rotated_by=None, rotated_at=None) | Q(rotated_by__isnull=False, rotated_at__isnull=False),
            ),
            models.CheckConstraint(
                name="signal_source_previous_key_has_an_end",
                condition=Q(previous_until__isnull=False) | Q(previous_key_hash="", previous_secret=b""),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def takes_previous(self, now: datetime) -> bool:
        return self.previous_until is not None and now < self.previous_until


class SignalBody(models.Model):
    """What was sent, whole. One body can tell of many signals; it is forgotten by the retention policy."""

    text = models.TextField()
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        triggers = [pgtrigger.Protect(name="signal_body_stays", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return f"{len(self.text)} characters"


class SignalQuerySet(models.QuerySet["Signal"]):
    def visible_to(self, user: User) -> "SignalQuerySet":
        """The workshop sees what is free, and what belongs to incidents that they may know of; others only the latter."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.has_role(Role.ADMINISTRATOR):
            return self
        mine = Q(incident__in=Incident.objects.visible_to(user))
        return self.filter(mine | Q(incident=None)) if user.has_role(*WORKSHOP_ROLES) else self.filter(mine)

    def due(self, now: datetime) -> "SignalQuerySet":
        """By the partial index on `due_at`."""
        return self.filter(due_at__lte=now)

    def firing(self) -> "SignalQuerySet":
        return self.filter(status=Signal.Status.FIRING)


class Signal(models.Model):
    """One thing that was noticed. What comes again while it fires is counted here, not written anew.

    `fingerprint` says that two are the same thing. `due_at` is when the rules have to look at it.
    """

    class Status(models.TextChoices):
        FIRING = "firing", "Going on"
        RESOLVED = "resolved", "Over"

    source = models.ForeignKey(SignalSource, on_delete=models.PROTECT, null=True, related_name="signals")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="signals")
    external_id = models.CharField(max_length=200, blank=True)
    fingerprint = models.CharField(max_length=64)
    title = models.CharField(max_length=160)
    text = models.TextField(blank=True)
    link = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.FIRING)
    values = models.JSONField(default=dict)
    body = models.ForeignKey(SignalBody, on_delete=models.SET_NULL, null=True, related_name="signals")
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField()
    seen_count = models.PositiveBigIntegerField(default=1)
    last_seen_at = models.DateTimeField()
    # The newest moment that its sender told of, by the sender's clock. None: from before this was kept.
    told_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    components = models.ManyToManyField(Component, related_name="signals")
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, null=True, related_name="noticed")
    proposal = models.ForeignKey(
        "incidents.SignalProposal", on_delete=models.PROTECT, null=True, related_name="signals"
    )
    # What the rules made of it, in words; empty while no rule applies.
    reason = models.CharField(max_length=600, blank=True)
    due_at = models.DateTimeField(null=True)
    judged_at = models.DateTimeField(null=True)

    objects = SignalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="signal_is_of_a_source_or_a_person",
                condition=Q(source__isnull=False, by=None) | Q(source=None, by__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["source", "external_id"], condition=~Q(external_id=""), name="signal_once_per_external_id"
            ),
            models.UniqueConstraint(
                fields=["source", "fingerprint"],
                condition=Q(status="firing", source__isnull=False),
                name="signal_fires_once_per_fingerprint",
            ),
            models.CheckConstraint(
                name="signal_ended_exactly_when_it_says_so",
                condition=Q(status="resolved", ended_at__isnull=False) | Q(status="firing", ended_at=None),
            ),
            models.CheckConstraint(name="signal_was_seen_at_all", condition=Q(seen_count__gte=1)),
            models.CheckConstraint(
                name="signal_last_seen_after_first", condition=Q(last_seen_at__gte=F("received_at"))
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="signal_due"),
            models.Index(fields=["source", "fingerprint"], name="signal_by_fingerprint"),
            models.Index(fields=["-received_at", "-id"], name="signal_newest"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def origin(self) -> str:
        return str(self.source or self.by)

    @property
    def kind(self) -> str:
        """What rules know it by: the kind of its source, or `person`."""
        return self.source.kind if self.source else PERSON

    @property
    def repeats(self) -> int:
        return self.seen_count - 1


PERSON = "person"


class SignalReceipt(models.Model):
    """An id that a source has used: the same delivery again is answered and changes nothing. Forgotten after days."""

    source = models.ForeignKey(SignalSource, on_delete=models.CASCADE, related_name="receipts")
    external_id = models.CharField(max_length=200)
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="signal_receipt_once_per_id"),
        ]

    def __str__(self) -> str:
        return self.external_id


class SignalMinute(models.Model):
    """How often, or how much of something, a source told of in one minute: what windows are counted from.

    `name` is empty for how often. `source` 0 are people. So a window costs its minutes, whatever came in them.
    """

    source = models.PositiveIntegerField()
    kind = models.CharField(max_length=12)
    name = models.CharField(max_length=40, blank=True)
    minute = models.DateTimeField()
    amount = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "name", "minute"], name="signal_minute_counted_once"),
        ]
        indexes = [models.Index(fields=["name", "minute"], name="signal_minute_of_window")]

    def __str__(self) -> str:
        return f"{self.amount:g} {self.name or 'times'}"
