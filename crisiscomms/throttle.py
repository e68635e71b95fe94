"""How often one address may knock. Counted in Redis; without Redis nobody is locked out."""

import ipaddress
import re
from datetime import datetime

import structlog
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

WITH_PORT = re.compile(r"^(?:\[([0-9A-Fa-f:.]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$")
log = structlog.get_logger("crisiscomms")


def client_address(request: HttpRequest) -> str:
    """The address that reached the outermost trusted proxy. Forged headers before it do not count."""
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    count = settings.TRUSTED_PROXIES
    if count and len(forwarded) >= count:
        return forwarded[-count]
    return str(request.META.get("REMOTE_ADDR", ""))


def client_network(request: HttpRequest) -> str:
    """What is counted as one caller: an IPv4 address, or the /64 of an IPv6 one, all of which a single line has."""
    address = client_address(request)
    # Some proxies write the caller's port behind the address, another one with each connection.
    bare = WITH_PORT.sub(r"\1\2", address).split("%")[0]
    try:
        parsed = ipaddress.ip_address(bare)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.IPv6Network((parsed, 64), strict=False).network_address)
    return str(parsed)


def throttled(request: HttpRequest, name: str, *, limit: int, seconds: int) -> bool:
    """Whether this address has knocked more than `limit` times in the window of `seconds`."""
    return too_often(name, client_network(request), now=request.now, limit=limit, seconds=seconds)


def too_often(name: str, who: str, *, now: datetime, limit: int, seconds: int) -> bool:
    """Count one knock of `who`, and say whether that was more than `limit` in the window of `seconds`."""
    key = f"throttle:{name}:{int(now.timestamp()) // seconds}:{who}"
    try:
        cache.add(key, 0, timeout=seconds * 2)
        return bool(cache.incr(key) > limit)
    except Exception as error:  # noqa: BLE001 - any client error: better open than an executive locked out
        log.warning("throttle without redis", error=type(error).__name__)
        return False
