"""The list of accounts: its columns, its filter, and what each of them means."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from crisiscomms.tables import Column, Table
from stakeholders import queries
from stakeholders.contact_table import TIERS
from stakeholders.models import Account
from stakeholders.naming import name_key

CELLS = "stakeholders/account_cells.html"
# Rows carry what queries.accounts() annotates.
ACCOUNTS = Table(
    key="accounts",
    order="tier",
    nouns=("account", "accounts"),
    nothing="The search looks at the beginning of the account’s name. Fewer letters find more.",
    columns=(
        Column("name", "Account", str, f"{CELLS}#name", sort="name_key", is_fixed=True),
        Column("external", "CRM ID", lambda one: one.external_id, is_shown=False),
        Column("kind", "Kind", lambda one: one.get_kind_display()),
        Column("tier", "Tier", lambda one: one.tier, sort="tier name_key", ways=("first to third", "third to first")),
        Column("value", "Value", lambda one: one.get_value_display()),
        Column(
            "revenue", "Revenue", lambda one: "" if one.revenue is None else one.revenue, is_shown=False, is_number=True
        ),
        Column("region", "Region", lambda one: one.region),
        Column("zone", "Time zone", lambda one: one.time_zone, is_shown=False),
        Column("products", "Products", lambda one: ", ".join(one.products), is_shown=False),
        Column("owner", "Owner", lambda one: str(one.owner or one.owner_email)),
        Column("people", "People", lambda one: one.people, f"{CELLS}#people", is_number=True),
    ),
)


class FindAccounts(forms.Form):
    q = forms.CharField(label="Account name begins with", required=False, max_length=120)
    tier = forms.ChoiceField(label="Tier", choices=TIERS, required=False)
    kind = forms.ChoiceField(label="Kind", choices=[("", "All"), *Account.Kind.choices], required=False)
    region = forms.ChoiceField(
        label="Region", choices=lambda: [("", "All"), *((one, one) for one in queries.regions())], required=False
    )


def narrow(accounts: QuerySet[Account], wanted: dict[str, Any]) -> QuerySet[Account]:
    if wanted["q"]:
        accounts = accounts.filter(name_key__startswith=name_key(wanted["q"]))
    for name in ("tier", "kind", "region"):
        if wanted[name]:
            accounts = accounts.filter(**{name: wanted[name]})
    return accounts
