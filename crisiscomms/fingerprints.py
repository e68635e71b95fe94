"""How people compare public keys. Without Django: archives are verified elsewhere too."""

import hashlib


def fingerprint(public_key: bytes) -> str:
    """What two people read to each other: eight groups of four signs."""
    digits = hashlib.sha256(public_key).hexdigest()[:32]
    return " ".join(digits[at : at + 4] for at in range(0, 32, 4))
