"""What was decided: by whom, out of what, and why. Never changed afterwards; a later decision replaces an earlier one."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from crisiscomms.models import Role
from incidents.models.incident import Incident


class Decision(models.Model):
    """`question` and `options` as they stood before whoever decided; `severity` is the one the right was read by."""

    class Kind(models.TextChoices):
        SEVERITY = "severity", "Severity"
        PROTOCOL = "protocol", "Crisis protocol"
        MESSAGING = "messaging", "Messaging"
        TIMING = "timing", "Timing"
        CHANNELS = "channels", "Channels"
        DISCLOSURE = "disclosure", "Disclosure level"
        CUSTOMER_FIRST = "customer_first", "Customers first"
        STAND_DOWN = "stand_down", "Standing down"
        PHASE = "phase", "Phase"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="decisions")
    kind = models.CharField(max_length=14, choices=Kind)
    severity = models.CharField(max_length=8, choices=Incident.Severity)
    question = models.CharField(max_length=300)
    options = models.JSONField(default=list)
    choice = models.CharField(max_length=300)
    reason = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    # The role that gave the right. Empty where the glass was broken.
    role = models.CharField(max_length=20, choices=Role, blank=True)
    at = models.DateTimeField()
    is_break_glass = models.BooleanField(default=False)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(name="decision_says_what_was_chosen", condition=~Q(choice="")),
            models.CheckConstraint(
                name="decision_without_the_right_has_a_reason",
                condition=Q(is_break_glass=False) & ~Q(role="") | Q(is_break_glass=True, role="") & ~Q(reason=""),
            ),
        ]
        triggers = [pgtrigger.Protect(name="decision_stays_as_it_was", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.choice}"
