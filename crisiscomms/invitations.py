"""Inviting a person: a link by mail that works once, for seven days, and lets them set a password."""

import hmac
from datetime import datetime, timedelta
from hashlib import blake2b

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse

from crisiscomms import audit, environment, notices
from crisiscomms.models import Invitation, Notice, Role, User
from crisiscomms.notices import Mail
from crisiscomms.refusal import Refused

VALID_DAYS = 7


@transaction.atomic
def invite(*, person_id: int, by: User, now: datetime) -> Invitation:
    """Mail this person a link to set a password. An earlier link of theirs stops working."""
    if not by.has_role(Role.ADMINISTRATOR):
        raise Refused("Only an administrator may invite people.")
    person = User.objects.get_queryset().select_for_update(no_key=True).get(pk=person_id)
    if not person.is_active:
        raise Refused(f"{person.name} has no access. Give them access first.")
    if person.has_usable_password():
        raise Refused(f"{person.name} has a password already. They can set a new one by “Forgot your password?”.")
    withdraw_all(person, now)
    invitation = Invitation.objects.create(
        person=person, invited_by=by, invited_at=now, expires_at=now + timedelta(days=VALID_DAYS)
    )
    notices.tell([person], kind="invitation", key=str(invitation.pk), now=now, invitation=invitation.pk)
    audit.record(
        chain=audit.INSTALLATION,
        verb="person.invited",
        subject=f"person:{person.pk}",
        text=f"{person.name} invited; the link works until {invitation.expires_at:%-d %B %H:%M} UTC",
        by=by,
        now=now,
    )
    return invitation


def withdraw_all(person: User, now: datetime) -> None:
    person.invitations.filter(accepted_at=None, withdrawn_at=None).update(withdrawn_at=now)


def find(token: str, now: datetime) -> Invitation:
    """The invitation of a link, if it still works. Raises Refused, with what to do instead."""
    number, _, signature = token.partition(".")
    invitation = None
    if number.isascii() and number.isdigit() and len(number) < 18 and _is_ours(int(number), signature):
        invitation = Invitation.objects.select_related("person").filter(pk=int(number)).first()
    if invitation is None:
        raise Refused("This link is not complete. Open it from the mail again, or ask who invited you.")
    if invitation.accepted_at:
        raise Refused("This link has been used. Sign in with the password that was set by it.")
    if invitation.person.has_usable_password():
        raise Refused("You have set a password in another way. Sign in with it.")
    if invitation.withdrawn_at or not invitation.person.is_active:
        raise Refused("This link no longer works. Ask who invited you for a new one.")
    if invitation.expires_at <= now:
        raise Refused(f"This link worked for {VALID_DAYS} days and has expired. Ask who invited you for a new one.")
    return invitation


@transaction.atomic
def accept(*, token: str, password: str, now: datetime) -> User:
    """Set the password, once. Raises Refused for a link that does not work or a weak password."""
    invitation = Invitation.objects.select_for_update().get(pk=find(token, now).pk)
    # Whoever waited for the lock looks again: the link may have been used by the one before.
    find(token, now)
    person = User.objects.get_queryset().select_for_update(no_key=True).get(pk=invitation.person_id)
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise Refused(" ".join(error.messages)) from None
    person.set_password(password)
    person.save(update_fields=["password"])
    invitation.accepted_at = now
    invitation.save(update_fields=["accepted_at"])
    audit.record(
        chain=audit.INSTALLATION,
        verb="person.accepted",
        subject=f"person:{person.pk}",
        text=f"{person.name} accepted the invitation and set a password",
        by=person,
        now=now,
    )
    return person


def link(invitation: Invitation) -> str:
    token = f"{invitation.pk}.{_signature(invitation.pk, settings.SECRET_KEY)}"
    return settings.BASE_URL + reverse("account_invitation", args=[token])


def _is_ours(pk: int, signature: str) -> bool:
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(hmac.compare_digest(signature.encode(), _signature(pk, secret).encode()) for secret in secrets)


def _signature(pk: int, secret: str) -> str:
    return blake2b(str(pk).encode(), key=environment.derived_key(secret, "invitation"), digest_size=24).hexdigest()


@notices.renders("invitation", urgency="normal", mail_only=True)
def _mail(notice: Notice, now: datetime) -> Mail | None:
    invitation = Invitation.objects.select_related("invited_by").filter(pk=notice.context["invitation"]).first()
    if invitation is None or invitation.accepted_at or invitation.withdrawn_at or invitation.expires_at <= now:
        return None
    return Mail(
        f"{invitation.invited_by.name} invites you to Crisis Comms",
        [
            f"{invitation.invited_by.name} has added you to the team that tells customers when something goes wrong.",
            f"Set a password to begin. The link works once, for {VALID_DAYS} days.",
        ],
        link(invitation),
        "Set a password",
    )
