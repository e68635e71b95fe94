"""What is typed when setting up."""

import re
import zoneinfo
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS

from crisiscomms import branding, ways
from crisiscomms.models import NoticeChoice, Organisation, Role, User
from crisiscomms.models.organisation import check_accent
from crisiscomms.models.ways import AT_ONCE, IN_CHAT, Way
from crisiscomms.moments import MomentField
from crisiscomms.organisation import get_organisation

# Line breaks and control characters, and the invisible signs that turn text around.
HIDDEN_SIGNS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

# Of the world's time zones, those named by region and city; the rest are names that only machines know.
REGIONS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")

# @ada or ada.k as Mattermost and Teams have it, <@U012ABC34> as Slack's webhooks do; never what calls a whole channel.
CHAT_NAME = re.compile(r"@?\w[\w.-]*|<@[UW][A-Z0-9]+>")
EVERYBODY = {"all", "channel", "everyone", "here", "team"}


class OneLine(forms.CharField):
    """A name or title: it reaches mail headers, so what could break or disguise one is refused at entry (faults, I5)."""

    def clean(self, value: Any) -> Any:
        if HIDDEN_SIGNS.search(str(value or "")):
            raise forms.ValidationError("This holds a line break or a hidden character. Take it out.")
        return super().clean(value)


def zones() -> list[tuple[str, str]]:
    """Regions with their cities, and UTC: what people know, not every name that machines know."""
    found = {name for name in zoneinfo.available_timezones() if name.split("/")[0] in REGIONS and "/" in name}
    return [(name, name) for name in ["UTC", *sorted(found)]]


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
    time_zone = forms.ChoiceField(
        label="Your time zone",
        choices=zones,
        required=False,
        initial="UTC",
        widget=forms.Select(attrs={"data-cc-zone": ""}),
    )

    def clean_time_zone(self) -> str:
        return str(self.cleaned_data["time_zone"] or "UTC")


def keep_zone(field: forms.Field, chosen: str) -> None:
    """Offer the zone that was chosen once, also where it is no longer among those offered."""
    if chosen and (chosen, chosen) not in field.choices:  # type: ignore[attr-defined]
        field.choices = [(chosen, chosen), *field.choices]  # type: ignore[attr-defined]


