"""People who asked to be forgotten."""

from django.db import models
from django.db.models import Q


class ErasedAddress(models.Model):
    """A keyed digest of an address that is never taken in again by an import. The address itself is nowhere."""

    digest = models.CharField(max_length=47, unique=True)
    erased_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="erased_address_is_a_digest", condition=Q(digest__startswith="erased:"))
        ]

    def __str__(self) -> str:
        return self.digest
