"""Secrets of integrations: sealed at rest, set by two people, never shown again."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction

from crisiscomms import audit, changes, environment
from crisiscomms.models import ControlChange, Credential, User
from crisiscomms.refusal import Refused


@dataclass(frozen=True)
class Kind:
    """What a secret is for. `check` raises Refused, with a sentence, for a text that cannot be one."""

    key: str
    label: str
    what: str
    check: Callable[[str], None]
    # Uses the secret once, for real, and says what came of it; raises Refused.
    attempt: Callable[[User], str]


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _kinds[kind.key] = kind


def kinds() -> list[Kind]:
    return list(_kinds.values())


def kind_of(key: str) -> Kind:
    """Raises Refused for a kind that nobody uses."""
    if key not in _kinds:
        raise Refused("There is no integration of this name.")
    return _kinds[key]


def ask_to_set(*, kind: str, secret: str, reason: str, by: User, now: datetime) -> ControlChange | None:
    """Ask a second administrator to confirm a secret. The text is sealed before it is stored anywhere."""
    secret = secret.strip()
    meant = kind_of(kind)
    meant.check(secret)
    before = Credential.objects.filter(kind=kind).first()
    return changes.ask(
        kind="credential",
        subject=f"credential:{kind}",
        title=f"{meant.label}: {'replace' if before else 'set'} the secret",
        payload={"kind": kind, "sealed": seal(secret).decode(), "ending": secret[-4:]},
        differences=[(meant.label, f"…{before.ending}" if before else "none", f"…{secret[-4:]}")],
        reason=reason,
        by=by,
        now=now,
    )


@transaction.atomic
def remove(*, kind: str, by: User, now: datetime) -> None:
    """Take a secret away. Whoever stops an integration needs nobody else for it."""
    changes.require_administrator(by)
    meant = kind_of(kind)
    if Credential.objects.filter(kind=kind).delete()[0]:
        text = f"{meant.label}: the secret was removed"
        audit.record(
            chain=audit.INSTALLATION, verb="credential.removed", subject=f"credential:{kind}", text=text, by=by, now=now
        )


def attempt(*, kind: str, by: User) -> str:
    """Try the integration once. Raises Refused with what went wrong."""
    changes.require_administrator(by)
    return kind_of(kind).attempt(by)


def secret_of(kind: str) -> str:
    """The secret, or an empty text when there is none or it can no longer be opened (the key was changed)."""
    row = Credential.objects.filter(kind=kind).first()
    if row is None:
        return ""
    return opened(row.sealed)


def opened(sealed: bytes | memoryview) -> str:
    """What was sealed, or an empty text when it can no longer be opened."""
    try:
        return _box().decrypt(bytes(sealed)).decode()
    except InvalidToken:
        return ""


def seal(secret: str) -> bytes:
    return _box().encrypt(secret.encode())


def _box() -> MultiFernet:
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    keys = [environment.derived_key(secret, "credentials")[:32] for secret in secrets]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])


def _set(change: ControlChange, now: datetime) -> None:
    data = change.payload
    Credential.objects.update_or_create(
        kind=data["kind"],
        defaults={
            "sealed": data["sealed"].encode(),
            "ending": data["ending"],
            "set_by": change.asked_by,
            "set_at": now,
        },
    )
    text = f"{kind_of(data['kind']).label}: a secret ending in {data['ending']} counts now"
    audit.record(
        chain=audit.INSTALLATION, verb="credential.set", subject=change.subject, text=text, by=change.asked_by, now=now
    )


changes.register(changes.Kind("credential", "Secret of an integration", _set))
