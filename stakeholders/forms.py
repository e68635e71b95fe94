"""What people type on the contacts pages."""

from typing import Any

from django import forms

from stakeholders.models import Contact


def _text() -> forms.TextInput:
    return forms.TextInput(attrs={"class": "form-control"})


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
