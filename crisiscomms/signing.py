"""The installation's own key for what it gives out: Ed25519, derived from RECORD_SIGNING_KEY.

Its public half may be known by all: with it anybody can verify what was given out.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from crisiscomms import environment, fingerprints


def _key() -> Ed25519PrivateKey:
    seed = environment.derived_key(settings.RECORD_SIGNING_KEY, "archive")[:32]
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key() -> bytes:
    return _key().public_key().public_bytes_raw()


def fingerprint() -> str:
    return fingerprints.fingerprint(public_key())


def sign(data: bytes) -> bytes:
    return _key().sign(data)
