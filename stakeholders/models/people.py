"""Accounts and the people in them."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from crisiscomms.search import Words


class Account(models.Model):
    class Kind(models.TextChoices):
        CUSTOMER = "customer", "Customer"
        PARTNER = "partner", "Partner"
        PROSPECT = "prospect", "Prospect"

    class Value(models.TextChoices):
        STRATEGIC = "strategic", "Strategic"
        IMPORTANT = "important", "Important"
        STANDARD = "standard", "Standard"

    external_id = models.CharField(max_length=80, blank=True)
    name = models.CharField(max_length=200)
    name_key = models.CharField(max_length=200, db_index=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.CUSTOMER)
    value = models.CharField(max_length=10, choices=Value, default=Value.STANDARD)
    tier = models.PositiveSmallIntegerField(default=3)
    revenue = models.DecimalField(max_digits=16, decimal_places=2, null=True)
    region = models.CharField(max_length=40, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    products = ArrayField(models.CharField(max_length=120), default=list)
    owner_email = models.EmailField(blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="accounts_owned"
    )
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["external_id"], condition=~Q(external_id=""), name="account_external_id_once"
            ),
            models.UniqueConstraint(
                fields=["name_key"], condition=Q(external_id=""), name="account_without_id_once_per_name"
            ),
            models.CheckConstraint(name="account_tier_is_1_to_3", condition=Q(tier__gte=1, tier__lte=3)),
            models.CheckConstraint(name="account_has_a_name", condition=~Q(name="")),
        ]
        indexes = [
            GinIndex(fields=["products"], name="account_products"),
            models.Index(fields=["tier", "name_key", "id"], name="account_in_list_order"),
            models.Index(fields=["region", "tier", "name_key", "id"], name="account_of_region"),
            GinIndex(Words("name", "external_id"), name="account_words"),
        ]

    def __str__(self) -> str:
        return self.name


class ContactQuerySet(models.QuerySet["Contact"]):
    def known(self) -> "ContactQuerySet":
        """Everybody but those who were erased: their rows stay only because mails point at them."""
        return self.exclude(address__startswith="erased:")

    def reachable(self) -> "ContactQuerySet":
        """Whom a mail may be tried for: neither bounced for good nor unsubscribed from incident notices."""
        return self.filter(suppressed_at=None, unsubscribed_at=None)


class Contact(models.Model):
    """One person, known by one normalised address (see stakeholders/addresses.py for the rule).

    Unsubscribed and suppressed are flags with a time, never a delete: a re-import does not bring them back.
    """

    email = models.CharField(max_length=254)
    address = models.CharField(max_length=254, unique=True)
    external_id = models.CharField(max_length=80, blank=True)
    first_name = models.CharField(max_length=120, blank=True)
    last_name = models.CharField(max_length=120, blank=True)
    title = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=12, blank=True)
    marketing_opt_out = models.BooleanField(default=False)
    unsubscribed_at = models.DateTimeField(null=True)
    suppressed_at = models.DateTimeField(null=True)
    suppressed_reason = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField()
    accounts: "models.ManyToManyField[Account, Membership]" = models.ManyToManyField(
        Account, through="Membership", related_name="contacts"
    )

    objects = ContactQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="contact_suppressed_with_a_reason",
                condition=Q(suppressed_at=None) | ~Q(suppressed_reason=""),
            ),
        ]
        indexes = [
            models.Index(fields=["last_name", "id"], name="contact_in_list_order"),
            # Few among many: without these a list of them would read everybody.
            models.Index(fields=["last_name", "id"], name="contact_opted_out", condition=Q(marketing_opt_out=True)),
            models.Index(
                fields=["last_name", "id"], name="contact_unsubscribed", condition=Q(unsubscribed_at__isnull=False)
            ),
            models.Index(fields=["last_name", "id"], name="contact_stopped", condition=Q(suppressed_at__isnull=False)),
            models.Index(OpClass(Lower("last_name"), "text_pattern_ops"), name="contact_last_name_prefix"),
            models.Index(OpClass(Lower("first_name"), "text_pattern_ops"), name="contact_first_name_prefix"),
            GinIndex(Words("first_name", "last_name", "address"), name="contact_words"),
        ]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or ("(erased)" if self.is_erased else self.email)

    @property
    def is_erased(self) -> bool:
        """Forgotten at their own wish: a keyed digest stands where the address was."""
        return self.address.startswith("erased:")


class Membership(models.Model):
    """A person in an account; the first is their main one."""

    # The first constraint below indexes the person.
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="memberships", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    is_main = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contact", "account"], name="person_in_an_account_once"),
            models.UniqueConstraint(fields=["contact"], condition=Q(is_main=True), name="person_has_one_main_account"),
        ]

    def __str__(self) -> str:
        return f"{self.contact} at {self.account}"