class OrganisationForm(forms.ModelForm):  # type: ignore[type-arg]
    name = OneLine(max_length=120)
    from_name = OneLine(label="Name that mail comes from", max_length=120, required=False)
    support_text = OneLine(label="How customers reach support", max_length=200, required=False)
    time_zone = forms.ChoiceField(label="Time zone", choices=zones)
    accent = forms.CharField(label="Colour of your public pages", max_length=7, validators=[check_accent])
    logo_file = forms.FileField(label="Logo", required=False)
    remove_logo = forms.BooleanField(label="Show no logo", required=False)

    class Meta:
        model = Organisation
        fields = ["name", "from_name", "from_address", "reply_to", "support_text", "time_zone", "accent"]
        labels = {
            "from_address": "Address that mail comes from",
            "reply_to": "Where replies go",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        keep_zone(self.fields["time_zone"], self.instance.time_zone)

    def clean_accent(self) -> str:
        return str(self.cleaned_data["accent"]).lower()

    def clean_logo_file(self) -> bytes:
        upload = self.cleaned_data["logo_file"]
        return branding.checked_logo(upload) if upload else b""

    def changes(self) -> dict[str, Any]:
        """What `set_organisation` is told."""
        found = {name: self.cleaned_data[name] for name in self._meta.fields}
        if self.cleaned_data["logo_file"]:
            found["logo"] = self.cleaned_data["logo_file"]
        elif self.cleaned_data["remove_logo"]:
            found["logo"] = b""
        return found


class AwayForm(forms.ModelForm):  # type: ignore[type-arg]
    """The part of a person that says who stands in, and when they are away."""

    time_zone = forms.ChoiceField(label="Time zone", choices=zones, initial="UTC")
    out_from = MomentField(label="Away from", required=False)
    out_until = MomentField(label="Back on", required=False)
    deputy = forms.ModelChoiceField(
        label="Deputy",
        queryset=User.objects.none(),
        required=False,
        empty_label="Nobody",
        help_text="Asked when this person is away or does not answer in time.",
    )

    class Meta:
        model = User
        fields = ["time_zone", "deputy", "out_from", "out_until"]

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        keep_zone(self.fields["time_zone"], self.instance.time_zone)
        people = User.objects.active().order_by("name")
        self.fields["deputy"].queryset = people.exclude(pk=self.instance.pk)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        start, end = data.get("out_from"), data.get("out_until")
        if (start is None) != (end is None) and not self.errors:
            self.add_error("out_until" if end is None else "out_from", "Give both: from when, and until when.")
        elif start is not None and end is not None and end <= start:
            self.add_error("out_until", "This has to be after the day they leave.")
        elif end is not None and end > self.now and data.get("deputy") is None and "deputy" not in self.errors:
            self.add_error("deputy", "Name a deputy: somebody has to be asked while they are away.")
        return data


class SelfForm(AwayForm):
    phone = OneLine(label="Phone", max_length=40, required=False)

    class Meta:
        model = User
        fields = ["phone", "time_zone", "deputy", "out_from", "out_until"]


class WaysForm(forms.Form):
    """How somebody wants to be told. Chat is offered once one is connected; what was typed for it stays until then."""

    urgent = forms.ChoiceField(
        label="When somebody waits for you",
        help_text="A decision you are asked for, a clock that runs out, a send that stopped.",
    )
    normal = forms.ChoiceField(
        label="When something changed", help_text="Another severity, an answer to what you asked."
    )
    quiet = forms.ChoiceField(label="When it is good to know", help_text="Nothing is asked of you.")
    chat_name = OneLine(label="Your name in the chat", max_length=64, required=False)
    is_daily = forms.BooleanField(
        label="Send the daily mail also when there is nothing to report",
        help_text="Then a day without one means that something is wrong.",
        required=False,
    )

    def __init__(self, *args: Any, choice: NoticeChoice, with_chat: bool, **kwargs: Any) -> None:
        ways_now = {name: ways.way_of(choice, name, with_chat=with_chat) for name in ("urgent", "normal", "quiet")}
        initial = {**ways_now, "chat_name": choice.chat_name, "is_daily": choice.daily_since is not None}
        super().__init__(*args, initial=initial, **kwargs)
        offered = [way for way in Way if with_chat or way not in IN_CHAT]
        for name in ways_now:
            kept = [way for way in offered if name != "urgent" or way in AT_ONCE]
            self.fields[name].choices = [(way.value, way.label) for way in kept]  # type: ignore[attr-defined]
        self.kept_name = "" if with_chat else choice.chat_name
        if not with_chat:
            del self.fields["chat_name"]

    def clean_chat_name(self) -> str:
        name = str(self.cleaned_data["chat_name"])
        if name.strip("@").casefold() in EVERYBODY:
            raise forms.ValidationError("That calls everybody in the chat. Give the name that calls you alone.")
        if name and not CHAT_NAME.fullmatch(name):
            raise forms.ValidationError("Write it as your chat does, such as @ada, or <@U012ABC34> in Slack.")
        return name if not name or name[0] in "@<" else f"@{name}"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        wants_chat = any(data.get(name) in IN_CHAT for name in ("urgent", "normal", "quiet"))
        if wants_chat and not data.get("chat_name") and "chat_name" not in self.errors:
            self.add_error("chat_name", "Give your name in the chat, so that a line there calls you.")
        return {"chat_name": self.kept_name, **data}


class PersonForm(AwayForm):
    name = OneLine(max_length=120)
    title = OneLine(label="What they do", max_length=120, required=False)
    phone = OneLine(label="Phone", max_length=40, required=False)
    roles = forms.MultipleChoiceField(label="Roles", choices=Role, widget=forms.CheckboxSelectMultiple, required=False)
    # What the page showed, so that a stale one overwrites nothing.
    seen = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)

    class Meta:
        model = User
        fields = [
            "name",
            "email",
            "title",
            "phone",
            "roles",
            "time_zone",
            "deputy",
            "out_from",
            "out_until",
            "is_active",
        ]
        labels = {"is_active": "Has access"}

    def validate_unique(self) -> None:
        """One sentence for one mistake; upper and lower case are one address."""
        email = self.cleaned_data.get("email")
        others = User.objects.get_queryset().exclude(pk=self.instance.pk)
        if email and others.filter(email__iexact=email.strip()).exists():
            self.add_error("email", "Somebody with this e-mail address is here already.")

    def _update_errors(self, errors: forms.ValidationError) -> None:
        """What the constraints hold is asked in `clean` and above, in words; the database holds it all the same."""
        if hasattr(errors, "error_dict"):
            errors.error_dict.pop(NON_FIELD_ERRORS, None)
        super()._update_errors(errors)  # type: ignore[misc]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            zone = get_organisation().time_zone
            keep_zone(self.fields["time_zone"], zone)
            self.fields["time_zone"].initial = zone
            for name in ("is_active", "out_from", "out_until", "seen"):
                del self.fields[name]


class LeaveForm(forms.Form):
    """Who takes over, when somebody loses access."""

    successor = forms.ModelChoiceField(
        label="Who takes over what they hold",
        queryset=User.objects.none(),
        required=False,
        empty_label="Nobody",
    )

    def __init__(self, *args: Any, person_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["successor"].queryset = User.objects.active().exclude(pk=person_id).order_by("name")  # type: ignore[attr-defined]


class InvitationForm(forms.Form):
    password = forms.CharField(
        label="A password",
        max_length=200,
        help_text="At least 12 characters.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=True),
    )


class PolicyForm(forms.Form):
    base = forms.IntegerField(min_value=1, max_value=1_000_000, widget=forms.HiddenInput)
    text = forms.CharField(
        label="The policy",
        strip=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 28, "spellcheck": "false", "class": "form-control cc-mono"}),
    )
    reason = OneLine(label="Why it changes", max_length=300)


class SecretForm(forms.Form):
    secret = forms.CharField(
        label="The secret",
        max_length=2000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=True),
    )
    reason = OneLine(label="Why", max_length=300)


class ChangeForm(forms.Form):
    reason = OneLine(label="Why not", max_length=300, required=False)
