"""Reads for the contacts pages. Lists page by key: OFFSET gets slower with every page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Lower

from crisiscomms.tables import COUNTED
from stakeholders.models import Account, Contact, Membership
from stakeholders.naming import name_key

T = TypeVar("T")
PAGE = 50
PEOPLE = 500
STATES = {
    "reachable": Q(unsubscribed_at=None, suppressed_at=None),
    "opted_out": Q(marketing_opt_out=True),
    "unsubscribed": Q(unsubscribed_at__isnull=False),
    "stopped": Q(suppressed_at__isnull=False),
}


@dataclass(frozen=True)
class ContactFilter:
    """What somebody looks for. Empty means everybody."""

    text: str = ""
    tier: int | None = None
    state: str = ""


@dataclass(frozen=True)
class Page(Generic[T]):
    """A piece of a list, and where the next one begins."""

    rows: Sequence[T] = field(default_factory=list)
    next_after: int | None = None


def contacts() -> QuerySet[Contact]:
    """Everybody, each with the main account."""
    main = Membership.objects.filter(contact=OuterRef("pk"), is_main=True)
    return Contact.objects.known().annotate(
        main_account=Subquery(main.values("account__name")[:1]),
        main_account_id=Subquery(main.values("account")[:1]),
        main_tier=Subquery(main.values("account__tier")[:1]),
    )


def matching(wanted: ContactFilter, among: QuerySet[Contact] | None = None) -> QuerySet[Contact]:
    found = Contact.objects.known() if among is None else among
    for word in wanted.text.split()[:5]:
        found = found.filter(pk__in=_beginning_with(word))
    if wanted.tier:
        found = found.filter(pk__in=Membership.objects.filter(account__tier=wanted.tier).values("contact"))
    if wanted.state in STATES:
        found = found.filter(STATES[wanted.state])
    return found


def _beginning_with(word: str) -> QuerySet[Any, Any]:
    """Each part has its own index; a single OR over them would read every contact."""
    low = word.lower()
    ids = Contact.objects.alias(low_last=Lower("last_name"), low_first=Lower("first_name")).values("pk")
    in_accounts = Membership.objects.filter(account__name_key__startswith=name_key(word)).values(pk=F("contact"))
    return ids.filter(low_last__startswith=low).union(
        ids.filter(low_first__startswith=low),
        ids.filter(address__startswith=low),
        in_accounts,
        all=True,
    )


def figures() -> dict[str, int]:
    """The figures above the list, each counted no further than a person needs to know (tables.COUNTED)."""
    people = Contact.objects.known()
    found = {"contacts": people, **{name: people.filter(STATES[name]) for name in STATES if name != "reachable"}}
    counted = {name: rows.values("pk")[: COUNTED + 1].count() for name, rows in found.items()}
    return {**counted, "accounts": Account.objects.values("pk")[: COUNTED + 1].count()}


def accounts(text: str = "", *, tier: int | None = None) -> QuerySet[Account]:
    """Accounts by tier and name, each with how many people it has."""
    # Counted per account that is shown; a GROUP BY would count for all of them first.
    people = Membership.objects.filter(account=OuterRef("pk")).order_by().values("account")
    counted = Coalesce(Subquery(people.annotate(number=Count("pk")).values("number")), 0)
    found = Account.objects.select_related("owner").annotate(people=counted)
    if text:
        found = found.filter(name_key__startswith=name_key(text))
    if tier:
        found = found.filter(tier=tier)
    return found.order_by("tier", "name_key", "pk")


def regions() -> list[str]:
    """The regions that accounts are in."""
    return list(Account.objects.exclude(region="").order_by("region").values_list("region", flat=True).distinct()[:200])


def people_of(account: Account) -> QuerySet[Contact]:
    return (
        Contact.objects.filter(memberships__account=account)
        .annotate(is_main_here=F("memberships__is_main"))
        .order_by("last_name", "first_name", "pk")
    )
