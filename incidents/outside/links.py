"""Addresses on the web that people type in: shown as links, never fetched."""

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from crisiscomms.forms import HIDDEN_SIGNS

LONGEST = 500
_is_web = URLValidator(schemes=["http", "https"])
NOT_WEB = "Give a web address that begins with http:// or https://."


def check_link(value: str) -> None:
    """Raises ValidationError for what is no plain web address: another scheme, a hidden sign, a name and password."""
    if not value:
        return
    if HIDDEN_SIGNS.search(value) or len(value) > LONGEST:
        raise ValidationError(NOT_WEB)
    try:
        _is_web(value)
        has_name = "@" in urlsplit(value).netloc
    except (ValidationError, ValueError):
        raise ValidationError(NOT_WEB) from None
    if has_name:
        raise ValidationError("This address holds a name or password before the @. Give it without.")
