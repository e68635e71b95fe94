"""What a person types about a fact."""

from typing import Any

from django import forms
from django.utils import timezone

from crisiscomms.forms import OneLine
from crisiscomms.models import Role
from crisiscomms.moments import MomentField
from incidents.models import Fact
from incidents.models.incident import WORKSHOP_ROLES

ROLES = [(role, Role(role).label) for role in WORKSHOP_ROLES]


class SeenForm(forms.Form):
    """The version that was looked at, so that nobody overwrites another unseen."""

    seen = forms.IntegerField(min_value=1, max_value=1_000_000_000, widget=forms.HiddenInput)


class SayingForm(forms.Form):
    value = OneLine(label="What it is", max_length=400, required=False)
    confidence = forms.ChoiceField(label="How sure", choices=Fact.Confidence)
    source = OneLine(label="How we know", max_length=200, required=False)
    embargo_until = MomentField(label="Embargo until", required=False)


class ChangeFactForm(SayingForm, SeenForm):
    reason = OneLine(label="Why it changes", max_length=300, required=False)

    field_order = ("seen", "value", "confidence", "source", "embargo_until", "reason")

    @classmethod
    def of(cls, fact: Fact) -> "ChangeFactForm":
        until = timezone.localtime(fact.embargo_until) if fact.embargo_until else None
        initial: dict[str, Any] = {"seen": fact.version, "value": fact.value, "confidence": fact.confidence}
        return cls(initial={**initial, "source": fact.source, "embargo_until": until})


class NewFactForm(SayingForm):
    label = OneLine(label="What it is about", max_length=120)
    role = forms.ChoiceField(label="Who usually knows", choices=[("", "Nobody in particular"), *ROLES], required=False)

    field_order = ("label", "value", "confidence", "source", "embargo_until", "role")


class WithdrawForm(SeenForm):
    reason = OneLine(label="Why it is withdrawn", max_length=300, error_messages={"required": "Say why."})


class AskForm(forms.Form):
    role = forms.ChoiceField(label="Whom to ask", choices=ROLES)
