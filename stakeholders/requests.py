"""What stands in a request, read so that nothing in it can be a surprise."""

from typing import Any

from django.http import HttpRequest


def now_of(request: HttpRequest) -> Any:
    return request.now  # type: ignore[attr-defined]


def number(request: HttpRequest, name: str) -> int | None:
    """A number in the address, or nothing when it is none that a key can have."""
    return _small(request.GET.get(name, ""))


def posted_number(request: HttpRequest, name: str) -> int | None:
    return _small(request.POST.get(name, ""))


def _small(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
