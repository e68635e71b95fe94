"""How public pages look: one colour and a logo, both checked so that neither can break a page."""

import struct
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from crisiscomms.organisation import get_organisation

LOGO_BYTES = 200_000
LOGO_SIDE = 2000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The signature and the parts that every PNG has: IHDR, one IDAT and IEND.
_SMALLEST = 8 + 25 + 12 + 12


def checked_logo(upload: Any) -> bytes:
    """The bytes of a PNG picture. Raises ValidationError for anything else, with what to do."""
    if upload.size > LOGO_BYTES:
        raise forms.ValidationError(f"This is larger than {LOGO_BYTES // 1000} kB. Save the picture smaller.")
    data: bytes = upload.read()
    if len(data) < _SMALLEST or not data.startswith(_SIGNATURE) or data[12:16] != b"IHDR" or b"IEND" not in data[-12:]:
        raise forms.ValidationError("This is not a whole PNG picture. Save the logo as PNG.")
    width, height = struct.unpack(">II", data[16:24])
    if not (0 < width <= LOGO_SIDE and 0 < height <= LOGO_SIDE):
        raise forms.ValidationError(f"The picture has more than {LOGO_SIDE} points on one side. Save it smaller.")
    return data


@login_not_required
@require_safe
@cache_control(public=True, max_age=60)
def style(request: HttpRequest) -> HttpResponse:
    """The organisation's colour over the shipped one: its own file, as the content policy allows no style in a page."""
    accent = get_organisation().accent
    dark, darker = f"color-mix(in srgb, {accent} 40%, #fff)", f"color-mix(in srgb, {accent} 25%, #fff)"
    css = (
        f":root {{ --cc-brand: light-dark({accent}, {dark}); "
        f"--cc-brand-hover: light-dark(color-mix(in srgb, {accent} 80%, #000), {darker}); }}\n"
    )
    return HttpResponse(css, content_type="text/css")


@login_not_required
@require_safe
@cache_control(public=True, max_age=60)
def logo(request: HttpRequest) -> HttpResponse:
    data = bytes(get_organisation().logo)
    if not data:
        raise Http404
    return HttpResponse(data, content_type="image/png")
