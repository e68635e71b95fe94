"""The logo of the organisation: a whole PNG, or words."""

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile

from crisiscomms.branding import checked_logo

SIGNATURE = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("rest", [b"", b"IENDIHDR", b"\0\0\0\rIHDRIEND\0\0\0"], ids=len)
def test_a_logo_that_is_cut_short_is_refused_with_words(rest):
    with pytest.raises(ValidationError, match="not a whole PNG"):
        checked_logo(SimpleUploadedFile("logo.png", SIGNATURE + rest))
