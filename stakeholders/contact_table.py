"""The list of contacts: its columns, its filter, and what each of them means."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from crisiscomms.tables import Column, Table
from stakeholders import queries
from stakeholders.models import Contact

CELLS = "stakeholders/contact_cells.html"
TIERS = [("", "All tiers"), ("1", "Tier 1"), ("2", "Tier 2"), ("3", "Tier 3")]
STATES = [
    ("", "Everybody"),
    ("reachable", "Reachable by mail"),
    ("opted_out", "Opted out of marketing"),
    ("unsubscribed", "Unsubscribed"),
    ("stopped", "Mail stopped"),
]
# Rows carry what queries.contacts() annotates.
CONTACTS = Table(
    key="contacts",
    order="name",
    nouns=("contact", "contacts"),
    nothing="The search looks at the beginning of names, e-mail addresses and account names. Fewer letters find more.",
    columns=(
        Column("name", "Name", str, f"{CELLS}#name", sort="last_name", is_fixed=True, in_file=False),
        Column("email", "E-mail", lambda one: one.email, f"{CELLS}#email", sort="address"),
        Column("first", "First name", lambda one: one.first_name, in_page=False),
        Column("last", "Last name", lambda one: one.last_name, in_page=False),
        Column("title", "Job title", lambda one: one.title),
        Column("phone", "Phone", lambda one: one.phone, is_shown=False),
        Column("language", "Language", lambda one: one.language, is_shown=False),
        Column("account", "Account", lambda one: one.main_account or "", f"{CELLS}#account"),
        Column("tier", "Account tier", lambda one: one.main_tier or ""),
        Column("mail", "Mail", str, f"{CELLS}#mail", in_file=False),
        Column("opt_out", "Marketing opt-out", lambda one: "yes" if one.marketing_opt_out else "no", is_shown=False),
        Column("unsubscribed", "Unsubscribed at", lambda one: one.unsubscribed_at, in_page=False),
        Column("stopped", "Mail stopped at", lambda one: one.suppressed_at, in_page=False),
        Column("because", "Mail stopped because", lambda one: one.suppressed_reason, in_page=False),
    ),
)


class FindContacts(forms.Form):
    q = forms.CharField(label="Name, e-mail or account begins with", required=False, max_length=120)
    tier = forms.ChoiceField(label="Tier", choices=TIERS, required=False)
    state = forms.ChoiceField(label="Mail", choices=STATES, required=False)


def narrow(contacts: QuerySet[Contact], wanted: dict[str, Any]) -> QuerySet[Contact]:
    tier = int(wanted["tier"]) if wanted["tier"] else None
    asked = queries.ContactFilter(text=wanted["q"], tier=tier, state=wanted["state"])
    return queries.matching(asked, among=contacts)
