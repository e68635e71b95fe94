"""What a person types about signals and where they come from."""

from datetime import datetime
from typing import Any

from django import forms

from crisiscomms.forms import OneLine
from crisiscomms.models import User
from crisiscomms.moments import MomentField
from incidents.actions.signal_sources import GRACE_HOURS
from incidents.models import Component, Incident, SignalSource
from incidents.noticing.vocabulary import DATA_CLASSES, FLAGS

COUNT = {"min_value": 0, "max_value": 1_000_000_000, "required": False}


class ReportForm(forms.Form):
    """Somebody noticed something. What is left empty is not known, and decides nothing."""

    title = OneLine(
        label="What was noticed", max_length=160, help_text="In a few words, as you would tell a colleague."
    )
    text = forms.CharField(
        label="More about it", required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )
    happened_at = MomentField(label="When it was noticed", required=False)
    media_enquiry = forms.BooleanField(label="A journalist or an editor asks", required=False)
    regulator_contact = forms.BooleanField(label="A regulator or an authority has been in touch", required=False)
    tickets = forms.IntegerField(label="Tickets about it", help_text="New ones since the last report.", **COUNT)
    mentions = forms.IntegerField(label="Mentions in public", help_text="New ones since the last report.", **COUNT)
    error_rate = forms.FloatField(label="Error rate in per cent", min_value=0, max_value=100, required=False)
    accounts_affected = forms.IntegerField(label="Accounts affected", **COUNT)
    data_class = forms.ChoiceField(
        label="Data that may be affected", choices=[("", "Not known"), *DATA_CLASSES.items()], required=False
    )
    components = forms.ModelMultipleChoiceField(
        label="Parts of products", queryset=Component.objects.in_use().select_related("product"), required=False
    )
    link = forms.URLField(label="Where it can be read", max_length=500, required=False, assume_scheme="https")

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        moment = data.get("happened_at")
        if moment and moment.replace(second=0) > self.now:
            self.add_error("happened_at", "This lies in the future. Give the time when it was noticed.")
        return data

    def told(self) -> dict[str, Any]:
        """What `report_signal` is told. A flag that is not ticked says no: the form asked."""
        data = self.cleaned_data
        numbers = ("tickets", "mentions", "error_rate", "accounts_affected")
        values: dict[str, Any] = {name: data[name] for name in numbers if data[name] is not None}
        values |= {name: data[name] for name in FLAGS}
        if data["data_class"]:
            values["data_class"] = data["data_class"]
        moment = data["happened_at"]
        return {
            "title": data["title"],
            "text": data["text"],
            "link": data["link"],
            # The field has minutes only; a press within the same minute must not look like the future.
            "happened_at": min(moment, self.now) if moment else None,
            "values": values,
            "components": list(data["components"]),
        }


class AttachForm(forms.Form):
    incident = forms.ModelChoiceField(
        label="Incident or watch item", queryset=Incident.objects.none(), empty_label="Choose one"
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        open_ones = Incident.objects.visible_to(person).live().order_by("-number")
        self.fields["incident"].queryset = open_ones  # type: ignore[attr-defined]


class WatchForm(forms.Form):
    title = OneLine(label="What it is, as a customer would say it", max_length=160)
    kind = forms.ChoiceField(label="Kind", choices=Incident.Kind)
    severity = forms.ChoiceField(label="Severity it would have", choices=Incident.Severity)


class DeclineForm(forms.Form):
    reason = forms.CharField(label="Why not", max_length=1000, error_messages={"required": "Say why it is declined."})


class SignalFilter(forms.Form):
    q = forms.CharField(label="Words", required=False, max_length=100)
    source = forms.ChoiceField(label="From", required=False)
    status = forms.ChoiceField(
        label="State", required=False, choices=[("", "All"), ("firing", "Going on"), ("resolved", "Over")]
    )
    place = forms.ChoiceField(
        label="Belongs to",
        required=False,
        choices=[("", "All"), ("free", "Nothing yet"), ("attached", "An incident or watch item")],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sources = [(str(pk), name) for pk, name in SignalSource.objects.values_list("pk", "name")]
        self.fields["source"].choices = [("", "All"), ("people", "People"), *sources]  # type: ignore[attr-defined]


class SourceForm(forms.Form):
    name = OneLine(label="Name", max_length=80, help_text="For example: Alertmanager of the payments team.")
    kind = forms.ChoiceField(label="What sends the signals", choices=SignalSource.Kind)
    with_secret = forms.BooleanField(
        label="Alertmanager also sends a bearer token",
        required=False,
        help_text="Then the address alone is not enough.",
    )


def _hours() -> list[tuple[int, str]]:
    words = {0: "Not at all: it stops now", 1: "One hour", 24: "A day", 72: "Three days"}
    return [(hours, words[hours]) for hours in GRACE_HOURS]


class RotateForm(forms.Form):
    grace_hours = forms.TypedChoiceField(
        label="How long the old one may still be used", choices=_hours, coerce=int, initial=24
    )


class SourceSecretForm(forms.Form):
    secret = forms.CharField(
        label="The secret that it has shown",
        max_length=400,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Kept sealed. Nobody can read it here again.",
    )
    grace_hours = forms.TypedChoiceField(
        label="How long the one before may still be used", choices=_hours, coerce=int, initial=0
    )
