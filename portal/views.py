"""The sales portal: released talking points only."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from crisiscomms.live import live
from portal import queries


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Everybody who signs in may read it: it holds nothing that is not released to sales."""
    return render(request, "portal/home.html", {**_cards(request), "mark": ""})


@require_GET
def home_live(request: HttpRequest) -> HttpResponse:
    return live(request, "portal/home.html#cards", _cards(request))


def _cards(request: HttpRequest) -> dict[str, object]:
    query = request.GET.get("q", "")[:100]
    found = queries.cards(request.now)
    return {"cards": queries.matching(found, query), "query": query, "total": len(found)}
