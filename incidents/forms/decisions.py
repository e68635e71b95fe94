"""What a person types about a decision."""

from typing import Any

from django import forms

from crisiscomms.forms import OneLine
from incidents.actions.deciding import NOTED
from incidents.models import Decision, Incident

BREAK_GLASS = "Why you decide without the right"


def _area(label: str, rows: int = 3, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=2000, widget=forms.Textarea(attrs={"rows": rows}), **more)


class DisclosureForm(forms.Form):
    level = forms.ChoiceField(
        label="Level",
        choices=Incident.Disclosure,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose one of the three levels."},
    )
    reason = _area(
        "Why this level", error_messages={"required": "Say why this level. The reason stands in the record."}
    )
    seen = forms.ChoiceField(choices=[("", ""), *Incident.Disclosure.choices], required=False, widget=forms.HiddenInput)
    break_glass = _area(BREAK_GLASS, rows=2, required=False)


class DecisionForm(forms.Form):
    kind = forms.ChoiceField(
        label="What it decides", choices=[(kind.value, kind.label) for kind in Decision.Kind if kind in NOTED]
    )
    question = OneLine(label="What was to be decided", max_length=300)
    options = _area("What could have been chosen, one a line", rows=2, required=False)
    choice = OneLine(label="What was decided", max_length=300)
    reason = _area("Why")
    break_glass = _area(BREAK_GLASS, rows=2, required=False)

    def answers(self) -> dict[str, Any]:
        return {**self.cleaned_data, "options": self.cleaned_data["options"].splitlines()}
