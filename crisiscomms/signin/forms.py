"""What is typed, or sent by a browser, when signing in."""

from collections.abc import Callable
from typing import Any

from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.core.exceptions import ValidationError

from crisiscomms.forms import OneLine

ANSWER_LIMIT = 20_000
NOT_TAKEN = "The passkey was not accepted. Try again, or use another way to sign in."


class PasskeyField(forms.JSONField):
    """What the browser gives for a passkey. Too long, too deep or with a NUL, it is none."""

    def clean(self, value: Any) -> Any:
        if len(value or "") > ANSWER_LIMIT or "\\u0000" in (value or ""):
            raise ValidationError(NOT_TAKEN)
        try:
            return super().clean(value)
        except RecursionError:
            raise ValidationError(NOT_TAKEN) from None


def _answer() -> PasskeyField:
    return PasskeyField(widget=forms.HiddenInput, error_messages={"required": NOT_TAKEN, "invalid": NOT_TAKEN})


def _checked(check: Callable[[], Any]) -> Any:
    """The libraries expect what a browser would send. Whatever they raise on anything else is a wrong passkey."""
    try:
        return check()
    except ValidationError:
        raise
    except Exception:  # noqa: BLE001 - parsers of made-up bytes raise anything
        raise ValidationError(NOT_TAKEN) from None


class AddPasskey(webauthn.AddWebAuthnForm):  # type: ignore[misc]
    credential = _answer()
    name = OneLine(label="Name of this passkey", max_length=60, required=False)
    passwordless = forms.BooleanField(
        label="Sign in with it alone, without the password",
        required=False,
        initial=True,
        help_text="The device then asks for your finger, face or PIN each time.",
    )

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = _checked(super().clean)
        return found


class AnswerWithPasskey(webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]
    credential = _answer()

    def clean_credential(self) -> Any:
        return _checked(super().clean_credential)


class SignInWithPasskey(webauthn.LoginWebAuthnForm):  # type: ignore[misc]
    credential = _answer()

    def clean_credential(self) -> Any:
        """A name that somebody else chose comes with the answer, so nothing is counted against that person."""
        return _checked(super().clean_credential)


class ProveWithPasskey(webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    credential = _answer()

    def clean_credential(self) -> Any:
        return _checked(super().clean_credential)


class PasskeyNameForm(forms.Form):
    name = OneLine(label="Its name", max_length=60)
