"""What a person types on the page of the record."""

from typing import Any

from django import forms

from crisiscomms.forms import OneLine
from incidents.record.documents import Line


class DocumentForm(forms.Form):
    """A note, a link or a file: at least one of them."""

    key = forms.ChoiceField(label="What it is", required=False)
    title = OneLine(label="Title", max_length=160)
    text = forms.CharField(
        label="Note", required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What was decided or found, by whom, on what grounds.",
    )  # fmt: skip
    url = OneLine(
        label="Link", required=False, max_length=500, widget=forms.URLInput(attrs={"placeholder": "https://"})
    )
    file = forms.FileField(label="File", required=False, max_length=255, allow_empty_file=True)

    def __init__(self, *args: Any, lines: list[Line], most_megabytes: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        asked = [(line.key, line.label) for line in lines if not line.is_looked_up]
        self.fields["key"].choices = [("", "Something else worth keeping"), *asked]  # type: ignore[attr-defined]
        self.fields[
            "file"
        ].help_text = f"PDF, picture, text, mail or office file, up to {most_megabytes} MB. Kept as it is, and never opened by us."


class WaiveDocumentForm(forms.Form):
    key = forms.CharField(max_length=40)
    reason = forms.CharField(max_length=1000, error_messages={"required": "Say why the record can do without it."})


class ExportForm(forms.Form):
    with_recipients = forms.BooleanField(label="With the addresses of recipients", required=False)
    reason = forms.CharField(
        label="Why it is taken out",
        required=False,
        max_length=300,
        help_text="Read by the second person, who has to confirm.",
    )
