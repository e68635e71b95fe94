"""Live regions: one conditional answer for all of them."""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def live(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Render a partial, or 304 when the reader has it already.

    The region asks with the mark it was rendered with (If-None-Match, set by hx-headers): unchanged regions
    are not swapped, so focus and selection stay. The mark stands in the context as `mark`.
    """
    body = render(request, template, {**context, "mark": ""})
    mark = hashlib.blake2b(body.content, digest_size=8).hexdigest()
    if request.headers.get("If-None-Match") == mark:
        return HttpResponse(status=304)
    return render(request, template, {**context, "mark": mark})
