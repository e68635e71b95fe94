"""What people type on the contacts pages."""

from typing import Any

from django import forms

from stakeholders import queries
from stakeholders.imports.mapping import Mapping
from stakeholders.models import ImportRun

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


class UploadFile(forms.Form):
    # An empty file is refused by the reader, in words that say what to do.
    file = forms.FileField(
        label="File from your CRM",
        help_text="CSV or XLSX, up to 50 MB and 200 000 rows. Column names in the first row.",
        allow_empty_file=True,
        max_length=255,
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
        error_messages={"required": "Choose a file first."},
    )


class ChooseColumns(forms.Form):
    """One choice per column of the file: what is in it."""

    def __init__(self, run: ImportRun, data: Any = None) -> None:
        super().__init__(data)
        self.columns = queries.columns(run)
        for place, column in enumerate(self.columns):
            self.fields[f"column_{place}"] = forms.ChoiceField(
                label=column.name, choices=queries.FIELD_CHOICES, required=False, initial=column.means, widget=_select()
            )

    def rows(self) -> list[tuple[queries.Column, forms.BoundField]]:
        return [(column, self[f"column_{place}"]) for place, column in enumerate(self.columns)]

    def clean(self) -> dict[str, Any]:
        taken: dict[str, str] = {}
        for place, column in enumerate(self.columns):
            key = self.cleaned_data.get(f"column_{place}")
            if key and key in taken:
                self.add_error(f"column_{place}", f"“{taken[key]}” is taken for this already. Choose one of the two.")
            elif key:
                taken[key] = column.name
        self.chosen: Mapping = taken
        return self.cleaned_data
