"""What is typed when setting up."""

import re
import zoneinfo
from typing import Any

from django import forms

from crisiscomms.models import Organisation, Role, User

# Line breaks and control characters, and the invisible signs that turn text around.
HIDDEN_SIGNS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class OneLine(forms.CharField):
    """A name or title: it reaches mail headers, so what could break or disguise one is refused at entry (faults, I5)."""

    def clean(self, value: Any) -> Any:
        if HIDDEN_SIGNS.search(str(value or "")):
            raise forms.ValidationError("This holds a line break or a hidden character. Take it out.")
        return super().clean(value)


class WelcomeForm(forms.Form):
    organisation = OneLine(label="Your organisation", max_length=120)
    name = OneLine(label="Your name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(
        label="Your e-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    password = forms.CharField(
        label="A password",
        max_length=200,
        help_text="At least 12 characters.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=True),
    )


def zones() -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(zoneinfo.available_timezones())]


class OrganisationForm(forms.ModelForm):  # type: ignore[type-arg]
    name = OneLine(max_length=120)
    from_name = OneLine(label="Name that mail comes from", max_length=120, required=False)
    support_text = OneLine(label="How customers reach support", max_length=200, required=False)
    time_zone = forms.ChoiceField(label="Time zone", choices=zones)

    class Meta:
        model = Organisation
        fields = ["name", "from_name", "from_address", "reply_to", "support_text", "time_zone"]
        labels = {
            "from_address": "Address that mail comes from",
            "reply_to": "Where replies go",
        }


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
    name = OneLine(max_length=120)
    title = OneLine(label="What they do", max_length=120, required=False)
    roles = forms.MultipleChoiceField(label="Roles", choices=Role, widget=forms.CheckboxSelectMultiple, required=False)
    time_zone = forms.ChoiceField(label="Time zone", choices=zones, initial="UTC")
    deputy = forms.ModelChoiceField(
        label="Deputy",
        queryset=User.objects.none(),
        required=False,
        help_text="Asked when this person does not answer in time.",
    )

    class Meta:
        model = User
        fields = ["name", "email", "title", "phone", "roles", "time_zone", "deputy", "is_active"]
        labels = {"is_active": "Has access"}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        people = User.objects.active().order_by("name")
        self.fields["deputy"].queryset = people.exclude(pk=self.instance.pk)  # type: ignore[attr-defined]
        if self.instance.pk is None:
            del self.fields["is_active"]
