"""Tokens with which a person's programs use the API, and the answers that a repeated request gets again."""

from datetime import datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from knox.models import AbstractAuthToken

from crisiscomms.models.people import User

LONGEST = timedelta(days=365)


class TokenScope(models.TextChoices):
    """What a token may do: in one house, or (the two without a house) in all of them."""

    READ = "read", "Everything: read"
    WRITE = "write", "Everything: write"
    INCIDENTS_READ = "incidents:read", "Incidents: read"
    INCIDENTS_WRITE = "incidents:write", "Incidents: write"
    STAKEHOLDERS_READ = "stakeholders:read", "Contacts and accounts: read"
    STAKEHOLDERS_WRITE = "stakeholders:write", "Contacts and accounts: write"
    MESSAGES_READ = "messages:read", "Messages: read"
    MESSAGES_WRITE = "messages:write", "Messages: write"
    DELIVERY_READ = "delivery:read", "Sending: read"
    DELIVERY_WRITE = "delivery:write", "Sending: write"
    RECOVERY_READ = "recovery:read", "Recovery: read"
    RECOVERY_WRITE = "recovery:write", "Recovery: write"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def living(self, now: datetime) -> "ApiTokenQuerySet":
        """Neither revoked nor expired, of somebody who still has access."""
        return self.filter(revoked_at=None, expiry__gt=now, user__is_active=True)


# A model by name too: the library has no types, so checkers would not see that it is one.
class ApiToken(AbstractAuthToken, models.Model):  # type: ignore[misc]
    """One key of one person. Only its SHA-512 is kept; `token_key`, its first letters, finds the row.

    It can do what its owner can, within its scopes. A dead one stays, so that the page and the record say it lived.
    """

    # Ours instead of the library's: a short key for addresses and the record, no clock of the machine, always an end,
    # and no owner who can be removed under it.
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_tokens")
    digest = models.CharField(max_length=128)
    created = models.DateTimeField()
    expiry = models.DateTimeField()
    name = models.CharField(max_length=80)
    scopes = ArrayField(models.CharField(max_length=30, choices=TokenScope))
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="api_token_is_of_one_person"),
            models.CheckConstraint(name="api_token_ends_after_it_began", condition=Q(expiry__gt=F("created"))),
            models.CheckConstraint(
                name="api_token_lives_a_year_at_most", condition=Q(expiry__lte=F("created") + LONGEST)
            ),
            models.CheckConstraint(
                name="api_token_may_do_something_known",
                condition=Q(scopes__contained_by=TokenScope.values) & ~Q(scopes=[]),
            ),
            models.CheckConstraint(name="api_token_has_a_name", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name

    def is_expired(self, now: datetime) -> bool:
        return self.expiry <= now

    def may(self, house: str, verb: str) -> bool:
        """Whether it may `read` or `write` in this house, by a scope for it or for all of them."""
        return verb in self.scopes or f"{house}:{verb}" in self.scopes

    @property
    def scope_labels(self) -> list[str]:
        return [label for scope, label in TokenScope.choices if scope in self.scopes]


class GivenAnswer(models.Model):
    """What a request with an idempotency key was answered, kept for a day: the same request gets it again."""

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=200)
    # SHA-256 over method, address and body: the same key with anything else is a mistake of the program.
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    location = models.CharField(max_length=300, blank=True)
    body = models.JSONField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "key"], name="idempotency_key_once_per_person")]

    def __str__(self) -> str:
        return f"{self.key} of {self.person_id}"
