"""What people type on the import pages."""

from typing import Any

from django import forms

from stakeholders import import_queries
from stakeholders.imports.kinds import CONTACTS, KINDS
from stakeholders.imports.mapping import Mapping
from stakeholders.models import ImportRun


class UploadFile(forms.Form):
    kind = forms.ChoiceField(
        label="What is in it",
        choices=[(kind.key, kind.label) for kind in KINDS.values()],
        initial=CONTACTS.key,
        widget=forms.Select(attrs={"class": "form-select"}),
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose what is in the file."),
    )
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
        self.columns = import_queries.columns(run)
        choices = import_queries.choices(run)
        for place, column in enumerate(self.columns):
            self.fields[f"column_{place}"] = forms.ChoiceField(
                label=column.name,
                choices=choices,
                required=False,
                initial=column.means,
                widget=forms.Select(attrs={"class": "form-select"}),
            )

    def rows(self) -> list[tuple[import_queries.Column, forms.BoundField]]:
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
