"""The public status page: no session, no login, nothing unreleased."""

import hashlib
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from crisiscomms.organisation import get_organisation
from statuspage import queries


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return _public(request, "statuspage/home.html", {"page": queries.page(request.now)})


@login_not_required
@require_safe
def past(request: HttpRequest) -> HttpResponse:
    page = queries.past(request.now).get_page(request.GET.get("page"))
    incidents = queries.public_incidents(request.now, numbers=list(page))
    return _public(request, "statuspage/history.html", {"page": page, "incidents": incidents})


@login_not_required
@require_safe
def incident(request: HttpRequest, number: int) -> HttpResponse:
    found = queries.public_incidents(request.now, numbers=[number])
    if not found:
        raise Http404
    return _public(request, "statuspage/incident.html", {"incident": found[0]})


def _public(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The same bytes for everybody: rendered without the request, so no session or person can show through."""
    # To a quarter of a minute: the same bytes, and so the same mark, for everybody who asks within it.
    now = request.now.replace(second=request.now.second // 15 * 15, microsecond=0)
    body = render_to_string(template, {**context, "organisation": get_organisation(), "now": now})
    response = HttpResponse(body)
    mark = hashlib.blake2b(body.encode(), digest_size=12).hexdigest()
    response.headers["ETag"] = f'"{mark}"'
    response.headers["Cache-Control"] = "public, max-age=15"
    if request.headers.get("If-None-Match") == f'"{mark}"':
        return HttpResponse(status=304, headers={"ETag": f'"{mark}"', "Cache-Control": "public, max-age=15"})
    return response
