"""Sources of signals: made, given new keys, switched off. A key and a secret are shown once, to whoever made them."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from crisiscomms import audit, credentials
from crisiscomms.models import User
from crisiscomms.refusal import Refused
from incidents import access
from incidents.hooks import PROTOCOLS, generic
from incidents.models import SignalSource

# How long the key from before may still be used: time to change it on the other side.
GRACE_HOURS = (0, 1, 24, 72)
SHORTEST, LONGEST = 16, 400


@dataclass(frozen=True)
class Shown:
    """What is shown once. `secret` is empty where the other side thinks it up, or none is asked for."""

    source: SignalSource
    key: str
    secret: str


@transaction.atomic
def create_source(*, name: str, kind: str, with_secret: bool = False, by: User, now: datetime) -> Shown:
    """A new way in. Ours to think up are the key, and the secret where the protocol leaves it to us."""
    access.require(by, "set_up")
    if kind not in PROTOCOLS or not name.strip():
        raise Refused("Give it a name and choose what sends the signals.")
    if SignalSource.objects.filter(name__iexact=name.strip()).exists():
        raise Refused("There is a source of this name already. Choose another name.")
    protocol, key = PROTOCOLS[kind], secrets.token_urlsafe(32)
    secret = _new_secret(kind) if protocol.makes_secret and (protocol.needs_secret or with_secret) else ""
    source = SignalSource.objects.create(
        name=name.strip(),
        kind=kind,
        key_hash=hashed(key),
        secret=credentials.seal(secret) if secret else b"",
        created_by=by,
        created_at=now,
    )
    _say(source, "made", f"Source of signals “{source.name}” ({source.get_kind_display()}) made", by, now)
    return Shown(source, key, secret)


@transaction.atomic
def set_source_secret(*, source_id: int, secret: str, grace_hours: int = 0, by: User, now: datetime) -> SignalSource:
    """Keep the secret that the other side has shown. The one from before may count on for a while."""
    source = _lock(source_id, by)
    secret = secret.strip()
    if not SHORTEST <= len(secret) <= LONGEST or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise Refused(f"A secret has {SHORTEST} to {LONGEST} visible characters without blanks. Copy it once more.")
    _keep(source, now, grace_hours, secret=credentials.seal(secret))
    _say(source, "secret", f"Source of signals “{source.name}”: its secret was set", by, now)
    return source


@transaction.atomic
def rotate_source(*, source_id: int, grace_hours: int, by: User, now: datetime) -> Shown:
    """A new key, and a new secret where it is ours; those from before are taken for some hours more."""
    source = _lock(source_id, by)
    key = secrets.token_urlsafe(32)
    ours = PROTOCOLS[source.kind].makes_secret and bool(source.secret)
    secret = _new_secret(source.kind) if ours else ""
    changes: dict[str, Any] = {"key_hash": hashed(key), "rotated_by": by, "rotated_at": now}
    if secret:
        changes["secret"] = credentials.seal(secret)
    _keep(source, now, grace_hours, previous_key_hash=source.key_hash, **changes)
    until = f"; the old one counts for {grace_hours} h more" if grace_hours else ""
    _say(source, "rotated", f"Source of signals “{source.name}” has a new key{until}", by, now)
    return Shown(source, key, secret)


def _keep(source: SignalSource, now: datetime, grace_hours: int, **changes: Any) -> None:
    """Change keys. Without grace nothing from before counts any longer, also of a change before this one."""
    if grace_hours not in GRACE_HOURS:
        raise Refused("Choose from the list how long the old one may still be used.")
    if grace_hours:
        before = {"previous_secret": source.secret, "previous_until": now + timedelta(hours=grace_hours)}
        changes = before | changes
    else:
        changes |= {"previous_key_hash": "", "previous_secret": b"", "previous_until": None}
    for field, value in changes.items():
        setattr(source, field, value)
    source.save(update_fields=list(changes))


@transaction.atomic
def switch_source(*, source_id: int, is_active: bool, by: User, now: datetime) -> SignalSource:
    """Off: its address answers as if it had never been. What it told stays."""
    source = _lock(source_id, by)
    if source.is_active != is_active:
        source.is_active = is_active
        source.save(update_fields=["is_active"])
        _say(source, "switched", f"Source of signals “{source.name}” is {'on' if is_active else 'off'}", by, now)
    return source


def find_source(*, kind: str, key: str, now: datetime) -> SignalSource | None:
    """The source that this key opens now. One look at an index, and nothing told about why not."""
    known = hashed(key)
    mine = Q(key_hash=known) | Q(previous_key_hash=known, previous_until__gt=now)
    return SignalSource.objects.filter(mine, kind=kind, is_active=True).first()


def secrets_of(source: SignalSource, now: datetime) -> tuple[str, ...]:
    """The secrets that count now: at most two, none of them empty."""
    sealed = [source.secret, *([source.previous_secret] if source.takes_previous(now) else [])]
    return tuple(found for one in sealed if one and (found := credentials.opened(one)))


def hashed(key: str) -> str:
    """A random key of 256 bits needs no slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()


def _new_secret(kind: str) -> str:
    if kind == SignalSource.Kind.GENERIC:
        return generic.PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_urlsafe(32)


def _lock(source_id: int, by: User) -> SignalSource:
    access.require(by, "set_up")
    return SignalSource.objects.select_for_update(no_key=True).get(pk=source_id)


def _say(source: SignalSource, verb: str, text: str, by: User, now: datetime) -> None:
    audit.record(
        chain=audit.INSTALLATION, verb=f"signal_source.{verb}", subject=f"signal_source:{source.pk}", text=text, by=by,
        now=now,
    )  # fmt: skip
