"""Live regions: one conditional answer for all of them."""

import hashlib
import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

# What differs with every rendering or is counted on by the page itself is no reason to swap a region.
FLEETING = re.compile(rb'(name="csrfmiddlewaretoken" value=")[^"]*|(<time [^>]*data-cc-due="[^"]*"[^>]*>)[^<]*')

# Masked anew in every answer: it must not make a region look changed.
CSRF = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"')


def live(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Render a partial, or 304 when the reader has it already.

    The region asks with the mark it was rendered with (If-None-Match, set by hx-headers): unchanged regions
    are not swapped, so focus and selection stay. The mark stands in the context as `mark`.
    """
    body = render(request, template, {**context, "mark": ""})
    mark = hashlib.blake2b(FLEETING.sub(rb"\1\2", body.content), digest_size=8).hexdigest()
    if request.headers.get("If-None-Match") == mark:
        return HttpResponse(status=304)
    return render(request, template, {**context, "mark": mark})
