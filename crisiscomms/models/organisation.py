"""The one organisation that an installation serves."""

from django.db import models
from django.db.models import Q

from crisiscomms.models.people import check_time_zone


class Organisation(models.Model):
    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    name = models.CharField(max_length=120, default="Your organisation")
    from_name = models.CharField(max_length=120, blank=True)
    from_address = models.EmailField(blank=True)
    reply_to = models.EmailField(blank=True)
    support_text = models.CharField(max_length=200, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[check_time_zone])

    class Meta:
        constraints = [models.CheckConstraint(name="organisation_is_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return self.name
