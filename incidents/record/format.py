"""What the archive's own files look like: manifest, signature, canonical JSON. Pure Python, without Django."""

import json
import re
from typing import Any

FORMAT = "crisis-comms-record/1"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
HEX = re.compile(r"[0-9a-f]+")


def canonical(value: Any) -> bytes:
    """The one way to write a value: the same value is the same bytes, on every machine."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def to_sign(manifest: bytes) -> bytes:
    """The format's name goes first, so that a signature for one thing is none for another."""
    return FORMAT.encode() + b"\n" + manifest


def signature_file(public_key: bytes, signature: bytes) -> bytes:
    return canonical({"algorithm": "Ed25519", "public_key": public_key.hex(), "signature": signature.hex()})


def is_hex(value: Any, length: int) -> bool:
    return isinstance(value, str) and len(value) == length and HEX.fullmatch(value) is not None
