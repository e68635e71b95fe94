"""Around every request: a number to quote, refuse what no page can mean, know the time, speak the reader's zone."""

import zoneinfo
from collections.abc import Callable
from time import perf_counter
from urllib.parse import unquote_to_bytes

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.common import CommonMiddleware
from django.shortcuts import render
from django.utils import timezone

from crisiscomms import clock, figures
from crisiscomms.organisation import get_organisation

Handler = Callable[[HttpRequest], HttpResponse]
# Asked by machines, also while the database is down: they say for themselves what is missing.
WITHOUT_A_DATABASE = ("/healthz", "/readyz", "/metrics")
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Traced:
    """The request's number goes out with every answer, so that a person can quote it; the answer is counted.

    Stands right inside django-structlog's middleware, which gives the number to each line of the log.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begun = perf_counter()
        trace_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
        request.trace_id = trace_id  # type: ignore[attr-defined]
        response = self.get_response(request)
        response.headers["X-Request-ID"] = trace_id
        if not request.path.startswith(settings.STATIC_URL):
            method = request.method if request.method in METHODS else "other"
            figures.count(
                route=request.resolver_match.view_name if request.resolver_match else "none",
                method=str(method),
                code=response.status_code,
                seconds=perf_counter() - begun,
            )
        return response


class SlashForReaders(CommonMiddleware):
    """A missing slash is put there for whoever reads. What is sent would be lost on the way: it is not found instead."""

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        return request.method in ("GET", "HEAD") and super().should_redirect_with_slash(request)


class RefuseBadInput:
    """NUL bytes in a path, query or form and broken UTF-8 in a query are refused with 400 before anything reads them.

    Broken UTF-8 in a path has become percent signs by then (Django does that), which name nothing: 404.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        if _is_bad(unquote_to_bytes(query.replace("+", " "))) or _is_bad(request.path.encode("utf-8", "surrogatepass")):
            return render(request, "400.html", status=400)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        if request.method != "POST" or getattr(request, "upload_too_large", False):
            return None
        if request.path.startswith(("/api/", "/hooks/")):
            # Its own parser reads the body once, and refuses more than this.
            return None
        for name, values in request.POST.lists():
            if "\x00" in name or any("\x00" in value for value in values):
                return render(request, "400.html", {"reason": "A field holds a NUL character."}, status=400)
        return None


def _is_bad(raw: bytes) -> bool:
    if b"\x00" in raw:
        return True
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


class MomentAndZone:
    """`request.now` is one moment for the whole request; times are shown in the reader's zone."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in WITHOUT_A_DATABASE:
            return self.get_response(request)
        request.now = clock.now()  # type: ignore[attr-defined]
        with timezone.override(_zone(request)):
            return self.get_response(request)


def _zone(request: HttpRequest) -> zoneinfo.ZoneInfo:
    user = request.user
    name = user.time_zone if user.is_authenticated else get_organisation().time_zone
    return zoneinfo.ZoneInfo(name)
