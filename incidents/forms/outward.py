"""What is typed about what goes out by itself, and about halting it."""

from typing import Any

from django import forms

from crisiscomms.forms import OneLine
from crisiscomms.models import User
from incidents.models import Incident, OutwardKind, Product
from incidents.models.incident import WORKSHOP_ROLES
from incidents.outside.links import LONGEST, check_link


class WebLink(OneLine):
    """An http or https address; anything else would be run by whoever presses it."""

    default_validators = [check_link]

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"inputmode": "url", "placeholder": "https://"}
        super().__init__(max_length=LONGEST, widget=forms.TextInput(attrs=attrs), **kwargs)


class OwnerField(forms.ModelChoiceField):
    """Somebody of the workshop; of a restricted incident, somebody of its team."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=User.objects.none(), **kwargs)


def owners(incident: Incident | None = None) -> Any:
    people = User.objects.with_role(*WORKSHOP_ROLES)
    if incident is not None and incident.restricted:
        people = people.filter(pk__in=incident.team.values("person"))
    return people.order_by("name")


class OutwardForm(forms.Form):
    name = OneLine(label="Name", max_length=160)
    kind = forms.ChoiceField(label="Kind", choices=OutwardKind)
    place = OneLine(label="Tool or place it goes out from", max_length=120, required=False)
    link = WebLink(label="Link to where it is halted", required=False)
    owner = OwnerField(label="Owner")

    def __init__(self, *args: Any, incident: Incident | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = owners(incident)  # type: ignore[attr-defined]


class ActivityForm(OutwardForm):
    products = forms.ModelMultipleChoiceField(
        label="Products it speaks of",
        queryset=Product.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None: it speaks for the whole company and is always asked about.",
    )
    is_active = forms.BooleanField(label="Active: it goes out now or will", required=False)


class HaltActForm(forms.Form):
    act = forms.ChoiceField(
        choices=[(act, act) for act in ("halt", "leave_running", "resume", "keep_off", "hand_over")],
        error_messages={"required": "Press one of the buttons."},
    )
    reason = OneLine(max_length=500, required=False)
    owner = OwnerField(required=False)

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = owners(incident)  # type: ignore[attr-defined]
