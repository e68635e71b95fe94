from typing import Any

from django import forms

from crisiscomms.models import User
from incidents.models.incident import WORKSHOP_ROLES


class CompleteForm(forms.Form):
    evidence = forms.CharField(
        max_length=2000,
        label="What shows it",
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Show what proves that it is done: a link or a sentence."},
    )


class WaiveForm(forms.Form):
    reason = forms.CharField(
        max_length=1000, label="Why it will not be done", error_messages={"required": "Say why this is waived."}
    )


class OwnerForm(forms.Form):
    owner = forms.ModelChoiceField(label="Who owns it from now on", queryset=User.objects.none())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = User.objects.with_role(*WORKSHOP_ROLES)  # type: ignore[attr-defined]
