"""What a form says when an answer is wrong, in the house's own words; Django's are said nowhere."""

from django import forms
from django.core import validators
from django.forms.fields import Field

REQUIRED = "Please fill this in."
TOO_LONG = "This is %(limit_value)d characters at most; it has %(show_value)d."
TOO_SHORT = "This is %(limit_value)d characters at least; it has %(show_value)d."
EMAIL = "This is no e-mail address, such as ana@example.com."
NOT_OFFERED = "Choose one of those offered."


def speak() -> None:
    """Replace the sentences at their source, so that forms of libraries say the same. Once, when the app is ready."""
    Field.default_error_messages["required"] = REQUIRED
    choices: list[type[Field]] = [
        forms.ChoiceField,
        forms.TypedChoiceField,
        forms.MultipleChoiceField,
        forms.ModelChoiceField,
        forms.ModelMultipleChoiceField,
    ]
    for kind in choices:
        kind.default_error_messages = {**kind.default_error_messages, "invalid_choice": NOT_OFFERED}
    forms.EmailField.default_error_messages = {**forms.EmailField.default_error_messages, "invalid": EMAIL}
    validators.EmailValidator.message = EMAIL
    validators.MaxLengthValidator.message = TOO_LONG
    validators.MinLengthValidator.message = TOO_SHORT
    validators.MaxValueValidator.message = "This is %(limit_value)s at most."
    validators.MinValueValidator.message = "This is %(limit_value)s at least."
