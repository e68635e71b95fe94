"""The one organisation that an installation serves."""

import re

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from crisiscomms.models.people import check_time_zone

ACCENT = re.compile(r"#[0-9a-f]{6}")
# Text on the accent, and the accent on paper, have to be readable: WCAG 2.2, 1.4.3.
CONTRAST = 4.5


def check_accent(value: str) -> None:
    """A colour as #rrggbb that white text can be read on."""
    if not ACCENT.fullmatch(value):
        raise ValidationError("Give the colour as # and six digits or letters a to f, for example #0b5d7a.")
    if contrast_with_white(value) < CONTRAST:
        raise ValidationError("White text cannot be read on this colour. Choose a darker one.")


def contrast_with_white(colour: str) -> float:
    """The contrast ratio of WCAG 2 between a colour and white, 1 to 21."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


class Organisation(models.Model):
    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    name = models.CharField(max_length=120, default="Your organisation")
    from_name = models.CharField(max_length=120, blank=True)
    from_address = models.EmailField(blank=True)
    reply_to = models.EmailField(blank=True)
    support_text = models.CharField(max_length=200, blank=True)
    accent = models.CharField(max_length=7, default="#0b5d7a", validators=[check_accent])
    logo = models.BinaryField(default=bytes, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[check_time_zone])

    class Meta:
        constraints = [models.CheckConstraint(name="organisation_is_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return self.name
