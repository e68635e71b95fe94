"""What customers use, and in what state it is from when to when."""

from django.db import models
from django.db.models import F, Q

from incidents.models.incident import Incident


class Product(models.Model):
    name = models.CharField(max_length=120, unique=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class ComponentQuerySet(models.QuerySet["Component"]):
    def in_use(self) -> "ComponentQuerySet":
        return self.filter(retired_at=None)


class Component(models.Model):
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="components")
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    is_public = models.BooleanField(default=True)
    # When it was taken out of use: it stays in the history, and can no longer be affected by something new.
    retired_at = models.DateTimeField(null=True)

    objects = ComponentQuerySet.as_manager()

    class Meta:
        ordering = ["product__position", "product__name", "position", "name"]
        constraints = [models.UniqueConstraint(fields=["product", "name"], name="component_name_once_per_product")]

    def __str__(self) -> str:
        return self.name


class Dependency(models.Model):
    """`component` needs `on`: when the second fails, the first may fail with it."""

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="needs")
    on = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="needed_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["component", "on"], name="component_needs_another_once"),
            models.CheckConstraint(name="component_does_not_need_itself", condition=~Q(component=F("on"))),
        ]

    def __str__(self) -> str:
        return f"{self.component} needs {self.on}"


class ComponentStateQuerySet(models.QuerySet["ComponentState"]):
    def open(self) -> "ComponentStateQuerySet":
        return self.filter(ended_at=None)

    def public(self) -> "ComponentStateQuerySet":
        """Only what the status page may show: released states of incidents that may be public at all."""
        return self.filter(
            released=True, component__is_public=True, incident__restricted=False, incident__is_exercise=False
        )


class ComponentState(models.Model):
    """One component in one incident, from `began_at` to `ended_at` (open while None).

    `released` says that the public may know: set when a message about the incident is published.
    """

    class State(models.TextChoices):
        DEGRADED = "degraded", "Degraded"
        PARTIAL = "partial", "Partly failing"
        OUTAGE = "outage", "Down"
        MAINTENANCE = "maintenance", "Maintenance"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="component_states")
    component = models.ForeignKey(Component, on_delete=models.PROTECT, related_name="states")
    state = models.CharField(max_length=12, choices=State)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    released = models.BooleanField(default=False)

    objects = ComponentStateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "component"], condition=Q(ended_at=None), name="component_has_one_open_state"
            ),
            models.CheckConstraint(
                name="component_state_ends_after_it_began", condition=Q(ended_at=None) | Q(ended_at__gte=F("began_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.component} {self.state}"
