"""Around every request: refuse what no page can mean, know the time, speak the reader's zone."""

import zoneinfo
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from crisiscomms import clock
from crisiscomms.organisation import get_organisation

Handler = Callable[[HttpRequest], HttpResponse]


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
        if request.path.startswith("/api/"):
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
        if request.path in ("/healthz", "/readyz"):
            # Liveness must not depend on the database, and readiness says for itself that it is down.
            return self.get_response(request)
        request.now = clock.now()  # type: ignore[attr-defined]
        with timezone.override(_zone(request)):
            return self.get_response(request)


def _zone(request: HttpRequest) -> zoneinfo.ZoneInfo:
    user = request.user
    name = user.time_zone if user.is_authenticated else get_organisation().time_zone
    return zoneinfo.ZoneInfo(name)
