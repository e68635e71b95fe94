"""Who does what: roles in one incident with their history, and when somebody of a role is on duty."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from crisiscomms.models import Role, User
from incidents.models.incident import Incident

STAYS = pgtrigger.Trigger(
    name="role_assignment_stays",
    operation=pgtrigger.Update | pgtrigger.Delete,
    when=pgtrigger.Before,
    func="""
        IF TG_OP = 'UPDATE' AND OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
           AND (NEW.id, NEW.incident_id, NEW.role, NEW.person_id, NEW.began_at, NEW.note) =
               (OLD.id, OLD.incident_id, OLD.role, OLD.person_id, OLD.began_at, OLD.note)
           AND NEW.by_id IS NOT DISTINCT FROM OLD.by_id THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'role_assignment_stays: Who held which role is history. It can only end, once';
    """,
)


class RoleAssignmentQuerySet(models.QuerySet["RoleAssignment"]):
    def open(self) -> "RoleAssignmentQuerySet":
        return self.filter(ended_at=None)

    def visible_to(self, user: User) -> "RoleAssignmentQuerySet":
        return self.filter(incident__in=Incident.objects.visible_to(user))


class RoleAssignment(models.Model):
    """Somebody held a role in an incident from then to then. `note` is what they were told when it came to them.

    `role` is a key of the policy `ownership`. `by` is who gave it; null is the installation itself.
    """

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="roles")
    role = models.CharField(max_length=30)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="held_roles")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    objects = RoleAssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "role"], condition=Q(ended_at=None), name="role_has_one_holder_at_a_time"
            ),
            models.CheckConstraint(
                name="role_ends_after_it_began", condition=Q(ended_at=None) | Q(ended_at__gte=F("began_at"))
            ),
            models.CheckConstraint(name="role_ended_by_once_ended", condition=Q(ended_by=None) | ~Q(ended_at=None)),
        ]
        indexes = [models.Index(fields=["person"], name="role_held_now", condition=Q(ended_at=None))]
        triggers = [STAYS]

    def __str__(self) -> str:
        return f"{self.role} of {self.incident_id}: {self.person_id}"


class Weekday(models.IntegerChoices):
    MONDAY = 0, "Monday"
    TUESDAY = 1, "Tuesday"
    WEDNESDAY = 2, "Wednesday"
    THURSDAY = 3, "Thursday"
    FRIDAY = 4, "Friday"
    SATURDAY = 5, "Saturday"
    SUNDAY = 6, "Sunday"


class DutyHours(models.Model):
    """Every week, by the clock where the person lives. An end that is not after the begin lies on the next day."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="duty_hours")
    role = models.CharField(max_length=20, choices=Role)
    weekday = models.PositiveSmallIntegerField(choices=Weekday)
    begins = models.TimeField()
    ends = models.TimeField()

    class Meta:
        ordering = ["weekday", "begins", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["person", "role", "weekday", "begins"], name="duty_hours_stand_once"),
            models.CheckConstraint(name="duty_hours_on_a_weekday", condition=Q(weekday__lte=6)),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.begins:%H:%M} to {self.ends:%H:%M}"


class DutyShift(models.Model):
    """Once, from a moment to a moment: a weekend somebody took over, a holiday."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="duty_shifts")
    role = models.CharField(max_length=20, choices=Role)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        ordering = ["begins_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["person", "role", "begins_at"], name="duty_shift_stands_once"),
            models.CheckConstraint(name="duty_shift_ends_after_it_began", condition=Q(ends_at__gt=F("begins_at"))),
        ]
        indexes = [models.Index(fields=["ends_at"], name="duty_shift_by_end")]

    def __str__(self) -> str:
        return f"{self.begins_at} to {self.ends_at}"
