"""What a person types about a clock."""

from typing import Any

from django import forms

from crisiscomms.models import User
from crisiscomms.moments import MomentField
from incidents.forms.outward import owners
from incidents.models import Incident

REASON = {"required": "Say why."}


class SnoozeForm(forms.Form):
    """Another time for it, or a reminder later: exactly one, which the action checks."""

    due_at = MomentField(label="New time", required=False)
    remind_at = MomentField(label="Remind me at", required=False)
    reason = forms.CharField(label="Why", max_length=300, error_messages=REASON)


class DoneForm(forms.Form):
    note = forms.CharField(
        label="What was done or decided", max_length=300, error_messages={"required": "Say what was done."}
    )


class HandDeadlineOverForm(forms.Form):
    """Shown for an incident it offers who can work on it; whoever else is named hears from the action why not."""

    owner = forms.ModelChoiceField(label="To whom", queryset=User.objects.none())

    def __init__(self, *args: Any, incident: Incident | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = owners(incident) if incident else User.objects.active().order_by("name")
        self.fields["owner"].queryset = offered  # type: ignore[attr-defined]


class RegionsForm(forms.Form):
    regions = forms.MultipleChoiceField(label="Whose law may apply", required=False)

    def __init__(self, *args: Any, known: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["regions"].choices = [(one, one) for one in known]  # type: ignore[attr-defined]


class ReplanForm(forms.Form):
    clocks = forms.IntegerField(min_value=0, max_value=999_999_999)
    obligations = forms.IntegerField(min_value=0, max_value=999_999_999)
