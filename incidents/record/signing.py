"""The installation's key for archives: Ed25519, derived from RECORD_SIGNING_KEY. Its public half may be known by all."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from crisiscomms import environment
from incidents.record import format


def _key() -> Ed25519PrivateKey:
    seed = environment.derived_key(settings.RECORD_SIGNING_KEY, "archive")[:32]
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key() -> bytes:
    return _key().public_key().public_bytes_raw()


def fingerprint() -> str:
    return format.fingerprint(public_key())


def signed(manifest: bytes) -> bytes:
    """The contents of manifest.sig for this manifest."""
    return format.signature_file(public_key(), _key().sign(format.to_sign(manifest)))
