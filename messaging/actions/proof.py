"""Proof that it is this person: links, codes, enrolled devices. Opening a link proves nothing (faults, A1)."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from crisiscomms import audit, environment, notices, policy, ways_in
from crisiscomms.models import User
from crisiscomms.refusal import Refused
from messaging.models import ApprovalCode, ApprovalLink, ApprovalRequest, ApprovalSeat, EnrolledDevice

TRIES = 5
DEVICE_DAYS = 180
FRESH = timedelta(seconds=60)


def hashed(secret: str, key: str | None = None) -> str:
    """Keyed, so that a copy of the table is no list of six-digit codes to try."""
    derived = environment.derived_key(settings.SECRET_KEY if key is None else key, "approval")
    return hmac.new(derived, secret.encode(), hashlib.sha256).hexdigest()


def hashes(secret: str) -> list[str]:
    """What a secret may have been kept as: with the key of now, or one that SECRET_KEY_FALLBACKS still honours."""
    return [hashed(secret), *(hashed(secret, key) for key in settings.SECRET_KEY_FALLBACKS)]


def mint_link(*, seat: ApprovalSeat, now: datetime) -> str:
    """A new token for this seat (256 random bits). Only its hash is kept; the clear one goes into the mail."""
    token = secrets.token_urlsafe(32)
    request = seat.stage.request
    ApprovalLink.objects.create(
        seat=seat,
        token_hash=hashed(token),
        fingerprint=request.version.fingerprint,
        created_at=now,
        expires_at=request.expires_at,
    )
    return token


def open_link(*, token: str, now: datetime) -> ApprovalLink | None:
    """The link behind a token, or None. Notes the first opening; decides nothing."""
    link = (
        ApprovalLink.objects.select_related(
            "seat__person",
            "seat__stage__request__message__incident",
            "seat__stage__request__version",
            "seat__stage__request__requested_by",
        )
        .filter(token_hash__in=hashes(token))
        .first()
    )
    if link is not None and link.opened_at is None:
        ApprovalLink.objects.filter(pk=link.pk, opened_at=None).update(opened_at=now)
    return link


@transaction.atomic
def request_code(*, request: ApprovalRequest, person: User, now: datetime, with_proof: bool = False) -> None:
    """Send a six-digit code to the person's registered address. One is live at a time; three an hour, because
    machines that press every button press this one too. Raises Refused beyond that. A press within the first
    minute of a living code sends no second one. `with_proof` presses (signed in, enrolled) have codes of their own:
    what a stranger presses neither counts for the person nor ends the person's code (faults, X7).
    """
    rules = policy.current("messaging")["settings"]
    # One row of the person as the lock: two presses at once must not both count as the third.
    User.objects.select_for_update().get(pk=person.pk)
    mine = ApprovalCode.objects.filter(person=person, with_proof=with_proof).order_by("asked_at")
    if mine.filter(request=request, ended_at=None, asked_at__gt=now - FRESH).exists():
        return
    lately = mine.filter(asked_at__gt=now - timedelta(hours=1))
    if len(lately) >= rules["codes_per_hour"]:
        again = lately[0].asked_at + timedelta(hours=1)
        minutes = max(1, round((again - now).total_seconds() / 60))
        other = "" if with_proof else " Signed in, you can ask for one now."
        raise Refused(f"Three codes were sent within the hour. The next can be sent in {minutes} min.{other}")
    mine.filter(ended_at=None).update(ended_at=now)
    code = ApprovalCode.objects.create(
        person=person,
        request=request,
        asked_at=now,
        expires_at=now + timedelta(minutes=rules["code_minutes"]),
        with_proof=with_proof,
    )
    notices.tell([person], kind="approval_code", key=f"code:{code.pk}", now=now, code=code.pk)


@transaction.atomic
def check_code(*, request: ApprovalRequest, person: User, code: str, now: datetime, with_proof: bool = False) -> bool:
    """Whether this is a live code. Five wrong tries end it; a right one is used up by the caller's decision.

    A code that was asked for with a proof counts only with one, so that a stranger's tries cannot end it.
    """
    living = ApprovalCode.objects.select_for_update().filter(
        person=person, request=request, ended_at=None, expires_at__gt=now
    )
    mine = living if with_proof else living.filter(with_proof=False)
    # Each is tried, also after a right one: a try counts for both.
    return True in [_try(live, code, now) for live in mine.exclude(code_hash="").order_by("pk")]


def _try(live: ApprovalCode, code: str, now: datetime) -> bool:
    typed = f"{live.pk}:{''.join(code.split())}"
    right = any(hmac.compare_digest(live.code_hash, one) for one in hashes(typed))
    live.tries += 1
    if right or live.tries >= TRIES:
        live.ended_at = now
    live.save(update_fields=["tries", "ended_at"])
    return right


def mint_code(code: ApprovalCode) -> str:
    """The digits for the mail that is being sent now. A retry makes new ones: still one live code."""
    digits = f"{secrets.randbelow(1_000_000):06d}"
    ApprovalCode.objects.filter(pk=code.pk).update(code_hash=hashed(f"{code.pk}:{digits}"))
    return digits


def enroll_device(*, person: User, label: str, now: datetime) -> str:
    """Remember this browser as the person's. Returns the secret for the cookie; only its hash is kept."""
    secret = secrets.token_urlsafe(32)
    EnrolledDevice.objects.create(
        person=person, secret_hash=hashed(secret), label=label[:200], enrolled_at=now, used_at=now
    )
    return secret


def known_device(*, person: User, secret: str, now: datetime) -> bool:
    """Whether the cookie's secret is a living enrolment of this very person."""
    if not secret or not person.is_active:
        return False
    oldest = now - timedelta(days=DEVICE_DAYS)
    living = EnrolledDevice.objects.filter(
        person=person, secret_hash__in=hashes(secret), revoked_at=None, enrolled_at__gt=oldest
    )
    # Kept with the key of now from here on: a device in use outlives the old key.
    return bool(living.update(used_at=now, secret_hash=hashed(secret)))


@transaction.atomic
def revoke_devices(*, by: User, devices: list[int], now: datetime) -> int:
    """Forget some of one's own remembered devices: from the next press on they have to prove again who they are."""
    return _revoke(by, Q(pk__in=devices), by, now)


@transaction.atomic
def revoke_all_devices(*, person: User, by: User, now: datetime) -> None:
    """Whoever leaves, or has lost a phone or a password, is remembered nowhere. The caller has checked that `by` may."""
    _revoke(person, Q(), by, now)


ways_in.register(ways_in.WayIn("devices", revoke_all_devices))


def _revoke(person: User, which: Q, by: User, now: datetime) -> int:
    count = EnrolledDevice.objects.filter(which, person=person, revoked_at=None).update(revoked_at=now)
    if count:
        whose = "" if person == by else f" of {person.name}"
        words = f"remembered approval {'device' if count == 1 else 'devices'}"
        audit.record(
            chain=audit.INSTALLATION,
            verb="device.revoked",
            subject=f"person:{person.pk}",
            text=f"{by.name} took back {count} {words}{whose}",
            by=by,
            now=now,
        )
    return count
