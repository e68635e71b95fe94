"""Requests to an address that a person typed: they leave for the outside and reach nothing of ours.

The name is looked up once, every address it has is judged, and the connection goes to the one that was judged. So no
spelling of an inside address gets through, and a name that changes its mind at a second lookup is not asked a second
time. Redirects are not followed: they would be an address that nobody judged.
"""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from delivery.channels import PermanentError, TransientError, UnknownOutcome

# Seconds to connect, and for each read of the answer's head. The body is not waited for.
TIMEOUT = (3, 5)
# A list of our own: what `ipaddress` calls global or private differs between versions of Python, and leaves out
# tunnels (2002::, 64:ff9b::) that lead to any IPv4 address.
NEVER = [
    ip_network(one)
    for one in (
        *("0.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
]
INSIDE = [
    ip_network(one) for one in ("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "::1/128")
]
# The only part of IPv6 that is given out for the open Internet.
OUTSIDE_V6 = IPv6Network("2000::/3")


def is_allowed(address: str, *, inside: bool = False) -> bool:
    """Whether we connect there. `inside` allows private addresses too, never link-local, shared or special ones."""
    found = ip_address(address)
    if _among(found, NEVER):
        return False
    if _among(found, INSIDE):
        return inside
    return isinstance(found, IPv4Address) or found in OUTSIDE_V6


def _among(address: Any, networks: list[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def judged(host: str, *, inside: bool = False, flags: int = 0) -> str:
    """The address to connect to. Raises PermanentError when any address of the name is not allowed."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError):
        raise TransientError(f"No server called {host[:100]} was found.") from None
    # IPv4 first: a machine without a way to IPv6 often learns such addresses all the same.
    addresses = sorted({str(entry[4][0]) for entry in found}, key=lambda address: ":" in address)
    if not all(is_allowed(address, inside=inside) for address in addresses):
        raise PermanentError(f"{host[:100]} is not on the open Internet, so nothing is posted there.")
    return addresses[0]


class Outward(HTTPAdapter):
    """Connects to the judged address, under the name that was typed: for TLS, and in the Host header."""

    def __init__(self, *, inside: bool) -> None:
        self.inside = inside
        super().__init__()

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        name = host["host"]
        host["host"] = judged(name, inside=self.inside)
        request.headers["Host"] = urlsplit(request.url).netloc
        if host["scheme"] == "https":
            pool |= {"server_hostname": name, "assert_hostname": name}
        return host, pool


def post(url: str, data: dict[str, Any], *, inside: bool = False) -> None:
    """POST JSON once. Raises a ChannelError, whose words never hold the address: it is a secret."""
    with requests.Session() as session:
        # No proxy, netrc or certificates from the environment: the connection is ours.
        session.trust_env = False
        session.mount("https://", Outward(inside=inside))
        session.mount("http://", Outward(inside=inside))
        try:
            with session.post(url, json=data, timeout=TIMEOUT, allow_redirects=False, stream=True) as answer:
                _judge(answer.status_code)
        except requests.ReadTimeout:
            raise UnknownOutcome("It took the line and did not answer.") from None
        except requests.exceptions.SSLError:
            raise TransientError("Its certificate is not valid, so nothing was posted.") from None
        except (requests.RequestException, OSError) as error:
            raise TransientError(f"It could not be reached ({type(error).__name__}).") from None


def _judge(code: int) -> None:
    if 200 <= code < 300:
        return
    if 300 <= code < 400:
        raise PermanentError(f"It answered with a redirect ({code}), which is not followed.", code)
    if code in (408, 425, 429) or code >= 500:
        raise TransientError(f"It answered {code}: not now.", code)
    raise PermanentError(f"It answered {code}: it does not take this line.", code)
