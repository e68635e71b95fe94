"""Starter texts, written before the crisis."""

import pgtrigger
from django.db import models

from incidents.models import Incident
from messaging.models.messages import Message


class Template(models.Model):
    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=300, blank=True)
    incident_kind = models.CharField(max_length=20, choices=Incident.Kind)
    message_kind = models.CharField(max_length=8, choices=Message.Kind)
    pre_approved = models.BooleanField(default=False)
    next_update_minutes = models.PositiveIntegerField(null=True)

    def __str__(self) -> str:
        return self.name


class TemplateVersion(models.Model):
    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="template_version_once")]
        triggers = [pgtrigger.Protect(name="template_version_stays", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.template} {self.number}"
