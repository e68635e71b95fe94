"""Policy defaults: rules that carry a number are data, versioned, and never edited in place."""

from django.db import models

from crisiscomms.models.people import User


class Policy(models.Model):
    """One version of one house's policy. The highest version is in force."""

    key = models.SlugField(max_length=40)
    version = models.PositiveIntegerField()
    data = models.JSONField()
    changed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    changed_at = models.DateTimeField()
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "version"], name="policy_version_once")]

    def __str__(self) -> str:
        return f"{self.key} {self.version}"
