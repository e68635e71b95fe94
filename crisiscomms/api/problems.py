"""How the API says no: problem details (RFC 9457), whoever in the stack said it first."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import is_valid_path
from rest_framework import exceptions
from rest_framework.response import Response

from crisiscomms.refusal import Conflict, NotAllowed, Refused

MEDIA_TYPE = "application/problem+json"
NOT_HERE = "There is nothing at this address, or it is not for you."
WORDS = {
    400: "The request cannot be read. Look for a NUL character or broken UTF-8 in the address.",
    401: "Send a token: “Authorization: Bearer …”. You make one under API tokens.",
    404: NOT_HERE,
    405: "This address does not take this method. The header Allow names those it takes.",
    413: "The body is too large.",
    500: "Something went wrong here, not with your request. It is on our log; try again later.",
    503: "This part is not available now. Try again later.",
}


class BadQuery(exceptions.ValidationError):
    """A parameter of the address that means nothing here."""


class KeyReused(Refused):
    """An idempotency key that stood for another request."""


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None for what nobody foresaw: Django logs that and answers 500."""
    found = _status_and_code(error)
    if found is None:
        return None
    status, code = found
    body = body_of(status, code, _words(error, status), list(_fields(error)))
    return Response(body, status=status, headers=_headers(error), content_type=MEDIA_TYPE)


def body_of(status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    return body | ({"errors": errors} if errors else {})


OURS: list[tuple[type[Exception], int, str]] = [
    (Http404, 404, "not_found"),
    (DjangoPermissionDenied, 403, "permission_denied"),
    (NotAllowed, 403, "permission_denied"),
    (Conflict, 409, "conflict"),
    (KeyReused, 422, "idempotency_key_reused"),
    (Refused, 422, "refused"),
    (BadQuery, 400, "bad_query"),
    (exceptions.ValidationError, 422, "invalid"),
]


def _status_and_code(error: Exception) -> tuple[int, str] | None:
    for kind, status, code in OURS:
        if isinstance(error, kind):
            return status, code
    if isinstance(error, exceptions.APIException):
        return error.status_code, str(error.default_code)
    return None


def _words(error: Exception, status: int) -> str:
    if isinstance(error, exceptions.ValidationError):
        return (
            "Some values are not accepted: see errors." if status == 422 else "The address asks for what is not here."
        )
    if isinstance(error, Http404 | exceptions.NotAuthenticated | exceptions.MethodNotAllowed):
        return WORDS[status]
    return str(getattr(error, "detail", error)) or HTTPStatus(status).phrase


def _fields(error: Exception) -> Iterator[dict[str, str]]:
    if isinstance(error, exceptions.ValidationError):
        yield from _flat(error.detail, "")


def _flat(detail: Any, path: str) -> Iterator[dict[str, str]]:
    """DRF's nested errors as lines: {"field": "components.0.state", "code": …, "detail": …}."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            own = "" if name == "non_field_errors" else str(name)
            yield from _flat(inner, ".".join(part for part in (path, own) if part))
    elif isinstance(detail, list):
        for place, inner in enumerate(detail):
            yield from _flat(inner, f"{path}.{place}" if isinstance(inner, dict) else path)
    else:
        yield {"field": path, "code": str(getattr(detail, "code", "invalid")), "detail": str(detail)}


def _headers(error: Exception) -> dict[str, str]:
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = str(error.auth_header)
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait))
    return headers


def _without_slash(path: str) -> str:
    is_meant = not path.endswith("/") and is_valid_path(f"{path}/")
    return f"Addresses of the API end with a slash: {path}/" if is_meant else ""


class ProblemsOnly:
    """Middleware: whatever else in the stack answers an address of the API with an error page, a client gets a problem."""

    KEPT = ("Allow", "Retry-After", "WWW-Authenticate")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path.startswith("/api/") or response.status_code < 400:
            return response
        if response.headers.get("Content-Type", "").startswith(MEDIA_TYPE):
            return response
        status = response.status_code
        code = HTTPStatus(status).name.lower()
        words = _without_slash(request.path) if status == 404 else ""
        body = body_of(status, code, words or WORDS.get(status, HTTPStatus(status).phrase))
        kept = {name: response.headers[name] for name in self.KEPT if name in response.headers}
        return JsonResponse(body, status=status, headers=kept, content_type=MEDIA_TYPE)
