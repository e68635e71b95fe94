"""What the company sends out by itself, and for each incident whether it was halted."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from crisiscomms.models import User
from incidents.models.components import Product
from incidents.models.incident import Incident

LINK_IS_WEB = Q(link="") | Q(link__startswith="http://") | Q(link__startswith="https://")


class OutwardKind(models.TextChoices):
    CAMPAIGN = "campaign", "Campaign"
    POST = "scheduled_post", "Scheduled post"
    NEWSLETTER = "newsletter", "Newsletter"
    AD = "ad", "Advertisement"
    EVENT = "event", "Event"
    WEBINAR = "webinar", "Webinar"
    SALES_SEQUENCE = "sales_sequence", "Sales sequence"
    OTHER = "other", "Something else"


class OutwardActivity(models.Model):
    """One thing that goes out without anybody pressing. No products means: it speaks for the whole company."""

    name = models.CharField(max_length=160)
    kind = models.CharField(max_length=16, choices=OutwardKind)
    place = models.CharField(max_length=120, blank=True)
    link = models.CharField(max_length=500, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="outward_activities")
    products = models.ManyToManyField(Product, blank=True, related_name="outward_activities")
    is_active = models.BooleanField(default=True)
    added_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "pk"]
        verbose_name_plural = "outward activities"
        constraints = [
            models.CheckConstraint(name="outward_activity_links_to_the_web", condition=LINK_IS_WEB),
            models.CheckConstraint(name="outward_activity_has_a_name", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


class HaltItemQuerySet(models.QuerySet["HaltItem"]):
    def visible_to(self, user: User) -> "HaltItemQuerySet":
        return self.filter(incident__in=Incident.objects.visible_to(user))

    def unsettled(self) -> "HaltItemQuerySet":
        """Somebody still has to do something about it: check it, or decide whether it goes on."""
        return self.filter(state__in=[HaltItem.State.OPEN, HaltItem.State.HALTED])


class HaltItem(models.Model):
    """One check of one incident. Name, kind, place and link stay as they were when it was opened."""

    class State(models.TextChoices):
        OPEN = "open", "To check"
        HALTED = "halted", "Halted"
        RUNNING = "running", "Left running"
        RESUMED = "resumed", "Resumed"
        KEPT_OFF = "kept_off", "Kept off"

    MOVES: ClassVar[dict[str, set[str]]] = {
        State.OPEN: {State.HALTED, State.RUNNING},
        State.HALTED: {State.RESUMED, State.KEPT_OFF},
        State.RUNNING: {State.HALTED, State.OPEN},
        # It was not fixed after all: what had been resumed is looked at again.
        State.RESUMED: {State.OPEN, State.HALTED},
        State.KEPT_OFF: {State.RESUMED},
    }

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="halt_items")
    # None for what was added in the room by hand.
    activity = models.ForeignKey(OutwardActivity, on_delete=models.PROTECT, null=True, related_name="halt_items")
    name = models.CharField(max_length=160)
    kind = models.CharField(max_length=16, choices=OutwardKind)
    place = models.CharField(max_length=120, blank=True)
    link = models.CharField(max_length=500, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="halt_items")
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    opened_at = models.DateTimeField()
    # Who moved it last, when, and why; nobody where the incident's own course did.
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    reason = models.CharField(max_length=500, blank=True)

    objects = HaltItemQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "activity"], name="activity_checked_once_per_incident"),
            models.CheckConstraint(
                name="halt_item_left_on_or_off_with_a_reason",
                condition=~Q(state__in=["running", "kept_off"]) | ~Q(reason=""),
            ),
            models.CheckConstraint(name="halt_item_links_to_the_web", condition=LINK_IS_WEB),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.get_state_display().lower()}"
