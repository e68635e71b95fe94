"""Fields that take their own JSON type only: the text "true" is no yes, and a number is no name."""

from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from rest_framework import serializers

from crisiscomms.forms import HIDDEN_SIGNS
from crisiscomms.models import User


class Text(serializers.CharField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class OneLine(Text):
    """A name or title: it reaches mail headers, so what could break or disguise one is refused (faults, I5)."""

    default_error_messages = {"hidden": "This holds a line break or a hidden character. Take it out."}

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, str) and HIDDEN_SIGNS.search(data):
            self.fail("hidden")
        return super().to_internal_value(data)


class ChoiceOrNull(serializers.ChoiceField):
    """One of the choices; null where the database keeps an empty text, because nothing is chosen."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return super().to_representation(value) if value else None


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Key(serializers.IntegerField):
    """The id of something: a whole number that fits a database key."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=999_999_999, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class Moment(serializers.DateTimeField):
    """A moment with its offset. Years far away are typing errors, and some cannot be written in another zone."""

    default_error_messages = {
        "no_offset": "Give the offset too, such as 2026-11-17T13:09:00Z or …+01:00.",
        "year": "This year cannot be meant. Check the date.",
    }

    def to_internal_value(self, value: Any) -> datetime:
        moment = parsed(value)
        if moment is None:
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ssZ")
        if moment.tzinfo is None:
            self.fail("no_offset")
        if not 2000 <= moment.year <= 2100:
            self.fail("year")
        return moment.astimezone(UTC)


def parsed(value: Any) -> datetime | None:
    try:
        return parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        return None


class Strict(serializers.Serializer):
    """What is sent, and nothing else: a misspelt `restricted` must not declare an incident for everybody to see."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if unknown:
            raise serializers.ValidationError(dict.fromkeys(unknown[:20], "There is no field of this name."))
        return super().to_internal_value(data)


class Person(serializers.ModelSerializer):
    """Somebody of the team: their name is what pages show too."""

    class Meta:
        model = User
        fields = ["id", "name"]
        read_only_fields = fields
