"""The search page, and its hits for the palette. Both show the same, so the page is the palette without a script."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from crisiscomms import search, throttle
from desk.search import first_offers

# A person who types without a break asks some three times a second; a script that reads us out asks more often.
PER_MINUTE = 240


@require_GET
def search_page(request: HttpRequest) -> HttpResponse:
    return _answer(request, "desk/search.html")


@require_GET
def search_live(request: HttpRequest) -> HttpResponse:
    return _answer(request, "desk/search.html#palette")


def _answer(request: HttpRequest, template: str) -> HttpResponse:
    asked = search.ask(by=request.user, text=request.GET.get("q", ""), now=request.now)
    too_often = throttle.too_often("search", f"person-{request.user.pk}", now=request.now, limit=PER_MINUTE, seconds=60)
    groups: list[search.Group] = []
    if not too_often:
        groups = search.find(asked) if asked.text else first_offers(request.user)
    context = {"asked": asked, "groups": groups, "too_often": too_often, "longest": search.LONGEST}
    return render(request, template, context, status=429 if too_often else 200)
