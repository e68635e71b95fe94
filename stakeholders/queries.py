"""Reads for the contacts pages. Lists page by key: OFFSET gets slower with every page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Lower

from stakeholders.models import Account, Contact, Membership
from stakeholders.naming import name_key

T = TypeVar("T")
PAGE = 50
PEOPLE = 500
COUNTED = 10_000
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


def contacts(wanted: ContactFilter) -> QuerySet[Contact]:
    """The contacts in list order, each with its main account."""
    main = Membership.objects.filter(contact=OuterRef("pk"), is_main=True)
    found = matching(wanted).order_by("last_name", "pk")
    return found.annotate(
        main_account=Subquery(main.values("account__name")[:1]),
        main_account_id=Subquery(main.values("account")[:1]),
        main_tier=Subquery(main.values("account__tier")[:1]),
    )


def matching(wanted: ContactFilter) -> QuerySet[Contact]:
    found: QuerySet[Contact] = Contact.objects.known()
    for word in wanted.text.split()[:5]:
        found = found.filter(pk__in=_beginning_with(word))
    if wanted.tier:
        found = found.filter(pk__in=Membership.objects.filter(account__tier=wanted.tier).values("contact"))
    if wanted.state in STATES:
        found = found.filter(STATES[wanted.state])
    return found


def count(wanted: ContactFilter) -> int:
    """How many match, but no more than COUNTED + 1: beyond that a person only needs to know that it is many."""
    if wanted == ContactFilter():
        return Contact.objects.count()
    return matching(wanted)[: COUNTED + 1].count()


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


def contact_page(wanted: ContactFilter, *, after: int | None) -> Page[Contact]:
    """`after` is the last contact of the page before."""
    found = contacts(wanted)
    last = Contact.objects.filter(pk=after).values_list("last_name", flat=True).first() if after else None
    if last is not None:
        # The first condition is implied by the second; with it the index is entered at the right place.
        found = found.filter(Q(last_name__gte=last), Q(last_name__gt=last) | Q(last_name=last, pk__gt=after))
    rows = list(found[: PAGE + 1])
    return Page(rows[:PAGE], rows[PAGE - 1].pk if len(rows) > PAGE else None)


def totals() -> dict[str, int]:
    """The figures above the list."""
    people = Contact.objects.known().aggregate(
        contacts=Count("pk"),
        opted_out=Count("pk", filter=STATES["opted_out"]),
        unsubscribed=Count("pk", filter=STATES["unsubscribed"]),
        stopped=Count("pk", filter=STATES["stopped"]),
    )
    return {**people, "accounts": Account.objects.count()}


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


def account_page(text: str, *, tier: int | None, after: int | None) -> Page[Account]:
    """`after` is the last account of the page before."""
    found = accounts(text, tier=tier)
    last = Account.objects.filter(pk=after).first() if after else None
    if last:
        found = found.filter(
            Q(tier__gt=last.tier)
            | Q(tier=last.tier, name_key__gt=last.name_key)
            | Q(tier=last.tier, name_key=last.name_key, pk__gt=last.pk)
        )
    rows = list(found[: PAGE + 1])
    return Page(rows[:PAGE], rows[PAGE - 1].pk if len(rows) > PAGE else None)


def people_of(account: Account) -> QuerySet[Contact]:
    return (
        Contact.objects.filter(memberships__account=account)
        .annotate(is_main_here=F("memberships__is_main"))
        .order_by("last_name", "first_name", "pk")
    )
