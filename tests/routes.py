"""Every address of the product, read from the URL configuration, so that none can be forgotten."""

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver


def routes(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """(name with its namespace, pattern) of every address."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLPattern):
            yield prefix + (entry.name or ""), entry
        else:
            yield from routes(entry, f"{prefix}{entry.namespace}:" if entry.namespace else prefix)


def names() -> list[str]:
    return sorted(name for name, _ in routes())


def arguments_of(pattern: URLPattern) -> set[str]:
    """The names of what stands in the address."""
    found: dict[str, Any] = pattern.pattern.converters or dict.fromkeys(pattern.pattern.regex.groupindex)
    return set(found)
