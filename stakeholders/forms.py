"""What people type on the contacts pages."""

from typing import Any

from django import forms

from stakeholders import queries
from stakeholders.models import Contact

TIERS = [("", "All tiers"), ("1", "Tier 1"), ("2", "Tier 2"), ("3", "Tier 3")]
STATES = [
    ("", "Everybody"),
    ("reachable", "Reachable by mail"),
    ("opted_out", "Opted out of marketing"),
    ("unsubscribed", "Unsubscribed"),
    ("stopped", "Mail stopped"),
]


def _text() -> forms.TextInput:
    return forms.TextInput(attrs={"class": "form-control"})


def _select() -> forms.Select:
    return forms.Select(attrs={"class": "form-select"})


class FindContacts(forms.Form):
    """The filter above the list. A value that no list offers is dropped, not an error."""

    q = forms.CharField(label="Name, e-mail or account begins with", required=False, max_length=120, widget=_text())
    tier = forms.ChoiceField(label="Tier", choices=TIERS, required=False, widget=_select())
    state = forms.ChoiceField(label="Mail", choices=STATES, required=False, widget=_select())

    def wanted(self) -> queries.ContactFilter:
        self.is_valid()
        given = self.cleaned_data
        tier = given.get("tier") or ""
        return queries.ContactFilter(
            text=given.get("q", ""), tier=int(tier) if tier else None, state=given.get("state", "")
        )


class FindAccounts(forms.Form):
    q = forms.CharField(label="Account name begins with", required=False, max_length=120, widget=_text())
    tier = forms.ChoiceField(label="Tier", choices=TIERS, required=False, widget=_select())


class EraseForm(forms.Form):
    """Typing the address says that this very person is meant."""

    address = forms.CharField(label="Type the person’s e-mail address", max_length=254, widget=_text())

    def __init__(self, contact: Contact, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.contact = contact
        self.fields["address"].widget.attrs["autocomplete"] = "off"

    def clean_address(self) -> str:
        typed: str = self.cleaned_data["address"].strip()
        if typed.casefold() not in (self.contact.email.casefold(), self.contact.address):
            raise forms.ValidationError("This is not the person’s address. Type it exactly as it stands above.")
        return typed
