"""What a person types about an incident."""

from datetime import datetime
from typing import Any

from django import forms

from crisiscomms.forms import OneLine
from crisiscomms.moments import MomentField
from incidents.models import Component, ComponentState, Incident, Milestone


class DeclareForm(forms.Form):
    """Five answers. Components are chosen with their state: `component_<id>` = a state or empty."""

    title = OneLine(label="What happened, as a customer would say it", max_length=160)
    kind = forms.ChoiceField(label="Kind", choices=Incident.Kind, widget=forms.RadioSelect)
    severity = forms.ChoiceField(label="Severity", choices=Incident.Severity, widget=forms.RadioSelect)
    components = forms.ModelMultipleChoiceField(
        label="Products and components affected",
        queryset=Component.objects.in_use().select_related("product"),
        required=False,
    )
    component_state = forms.ChoiceField(
        label="What they do now", choices=ComponentState.State, required=False, initial=ComponentState.State.PARTIAL
    )
    discovered_at = MomentField(label="Discovered at")
    summary = forms.CharField(
        label="What is known so far", required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 2})
    )
    restricted = forms.BooleanField(label="Restricted: only its team may see that it exists", required=False)

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now

    def cleaned_components(self) -> dict[int, str]:
        state = self.cleaned_data.get("component_state") or ComponentState.State.PARTIAL
        return {component.pk: state for component in self.cleaned_data["components"]}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        moment = data.get("discovered_at")
        if moment and moment.replace(second=0) > self.now:
            self.add_error("discovered_at", "This lies in the future. Give the time when it was noticed.")
        return data


def _without_the_right() -> forms.CharField:
    return forms.CharField(required=False, max_length=1000)


class MoveForm(forms.Form):
    to = forms.ChoiceField(choices=Incident.Phase)
    waive_reason = forms.CharField(required=False, max_length=1000)
    break_glass = _without_the_right()


class SeverityForm(forms.Form):
    severity = forms.ChoiceField(choices=Incident.Severity)
    reason = forms.CharField(required=False, max_length=1000)
    break_glass = _without_the_right()


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=1000, error_messages={"required": "Say why."})


class StandDownForm(ReasonForm):
    break_glass = _without_the_right()


class TickForm(forms.Form):
    key = forms.CharField(max_length=40)
    note = forms.CharField(max_length=1000, error_messages={"required": "Say by what you know that it holds."})


def _since() -> MomentField:
    return MomentField(
        required=False, error_messages={"invalid": "Give the date and the time, or leave it empty for now."}
    )


class MilestoneForm(forms.Form):
    kind = forms.ChoiceField(choices=Milestone.Kind)
    since = _since()


class ComponentForm(forms.Form):
    component = forms.ModelChoiceField(queryset=Component.objects.in_use())
    state = forms.ChoiceField(choices=[("working", "Working"), *ComponentState.State.choices])
    since = _since()
