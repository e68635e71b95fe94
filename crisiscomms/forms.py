"""What is typed when setting up."""

import zoneinfo

from django import forms

from crisiscomms.models import Organisation, Role, User


class WelcomeForm(forms.Form):
    organisation = forms.CharField(label="Your organisation", max_length=120)
    name = forms.CharField(label="Your name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
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
    time_zone = forms.ChoiceField(label="Time zone", choices=zones)

    class Meta:
        model = Organisation
        fields = ["name", "from_name", "from_address", "reply_to", "support_text", "time_zone"]
        labels = {
            "from_name": "Name that mail comes from",
            "from_address": "Address that mail comes from",
            "reply_to": "Where replies go",
            "support_text": "How customers reach support",
        }


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
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
        labels = {"title": "What they do", "is_active": "Has access"}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        people = User.objects.active().order_by("name")
        self.fields["deputy"].queryset = people.exclude(pk=self.instance.pk)  # type: ignore[attr-defined]
        if self.instance.pk is None:
            del self.fields["is_active"]
