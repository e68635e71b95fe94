"""The way in for programs that watch: verified, stored, answered. The rules look at it later, in a worker.

Whoever knocks with a key that opens nothing learns nothing, and whoever cannot prove themselves learns only that.
"""

from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from rest_framework.exceptions import ParseError

from crisiscomms.api import parsing
from crisiscomms.throttle import throttled, too_often
from incidents.actions.signal_sources import find_source, secrets_of
from incidents.hooks import PROTOCOLS, Unproven, Unreadable
from incidents.hooks.protocol import Delivery
from incidents.models import SignalSource
from incidents.noticing import intake

log = structlog.get_logger("crisiscomms")
WRONG_KEYS_PER_MINUTE = 60
TOO_LARGE = f"This is larger than {parsing.LARGEST // 1_000_000} MB. Send less at once."


@dataclass(frozen=True)
class _No(Exception):
    """What is answered, and what the administrator reads about it."""

    status: int
    said: str
    why: str


@csrf_exempt
@login_not_required
@require_POST
def knock(request: HttpRequest, source: str, key: str) -> JsonResponse:
    """One delivery of one source. 202: something new was stored. 200: nothing new, all the same right."""
    found = find_source(kind=source, key=key, now=request.now)
    if found is None:
        if throttled(request, "hooks", limit=WRONG_KEYS_PER_MINUTE, seconds=60):
            return _answer(429, {"detail": "Too many tries. Wait a minute."})
        raise Http404
    structlog.contextvars.bind_contextvars(signal_source=found.pk)
    try:
        taken = _take(request, found)
    except _No as no:
        if no.status != 429 or cache.add(f"signals:over:{found.pk}", 1, timeout=10):
            # Refusing must stay cheaper than taking: what comes too often is noted once in ten seconds.
            intake.note_refusal(source=found, why=no.why, now=request.now)
        log.warning("signal refused", status=no.status, why=no.why)
        return _answer(no.status, {"detail": no.said})
    return _answer(202 if taken.new else 200, {"new": taken.new, "known": taken.known})


def _take(request: HttpRequest, source: SignalSource) -> intake.Taken:
    if too_often("signals", str(source.pk), now=request.now, limit=settings.SIGNALS_PER_MINUTE, seconds=60):
        raise _No(429, "Too many at once. Wait a minute.", "More than the limit for a minute.")
    raw = _body(request)
    delivery = Delivery(request.headers, raw, secrets_of(source, request.now), request.now)
    protocol = PROTOCOLS[source.kind]
    try:
        if protocol.needs_secret and not delivery.secrets:
            raise Unproven("No secret is set here yet, so nothing can be verified.")
        protocol.prove(delivery)
        body = parsing.read(raw)
        delivery_id = protocol.id_of(delivery, body)
        noticed = protocol.read(delivery, body)
    except Unproven as error:
        raise _No(401, "This is not accepted.", str(error)) from None
    except (ParseError, Unreadable) as error:
        said = str(getattr(error, "detail", error))
        raise _No(400, said, said) from None
    return _store(source, noticed, raw, delivery_id, request)


def _store(source: SignalSource, noticed: Any, raw: bytes, delivery_id: str, request: HttpRequest) -> intake.Taken:
    try:
        return intake.take(
            source_id=source.pk, found=noticed, raw=raw.decode(), delivery_id=delivery_id, now=request.now
        )
    except intake.TooMany:
        why = f"More than {intake.MOST_NEW} new signals in a minute."
        raise _No(429, "Too many at once. Wait a minute.", why) from None


def _body(request: HttpRequest) -> bytes:
    """All of it, or none: what says that it is too large is not read at all."""
    length = request.headers.get("Content-Length") or "0"
    if not length.isdigit() or int(length) > parsing.LARGEST:
        raise _No(413, TOO_LARGE, TOO_LARGE)
    raw: bytes = request.read(parsing.LARGEST + 1)
    if len(raw) > parsing.LARGEST:
        raise _No(413, TOO_LARGE, TOO_LARGE)
    return raw


def _answer(status: int, body: dict[str, Any]) -> JsonResponse:
    headers = {"Retry-After": "60"} if status == 429 else {}
    return JsonResponse(body, status=status, headers=headers)
