"""What can be found in this house: accounts and the people in them."""

from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils.http import urlencode

from crisiscomms.search import HITS, Asked, Hit, Source, holding, register
from stakeholders.access import may_see
from stakeholders.models import Account, Contact, Membership


def _accounts(asked: Asked) -> list[Hit]:
    if not may_see(asked.by):
        return []
    found = holding(asked, Account.objects.all(), "name", "external_id").order_by("tier", "name_key", "pk")[:HITS]
    return [
        Hit(one.name, f"Tier {one.tier}, {one.region}".strip(", "), reverse("stakeholders:account", args=[one.pk]))
        for one in found
    ]


def _contacts(asked: Asked) -> list[Hit]:
    if not may_see(asked.by):
        return []
    main = Membership.objects.filter(contact=OuterRef("pk"), is_main=True)
    found = holding(asked, Contact.objects.known(), "first_name", "last_name", "address").annotate(
        at=Subquery(main.values("account__name")[:1]), at_id=Subquery(main.values("account")[:1])
    )
    return [_contact(one) for one in found.order_by("last_name", "pk")[:HITS]]


def _contact(one: Contact) -> Hit:
    account, account_id = one.at, one.at_id  # type: ignore[attr-defined]
    url = (
        reverse("stakeholders:account", args=[account_id])
        if account_id
        else f"{reverse('stakeholders:contacts')}?{urlencode({'q': one.address})}"
    )
    mark = "no mail" if one.unsubscribed_at or one.suppressed_at else ""
    return Hit(str(one), ", ".join(filter(None, [one.email, account])), url, mark)


register(Source(40, "accounts", "Accounts", _accounts))
register(Source(50, "contacts", "Contacts", _contacts))
