"""Moments that people type: in their own zone, also in the nights when the clock is changed."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone


class MomentField(forms.DateTimeField):
    """A local date and time as an aware moment in UTC.

    In the hour that comes twice the first is meant; one that does not exist is taken by the offset before it.
    Years far away are refused: they are typing errors, and some of them cannot be written in another zone.
    """

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("input_formats", ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"])
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> datetime | None:
        with timezone.override(UTC):
            typed = super().to_python(value)
        if typed is None:
            return None
        if not 2000 <= typed.year <= 2100:
            raise ValidationError("This year cannot be meant. Check the date.")
        # What was typed is wall time: read it in the person's zone, the first of two where it is ambiguous.
        local = typed.replace(tzinfo=timezone.get_current_timezone(), fold=0)
        return local.astimezone(UTC)
