"""The file of anchors: what is signed, and what is believed of one that comes back. Pure Python, without Django.

It comes back from outside, alone or as the mail it was sent with, so it is taken for hostile.
"""

import email
import email.policy
import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from incidents.record import format

FORMAT = "crisis-comms-anchors/1"
MOST_BYTES = 64 * 1024 * 1024
ENTRY = {"chain": str, "number": int, "digest": str}


class NoAnchors(Exception):
    """These are no anchors that anybody stands for. The text is a sentence."""


@dataclass(frozen=True)
class Anchors:
    """As they were signed; chains by names that only the installation resolves."""

    number: int
    at: str
    chains: list[dict[str, Any]]
    public_key: bytes


def to_sign(statement: dict[str, Any]) -> bytes:
    """The format's name goes first, so that a signature for one thing is none for another."""
    return FORMAT.encode() + b"\n" + format.canonical(statement)


def file(statement: dict[str, Any], public_key: bytes, signature: bytes) -> bytes:
    return format.canonical(
        {"algorithm": "Ed25519", "anchors": statement, "public_key": public_key.hex(), "signature": signature.hex()}
    )


def read(raw: bytes) -> Anchors:
    """Raises NoAnchors for what is not as it was signed."""
    said = _json(raw) or _json(_attached(raw))
    if not isinstance(said, dict) or not _is_whole(said):
        raise NoAnchors("This is no file of anchors, and no mail with one attached.")
    statement = said["anchors"]
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(said["public_key"]))
        key.verify(bytes.fromhex(said["signature"]), to_sign(statement))
    except (InvalidSignature, ValueError):
        raise NoAnchors("The signature does not fit: these anchors were changed.") from None
    return Anchors(statement["number"], statement["at"], statement["chains"], bytes.fromhex(said["public_key"]))


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError, MemoryError):
        return None


def _attached(raw: bytes) -> bytes:
    """The attachment of a mail that was saved whole."""
    try:
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        parts = [part for part in mail.walk() if part.get_content_type() == "application/json"]
        content = parts[0].get_payload(decode=True) if parts else b""
    except (ValueError, LookupError, RecursionError, TypeError, AttributeError):
        return b""
    return content if isinstance(content, bytes) else b""


def _is_whole(said: dict[str, Any]) -> bool:
    statement = said.get("anchors")
    return (
        format.is_hex(said.get("public_key"), 64)
        and format.is_hex(said.get("signature"), 128)
        and isinstance(statement, dict)
        and statement.get("format") == FORMAT
        and type(statement.get("number")) is int
        and isinstance(statement.get("at"), str)
        and isinstance(statement.get("chains"), list)
        and all(_is_chain(one) for one in statement["chains"])
    )


def _is_chain(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and set(one) == set(ENTRY)
        and all(type(one[name]) is kind for name, kind in ENTRY.items())
        and format.is_hex(one["digest"], 64)
        and 0 < one["number"] < 2**31
    )
