"""Accounts and contacts, for programs: read by the people who see the contacts pages."""

from datetime import UTC
from typing import Any

import django_filters
import structlog
from django.core.cache import cache
from django.db import DatabaseError
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crisiscomms.api import fields, filtering
from crisiscomms.api.views import ApiDetail, ApiList, on_front_page
from stakeholders import access, queries
from stakeholders.actions import record_export
from stakeholders.contact_table import STATES as FIND_STATES
from stakeholders.models import Account, Contact, Membership

log = structlog.get_logger("crisiscomms")
TIERS = [1, 2, 3]
STATES = [choice for choice in FIND_STATES if choice[0]]


class AccountSerializer(serializers.ModelSerializer):
    owner = fields.Person(read_only=True, allow_null=True)
    owner_email = serializers.CharField(read_only=True, help_text="Empty where nobody is known.")
    people = serializers.IntegerField(read_only=True, help_text="How many contacts it has.")

    class Meta:
        model = Account
        fields = [
            *("id", "external_id", "name", "kind", "value", "tier", "revenue", "region", "time_zone", "products"),
            *("owner", "owner_email", "people", "updated_at"),
        ]
        read_only_fields = fields


def _words(help_text: str) -> django_filters.Filter:
    return django_filters.CharFilter(max_length=120, help_text=help_text)


def _tier(help_text: str) -> django_filters.Filter:
    made = django_filters.ChoiceFilter(choices=[(str(one), str(one)) for one in TIERS], help_text=help_text)
    return extend_schema_field({"type": "integer", "enum": TIERS})(made)


class Found(django_filters.FilterSet):
    """Filters that the house's own queries answer, so that pages and API search alike."""

    def filter_queryset(self, queryset: Any) -> Any:
        return self.asked({name: value for name, value in self.form.cleaned_data.items() if value not in (None, "")})


class AccountFilters(Found):
    q = _words("What its name begins with.")
    tier = _tier("1 to 3.")

    class Meta:
        model = Account
        fields: list[str] = []

    def asked(self, given: dict[str, Any]) -> QuerySet[Account]:
        return queries.accounts(given.get("q", ""), tier=int(given["tier"]) if "tier" in given else None)


class Accounts(ApiList):
    """Accounts by tier and name."""

    queryset = Account.objects.none()
    serializer_class = AccountSerializer
    filterset_class = AccountFilters
    order = ("tier", "name_key", "pk")

    def get_queryset(self) -> QuerySet[Account]:
        access.check_may_see(self.request.user)
        return queries.accounts()


class OneAccount(ApiDetail):
    """An account by its id."""

    serializer_class = AccountSerializer

    def get_object(self) -> Account:
        access.check_may_see(self.request.user)
        return get_object_or_404(queries.accounts(), pk=self.kwargs["account_id"])


class MembershipSerializer(serializers.ModelSerializer):
    id = serializers.IntegerField(source="account_id", read_only=True)
    name = serializers.CharField(source="account.name", read_only=True)

    class Meta:
        model = Membership
        fields = ["id", "name", "is_main"]
        read_only_fields = ["is_main"]


class ContactSerializer(serializers.ModelSerializer):
    accounts = MembershipSerializer(source="memberships", many=True, read_only=True)

    class Meta:
        model = Contact
        fields = [
            *("id", "external_id", "email", "first_name", "last_name", "title", "phone", "language", "accounts"),
            *("marketing_opt_out", "unsubscribed_at", "suppressed_at", "suppressed_reason", "updated_at"),
        ]
        read_only_fields = fields


class ContactFilters(Found):
    q = _words("What a name, the e-mail address or an account's name begins with; up to five words.")
    tier = _tier("Of one of their accounts.")
    state = django_filters.ChoiceFilter(choices=STATES, help_text="Whether mail reaches them.")
    account = filtering.Key(help_text="The id of an account.")

    class Meta:
        model = Contact
        fields: list[str] = []

    def asked(self, given: dict[str, Any]) -> QuerySet[Contact]:
        tier = int(given["tier"]) if "tier" in given else None
        wanted = queries.ContactFilter(text=given.get("q", ""), tier=tier, state=given.get("state", ""))
        found = queries.matching(wanted).prefetch_related("memberships__account")
        if "account" in given:
            found = found.filter(pk__in=Membership.objects.filter(account=given["account"]).values("contact"))
        return found


class Contacts(ApiList):
    """Contacts by last name."""

    queryset = Contact.objects.none()
    serializer_class = ContactSerializer
    filterset_class = ContactFilters
    order = ("last_name", "pk")

    def get_queryset(self) -> QuerySet[Contact]:
        access.check_may_see(self.request.user)
        return Contact.objects.all()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().list(request, *args, **kwargs)
        _note_reading(request)
        return response


def _note_reading(request: Request) -> None:
    """A program that reads the list takes contacts out: on the record once a day for each token."""
    token, day = request.auth, request.now.astimezone(UTC).date()
    noted = f"contacts-read:{token.pk}:{day}"
    # A cache that lost it, or is gone, costs one entry more.
    if cache.get(noted):
        return
    try:
        record_export(what=f"contacts with the API token “{token.name}”", by=request.user, now=request.now)
    except DatabaseError as error:
        # A database that only reads still answers what is only read.
        log.warning("reading of contacts not recorded", error=type(error).__name__)
        return
    cache.set(noted, 1, timeout=2 * 24 * 60 * 60)


class OneContact(ApiDetail):
    """A contact by its id, with the accounts they belong to."""

    serializer_class = ContactSerializer

    def get_object(self) -> Contact:
        access.check_may_see(self.request.user)
        return get_object_or_404(Contact.objects.prefetch_related("memberships__account"), pk=self.kwargs["contact_id"])


on_front_page("accounts", "api:accounts", access.may_see)
on_front_page("contacts", "api:contacts", access.may_see)

urlpatterns = [
    path("accounts/", Accounts.as_view(), name="accounts"),
    path("accounts/<id:account_id>/", OneAccount.as_view(), name="account"),
    path("contacts/", Contacts.as_view(), name="contacts"),
    path("contacts/<id:contact_id>/", OneContact.as_view(), name="contact"),
]
