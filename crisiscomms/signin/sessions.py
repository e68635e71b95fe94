"""One’s sessions: noted when somebody signs in and visits, listed, ended. An ended one is dead on its next request."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac

from crisiscomms import audit, clock, invitations, ways_in
from crisiscomms.models import Session, User
from crisiscomms.signin import devices
from crisiscomms.signin.store import PLACE
from crisiscomms.throttle import client_address

# A visit is noted at most this often: it costs a write.
NOTED_EVERY = timedelta(minutes=10)


@dataclass(frozen=True)
class Listed:
    """`handle` names a session on a page; its key never stands there, because who has the key has the session."""

    handle: str
    device: str
    address: str
    signed_in_at: datetime | None
    seen_at: datetime | None
    is_this: bool


@receiver(user_logged_in)
def note_sign_in(request: HttpRequest, **_: Any) -> None:
    # Commands and tests sign people in without a request of the site's.
    now = getattr(request, "now", None) or clock.now()
    request.session[PLACE] = _place(request, now, signed_in_at=now.isoformat())


def note_visit(request: HttpRequest) -> None:
    """Keep “last used” true to ten minutes."""
    place = request.session.get(PLACE) or {}
    seen = place.get("seen_at")
    if seen is None or request.now - datetime.fromisoformat(seen) >= NOTED_EVERY:
        request.session[PLACE] = _place(request, request.now, signed_in_at=place.get("signed_in_at"))


def _place(request: HttpRequest, now: datetime, *, signed_in_at: str | None) -> dict[str, Any]:
    return {
        "address": client_address(request)[:45],
        "agent": request.META.get("HTTP_USER_AGENT", "")[:200].replace("\x00", ""),
        "signed_in_at": signed_in_at,
        "seen_at": now.isoformat(),
    }


def handle_of(key: str) -> str:
    return salted_hmac("crisiscomms.signin.session", key, algorithm="sha256").hexdigest()[:24]


def sessions_of(person: User, *, this: str, now: datetime) -> list[Listed]:
    """The living sessions, the one in use first, then by when they were last used."""
    rows = Session.objects.filter(person=person, expire_date__gt=now).order_by("-seen_at", "session_key")
    listed = [
        Listed(
            handle=handle_of(row.session_key),
            device=devices.in_words(row.agent),
            address=devices.short_address(row.address),
            signed_in_at=row.signed_in_at,
            seen_at=row.seen_at,
            is_this=row.session_key == this,
        )
        for row in rows
    ]
    return sorted(listed, key=lambda one: not one.is_this)


@transaction.atomic
def end_sessions(*, by: User, keep: str, now: datetime, only: str = "") -> int:
    """Sign out one of one’s own sessions (`only` is its handle), or all but `keep`. Returns how many were ended."""
    keys = [row.session_key for row in Session.objects.filter(person=by).exclude(session_key=keep)]
    if only:
        keys = [key for key in keys if constant_time_compare(handle_of(key), only)]
    return _end(by, keys, by=by, now=now)


@transaction.atomic
def end_all(person: User, *, by: User, now: datetime) -> int:
    """Sign somebody out everywhere. The caller has checked that `by` may."""
    return _end(person, list(Session.objects.filter(person=person).values_list("pk", flat=True)), by=by, now=now)


def _end_way(*, person: User, by: User, now: datetime) -> None:
    end_all(person, by=by, now=now)


ways_in.register(ways_in.WayIn("sessions", _end_way))


def _end(person: User, keys: list[str], *, by: User, now: datetime) -> int:
    Session.objects.filter(person=person, pk__in=keys).delete()
    if keys:
        whose = "their own" if by == person else f"{person.name}’s"
        audit.record(
            chain=audit.INSTALLATION,
            verb="session.ended",
            subject=f"person:{person.pk}",
            text=f"{by.name} ended {len(keys)} of {whose} sessions",
            by=by,
            now=now,
        )
    return len(keys)


@receiver([password_changed, password_reset, password_set])
def forget_others(request: HttpRequest, user: User, **_: Any) -> None:
    """With another password the others are dead already; they do not stay in the list either."""
    Session.objects.filter(person=user).exclude(pk=request.session.session_key or "").delete()


@receiver(password_reset)
@transaction.atomic
def end_keys(request: HttpRequest, user: User, **_: Any) -> None:
    """A forgotten password may be a stolen one: what was made with it ends, and so does a link that sets another."""
    ways_in.end_keys(person=user, by=user, now=request.now)
    invitations.withdraw_all(user, request.now)
