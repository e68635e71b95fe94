"""Changes that weaken control take two people: one administrator asks, another one confirms or refuses.

As long as there is one administrator only, nobody else could confirm: then the change is made at once, and the record
says that it was made alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from crisiscomms import audit, notices
from crisiscomms.models import ControlChange, Notice, Role, User
from crisiscomms.notices import Mail
from crisiscomms.refusal import Conflict, Refused

VALID_DAYS = 7
State = ControlChange.State
Apply = Callable[[ControlChange, datetime], None]
MayAsk = Callable[[User, dict[str, Any]], bool]


def _is_administrator(person: User, payload: dict[str, Any]) -> bool:
    return person.has_role(Role.ADMINISTRATOR)


def _path(change: ControlChange) -> str:
    return reverse("setup_change", args=[change.pk])


@dataclass(frozen=True)
class Kind:
    """`apply` makes the change real, in the name of `change.asked_by`. It raises Conflict when its base has moved.

    `may_ask(person, payload)` is who may ask for it; confirming is for administrators always. `path` is where who
    asked reads what became of it. `is_restricted`: reasons may name what only its team may know, so they stay off mail.
    """

    key: str
    label: str
    apply: Apply
    may_ask: MayAsk = _is_administrator
    path: Callable[[ControlChange], str] = _path
    is_restricted: bool = False


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _kinds[kind.key] = kind


def require_administrator(by: User) -> None:
    if not by.has_role(Role.ADMINISTRATOR):
        raise Refused("Only an administrator may change people and set-up.")


def lock_administrators(by: User) -> list[User]:
    """All administrators, locked, `by` among them: one who lost the role a moment ago changes nothing any more.

    So two of them cannot remove each other at the same instant. Not their keys: a record that is being written names
    its actor, and must not wait for us while we wait for it.
    """
    locked = list(User.objects.with_role(Role.ADMINISTRATOR).select_for_update(no_key=True))
    require_administrator(next((one for one in locked if one.pk == by.pk), User(is_active=False)))
    return locked


def others(than: User) -> list[User]:
    """Who could confirm what this person asks for: not who was invited and has not come yet."""
    administrators = User.objects.with_role(Role.ADMINISTRATOR)
    return [person for person in administrators if person.pk != than.pk and person.can_sign_in]


@transaction.atomic
def ask(
    *,
    kind: str,
    subject: str,
    title: str,
    payload: dict[str, Any],
    differences: list[tuple[str, str, str]],
    reason: str,
    by: User,
    now: datetime,
) -> ControlChange | None:
    """Ask a second administrator. Returns None when there is none: then the change has been made.

    `differences` are (what, before, after), as the second person reads them. Raises Conflict while another change of
    the same thing waits.
    """
    if _kinds[kind].may_ask is _is_administrator:
        require_administrator(by)
    elif not _kinds[kind].may_ask(by, payload):
        raise Refused("You may not ask for this.")
    if not reason.strip():
        raise Refused("Say why, so that the second person can decide.")
    change = ControlChange(
        kind=kind,
        subject=subject,
        title=title[:200],
        differences=[list(row) for row in differences],
        payload=payload,
        reason=reason.strip()[:300],
        asked_by=by,
        asked_at=now,
        expires_at=now + timedelta(days=VALID_DAYS),
    )
    if not others(by):
        _kinds[kind].apply(change, now)
        _say(change, "change.alone", f"{title}: made alone, as there is no second administrator", by, now)
        return None
    expired = ControlChange.objects.filter(kind=kind, subject=subject, state=State.OPEN, expires_at__lte=now)
    expired.update(state=State.WITHDRAWN, decided_at=now, answer="Nobody decided in time.")
    try:
        with transaction.atomic():
            change.save()
    except IntegrityError:
        waiting = ControlChange.objects.get(kind=kind, subject=subject, state=State.OPEN)
        raise Conflict(
            f"{waiting.asked_by} has asked for a change of this already. Decide on that one first."
        ) from None
    _say(change, "change.asked", f"{title}: asked for. {change.reason}", by, now)
    notices.tell(others(by), kind="control_change", key=str(change.pk), now=now, change=change.pk)
    return change


@transaction.atomic
def confirm(*, change_id: int, by: User, now: datetime) -> None:
    """Make it real. Never by who asked, and only while who asked still is an administrator."""
    change = _lock(change_id, by, now)
    if change.asked_by_id == by.pk:
        raise Refused("You asked for it, so somebody else has to confirm it.")
    kind = _kinds[change.kind]
    if not kind.may_ask(change.asked_by, change.payload):
        lost = "is no longer an administrator" if kind.may_ask is _is_administrator else "may not ask for it any more"
        raise Refused(f"{change.asked_by}, who asked for it, {lost}. Refuse it.")
    _kinds[change.kind].apply(change, now)
    _close(change, State.CONFIRMED, by, now, f"{change.title}: confirmed. {change.asked_by} had asked for it")


@transaction.atomic
def refuse(*, change_id: int, reason: str, by: User, now: datetime) -> None:
    """Say no, with a reason that who asked will read. Who asked takes it back by this as well."""
    change = _lock(change_id, by, now)
    if change.asked_by_id == by.pk:
        _close(change, State.WITHDRAWN, by, now, f"{change.title}: taken back")
        return
    if not reason.strip():
        raise Refused("Say why you refuse it.")
    change.answer = reason.strip()[:300]
    _close(change, State.REFUSED, by, now, f"{change.title}: refused. {change.answer}")


def _lock(change_id: int, by: User, now: datetime) -> ControlChange:
    lock_administrators(by)
    change = ControlChange.objects.select_for_update(of=("self",)).select_related("asked_by").get(pk=change_id)
    if change.state != State.OPEN:
        raise Conflict(f"This is {change.get_state_display().lower()} already.")
    if change.is_expired(now):
        raise Conflict("Nobody decided in time, so this has lapsed. It can be asked for again.")
    return change


def _close(change: ControlChange, state: str, by: User, now: datetime, text: str) -> None:
    change.state, change.decided_by, change.decided_at = state, by, now
    change.save(update_fields=["state", "decided_by", "decided_at", "answer"])
    _say(change, f"change.{state}", text, by, now)
    if change.asked_by_id != by.pk:
        notices.tell([change.asked_by], kind="control_change_decided", key=str(change.pk), now=now, change=change.pk)


def _say(change: ControlChange, verb: str, text: str, by: User, now: datetime) -> None:
    audit.record(chain=audit.INSTALLATION, verb=verb, subject=change.subject, text=text, by=by, now=now)


@notices.renders("control_change", urgency="normal")
def _asked_mail(notice: Notice, now: datetime) -> Mail | None:
    change = ControlChange.objects.select_related("asked_by").get(pk=notice.context["change"])
    if change.state != State.OPEN or change.is_expired(now) or not notice.person.has_role(Role.ADMINISTRATOR):
        return None
    is_restricted = _kinds[change.kind].is_restricted
    return Mail(
        f"Second person needed: {change.title}",
        [
            f"{change.asked_by} asks for a change that takes two people: {change.title}.",
            "The reason stands on the page." if is_restricted else f"Why: {change.reason}",
            f"It lapses after {VALID_DAYS} days.",
        ],
        settings.BASE_URL + reverse("setup_change", args=[change.pk]),
        "Look at it",
        is_restricted=is_restricted,
    )


@notices.renders("control_change_decided", urgency="quiet")
def _decided_mail(notice: Notice, now: datetime) -> Mail | None:
    change = ControlChange.objects.select_related("decided_by").get(pk=notice.context["change"])
    kind = _kinds[change.kind]
    if not kind.may_ask(notice.person, change.payload):
        return None
    words = [f"{change.title}: {change.get_state_display().lower()} by {change.decided_by}."]
    if change.answer and not kind.is_restricted:
        words.append(f"Why: {change.answer}")
    return Mail(
        f"{change.get_state_display()}: {change.title}",
        words,
        settings.BASE_URL + kind.path(change),
        "Look at it",
        is_restricted=kind.is_restricted,
    )
