"""`Idempotency-Key`: a request that creates something can be sent again until it is answered, and acts once."""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ParseError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from crisiscomms.api.problems import KeyReused
from crisiscomms.models import GivenAnswer

KEPT = timedelta(hours=24)
SHAPE = re.compile(r"[!-~]{1,200}")
HEADER = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,200}$"},
    OpenApiParameter.HEADER,
    description="The same key with the same body acts once: for 24 hours it gets the same answer again.",
)


def once(request: Request, act: Callable[[], Response], *, still: Callable[[Any], object]) -> Response:
    """Do `act` once per person and key. `still` gets the body of a kept answer and raises if it is no longer theirs.

    The key is taken in the transaction of the act: of two at once the second waits for the first, and what fails
    leaves no key behind.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return act()
    if not SHAPE.fullmatch(key):
        raise ParseError("An Idempotency-Key has 1 to 200 visible ASCII characters.")
    digest = _digest(request)
    with transaction.atomic():
        row = _take(request, key, digest)
        if row is not None:
            response = act()
            row.status, row.location = response.status_code, response.headers.get("Location", "")
            row.body = json.loads(JSONRenderer().render(response.data))
            row.save(update_fields=["status", "location", "body"])
            return response
        return _again(GivenAnswer.objects.get(person=request.user, key=key), digest, still)


def _take(request: Request, key: str, digest: str) -> GivenAnswer | None:
    GivenAnswer.objects.filter(person=request.user, key=key, created_at__lte=request.now - KEPT).delete()
    try:
        with transaction.atomic():
            return GivenAnswer.objects.create(
                person=request.user, key=key, request_digest=digest, status=0, body={}, created_at=request.now
            )
    except IntegrityError:
        return None


def _again(kept: GivenAnswer, digest: str, still: Callable[[Any], object]) -> Response:
    if kept.request_digest != digest:
        raise KeyReused("This Idempotency-Key was used for another request. Take a new key for a new request.")
    still(kept.body)
    headers = {"Idempotent-Replayed": "true"} | ({"Location": kept.location} if kept.location else {})
    return Response(kept.body, status=kept.status, headers=headers)


def _digest(request: Request) -> str:
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{request.method} {request.path} {body}".encode()).hexdigest()


def forget(*, now: datetime) -> int:
    """Remove answers that nobody may ask for again."""
    return GivenAnswer.objects.filter(created_at__lte=now - KEPT).delete()[0]
