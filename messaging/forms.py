"""The composer's fields. Everything typed is kept; what is wrong is said beside the field."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.utils import timezone

from crisiscomms.moments import MomentField
from messaging.content import CHANNELS, LIMITS, PARTS, Content
from messaging.models import ApprovalDecision, Message
from stakeholders.models import Account


def _area(label: str, rows: int = 5, limit: int = 8_000) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows})
    # strip=False: what was typed is what is kept, a trailing newline included.
    return forms.CharField(label=label, required=False, strip=False, max_length=limit * 2, widget=widget)


class SpokenForm(forms.Form):
    """A form that also shows what the rules refused, where it belongs."""

    def show(self, faults: dict[str, str]) -> None:
        """Add the sentences of `faults` to their fields; what belongs to no field is about the whole form."""
        for name, sentence in faults.items():
            place = name if name in self.fields else NON_FIELD_ERRORS
            if place not in self.errors:
                self.errors[place] = self.error_class([sentence])


class ContentForm(SpokenForm):
    """Limits are generous here, so that nothing typed is lost; `checking` says what is too long to send."""

    revision = forms.IntegerField(min_value=1, max_value=2_000_000_000, widget=forms.HiddenInput)
    subject = forms.CharField(label="Subject", required=False, max_length=LIMITS["subject"] * 3)
    recognize = _area(PARTS["recognize"])
    respond = _area(PARTS["respond"])
    rebuild = _area(PARTS["rebuild"])
    next_update_at = MomentField(label="Next update by", required=False)
    public_title = forms.CharField(label="Title", required=False, max_length=LIMITS["public_title"] * 3)
    public_body = _area("Text", rows=4)
    say = _area("Say, one sentence a line", rows=4)
    dont_say = _area("Don’t say, one a line: what not to say | what to say instead", rows=3)
    channels = forms.MultipleChoiceField(
        label="Channels", choices=list(CHANNELS.items()), required=False, widget=forms.CheckboxSelectMultiple
    )
    kinds = forms.MultipleChoiceField(
        label="Who", choices=Account.Kind.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    tiers = forms.TypedMultipleChoiceField(
        label="Tiers",
        choices=[(1, "Tier 1"), (2, "Tier 2"), (3, "Tier 3")],
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    affected_only = forms.BooleanField(label="Only accounts that use an affected product", required=False)
    missing_reason = forms.CharField(
        label="Why a part is left out", required=False, max_length=LIMITS["missing_reason"]
    )

    def content(self) -> Content:
        data = self.cleaned_data
        moment: datetime | None = data["next_update_at"]
        return Content(
            subject=data["subject"],
            recognize=_lines(data["recognize"]),
            respond=_lines(data["respond"]),
            rebuild=_lines(data["rebuild"]),
            public_title=data["public_title"],
            public_body=_lines(data["public_body"]),
            say=[line.strip() for line in _lines(data["say"]).split("\n") if line.strip()],
            dont_say=[_pair(line) for line in _lines(data["dont_say"]).split("\n") if line.strip()],
            channels=data["channels"],
            kinds=data["kinds"],
            tiers=data["tiers"],
            affected_only=data["affected_only"],
            next_update_at=moment.isoformat() if moment else None,
            missing_reason=data["missing_reason"],
        )

    @classmethod
    def of(cls, message: Message) -> "ContentForm":
        content = Content.from_data(message.working)
        initial: dict[str, Any] = {
            **content.as_data(),
            "revision": message.revision,
            "next_update_at": timezone.localtime(content.next_update) if content.next_update else None,
            "say": "\n".join(content.say),
            "dont_say": "\n".join(f"{item['text']} | {item.get('instead', '')}" for item in content.dont_say),
        }
        return cls(initial=initial)


def _lines(text: str) -> str:
    """Browsers send CRLF; the kept text has LF only, so that the same words have the same fingerprint."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _pair(line: str) -> dict[str, str]:
    text, _, instead = line.partition("|")
    return {"text": text.strip(), "instead": instead.strip()}


CHOOSE = "Choose what you decide."
REASON = "Give a reason, so that the writer knows what to do."
READ_AGAIN = "Read the text again, then decide."
WRONG_CODE = "This code is not the one we sent last, or it is over ten minutes old."


class DecisionForm(SpokenForm):
    verdict = forms.ChoiceField(
        label="Your decision",
        choices=ApprovalDecision.Verdict,
        widget=forms.RadioSelect,
        error_messages={"required": CHOOSE, "invalid_choice": CHOOSE},
    )
    reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=2_000,
    )
    fingerprint = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    code = forms.CharField(
        label="Code from the mail", required=False, max_length=20, error_messages={"max_length": WRONG_CODE}
    )
    remember = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="%s", **kwargs)

    def clean_reason(self) -> str:
        """Asked for at once, before a code is mailed or used up on it."""
        reason = str(self.cleaned_data["reason"])
        if self.cleaned_data.get("verdict", "approved") != "approved" and not reason.strip():
            raise forms.ValidationError(REASON)
        return reason

    def clean(self) -> dict[str, Any]:
        if not self.cleaned_data.get("fingerprint"):
            self.errors.pop("fingerprint", None)
            self.add_error(None, READ_AGAIN)
        return self.cleaned_data


class NewMessageForm(forms.Form):
    kind = forms.ChoiceField(choices=Message.Kind)
