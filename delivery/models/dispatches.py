"""An order to send: an immutable copy of what was approved, for one channel."""

import uuid
from datetime import datetime
from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from incidents.models import Incident
from messaging.models import ApprovalRequest, Message, MessageVersion

# Whatever code asks for it: an exercise never leaves, and a restricted incident never reaches a public channel.
WALL = pgtrigger.Trigger(
    name="dispatch_respects_the_wall",
    operation=pgtrigger.Insert,
    when=pgtrigger.Before,
    func="""
        IF EXISTS (SELECT 1 FROM incidents_incident i WHERE i.id = NEW.incident_id
                   AND (i.is_exercise OR (i.restricted AND NEW.channel <> 'email'))) THEN
            RAISE EXCEPTION 'dispatch_respects_the_wall: an exercise never leaves, a restricted incident is never public'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    """,
)
# No link from what was sent to anything editable: the copy itself cannot change either.
FROZEN = pgtrigger.Trigger(
    name="dispatch_copy_is_frozen",
    operation=pgtrigger.Update,
    when=pgtrigger.Before,
    func="""
        IF (NEW.content, NEW.fingerprint, NEW.channel, NEW.version_id, NEW.request_id, NEW.incident_id, NEW.uid)
           IS DISTINCT FROM
           (OLD.content, OLD.fingerprint, OLD.channel, OLD.version_id, OLD.request_id, OLD.incident_id, OLD.uid) THEN
            RAISE EXCEPTION 'dispatch_copy_is_frozen: what was approved to be sent cannot change';
        END IF;
        RETURN NEW;
    """,
)


class DispatchQuerySet(models.QuerySet["Dispatch"]):
    def public(self, now: datetime) -> "DispatchQuerySet":
        """What the public may read: the one scope of the status page and its feeds."""
        return self._released(Dispatch.Channel.STATUS, now)

    def for_sellers(self, now: datetime) -> "DispatchQuerySet":
        """What sellers may use: released talking points of incidents that are not restricted."""
        return self._released(Dispatch.Channel.PORTAL, now)

    def _released(self, channel: str, now: datetime) -> "DispatchQuerySet":
        return self.filter(
            channel=channel,
            state=Dispatch.State.DONE,
            released_at__lte=now,
            incident__restricted=False,
            incident__is_exercise=False,
        )

    def under_way(self) -> "DispatchQuerySet":
        return self.filter(state__in=[Dispatch.State.HELD, Dispatch.State.LOCKED, Dispatch.State.RUNNING])


class Dispatch(models.Model):
    """`held` until `hold_until` and can be taken back; `locked` while customers have to be reached first."""

    class Channel(models.TextChoices):
        EMAIL = "email", "E-mail"
        STATUS = "status", "Status page"
        PORTAL = "portal", "Sales portal"

    class State(models.TextChoices):
        HELD = "held", "On hold"
        LOCKED = "locked", "Locked"
        RUNNING = "running", "Sending"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped"
        TAKEN_BACK = "taken_back", "Taken back"

    MOVES: ClassVar[dict[str, set[str]]] = {
        State.HELD: {State.LOCKED, State.RUNNING, State.DONE, State.TAKEN_BACK, State.STOPPED},
        State.LOCKED: {State.DONE, State.STOPPED, State.TAKEN_BACK},
        State.RUNNING: {State.DONE, State.STOPPED},
        State.DONE: {State.RUNNING},
        State.STOPPED: {State.RUNNING, State.TAKEN_BACK},
        State.TAKEN_BACK: set(),
    }

    uid = models.UUIDField(default=uuid.uuid4, unique=True)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="dispatches")
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="dispatches")
    version = models.ForeignKey(MessageVersion, on_delete=models.PROTECT, related_name="+")
    request = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=6, choices=Channel)
    content = models.JSONField()
    fingerprint = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State, default=State.HELD)
    ordered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ordered_at = models.DateTimeField()
    hold_until = models.DateTimeField()
    released_at = models.DateTimeField(null=True)
    # When the first of it had really left: a mail handed over, or the page published. The clocks are met then.
    left_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # When the addresses of its recipients became digests, some time after the incident's close.
    recipients_forgotten_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=300, blank=True)

    objects = DispatchQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "channel"], condition=~Q(state="taken_back"), name="version_leaves_once_per_channel"
            ),
            models.CheckConstraint(
                name="dispatch_released_once_it_runs",
                condition=Q(state__in=["held", "locked", "taken_back", "stopped"]) | Q(released_at__isnull=False),
            ),
            models.CheckConstraint(
                name="dispatch_stopped_says_why", condition=~Q(state__in=["stopped", "locked"]) | ~Q(why="")
            ),
        ]
        triggers = [WALL, FROZEN]
        indexes = [
            models.Index(fields=["channel", "-released_at"], name="dispatch_released"),
            models.Index(
                fields=["state"], name="dispatch_under_way", condition=Q(state__in=["held", "locked", "running"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message} by {self.get_channel_display()}"


class Tally(models.Model):
    """How many notifications of a dispatch are in which state: kept by the database with every change, so the
    screen's figures always add up and cost one row to read.
    """

    dispatch = models.OneToOneField(Dispatch, on_delete=models.CASCADE, primary_key=True, related_name="tally")
    planned = models.PositiveIntegerField(default=0)
    queued = models.PositiveIntegerField(default=0)
    claimed = models.PositiveIntegerField(default=0)
    retry = models.PositiveIntegerField(default=0)
    sent = models.PositiveIntegerField(default=0)
    delivered = models.PositiveIntegerField(default=0)
    bounced = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"tally of {self.dispatch_id}"

    @property
    def reached(self) -> int:
        return self.sent + self.delivered

    @property
    def waiting(self) -> int:
        return self.queued + self.claimed + self.retry

    @property
    def adds_up(self) -> bool:
        ended = self.bounced + self.failed + self.unknown + self.skipped + self.cancelled
        return self.planned == self.reached + self.waiting + ended
