"""manifest.sig: the installation's word for a manifest."""

from crisiscomms import signing
from incidents.record import format


def signed(manifest: bytes) -> bytes:
    return format.signature_file(signing.public_key(), signing.sign(format.to_sign(manifest)))
