"""What a password may not be besides short or common."""

from django.core.exceptions import ValidationError

from crisiscomms.models import User

_DIFFERENT = 5


class VariedValidator:
    """Refuses long passwords that are soon guessed: a few characters, or one word, over and over."""

    def validate(self, password: str, user: User | None = None) -> None:
        if len(set(password.lower())) < _DIFFERENT:
            raise ValidationError(f"Use at least {_DIFFERENT} different characters.", code="password_few_characters")
        word = "".join(filter(str.isalnum, password.lower()))
        # A text that is a shorter one repeated is found in its own double, the first and last place left out.
        if word and word in (word + word)[1:-1]:
            raise ValidationError("This is one word repeated. Use several words.", code="password_repeated")

    def get_help_text(self) -> str:
        return f"At least {_DIFFERENT} different characters, and not one word repeated."
