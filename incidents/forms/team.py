"""What a person types about teams, roles and duty."""

from typing import Any

from django import forms

from crisiscomms.models import Role, User
from crisiscomms.moments import MomentField
from incidents.models import Weekday
from incidents.team.duty import DEPARTMENTS


class RoleForm(forms.Form):
    role = forms.SlugField(max_length=30, error_messages={"invalid": "Choose a role from the list."})


class HandOverForm(RoleForm):
    to = forms.ModelChoiceField(
        label="To whom",
        queryset=User.objects.none(),
        error_messages={"required": "Choose who takes it.", "invalid_choice": "Choose somebody from the list."},
    )
    note = forms.CharField(
        label="What they have to know",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say what the next one has to know: where things stand, and what comes next."},
    )
    # The assignment that the page showed; 0 for nobody.
    seen = forms.IntegerField(min_value=0, max_value=999_999_999, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = User.objects.active()  # type: ignore[attr-defined]


class MemberForm(forms.Form):
    person = forms.ModelChoiceField(
        label="Who",
        queryset=User.objects.none(),
        error_messages={"required": "Choose who.", "invalid_choice": "Choose somebody from the list."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Whoever has no access any more can still be taken off.
        self.fields["person"].queryset = User.objects.get_queryset()  # type: ignore[attr-defined]


def _departments(person: User) -> list[tuple[str, str]]:
    return [(role, str(Role(role).label)) for role in DEPARTMENTS if role in person.roles]


class DutyHoursForm(forms.Form):
    role = forms.ChoiceField(label="On duty for")
    weekdays = forms.TypedMultipleChoiceField(
        label="Days", choices=Weekday.choices, coerce=int, widget=forms.CheckboxSelectMultiple
    )
    begins = forms.TimeField(label="From", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    ends = forms.TimeField(
        label="To",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text="An end that is not after the begin lies on the next day.",
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = _departments(person)  # type: ignore[attr-defined]


class DutyShiftForm(forms.Form):
    role = forms.ChoiceField(label="On duty for")
    begins_at = MomentField(label="From")
    ends_at = MomentField(label="To")

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = _departments(person)  # type: ignore[attr-defined]
