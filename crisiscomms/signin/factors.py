"""Second factors: how allauth keeps them here, what the record and the person hear about them, and taking them away."""

import base64
import secrets
from datetime import datetime
from typing import Any

import structlog
from allauth.mfa import signals
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.urls import reverse

from crisiscomms import audit, control, environment, notices, ways_in
from crisiscomms.changes import require_administrator
from crisiscomms.models import Notice, Role, User
from crisiscomms.notices import Mail
from crisiscomms.organisation import get_organisation
from crisiscomms.refusal import Refused
from crisiscomms.signin import rules, sessions

log = structlog.get_logger("crisiscomms")
NAMES = {"totp": "authenticator app", "webauthn": "passkey", "recovery_codes": "recovery codes"}
SEALED = ("secret", "seed")


def _box() -> MultiFernet:
    """Sealed with the key of now; opened with that or one that SECRET_KEY_FALLBACKS still honours."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    derived = (environment.derived_key(key, "second factors")[:32] for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])


class Adapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return _box().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            # The key is gone. Something nobody can guess, so that no code of a made-up secret ever fits.
            log.warning("a second factor is sealed with a key that is gone")
            return base64.b32encode(secrets.token_bytes(20)).decode()

    def get_totp_issuer(self) -> str:
        return f"Crisis Comms, {get_organisation().name}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": self.get_totp_issuer()}

    def generate_authenticator_name(self, user: User, type: str) -> str:
        count = Authenticator.objects.filter(user=user, type=type).count()
        return f"Passkey {count + 1}" if count else "My passkey"


@receiver(signals.authenticator_used)
def seal_anew(authenticator: Authenticator, **_: Any) -> None:
    """While the key is being changed, a factor in use moves to the new one."""
    if not settings.SECRET_KEY_FALLBACKS:
        return
    with transaction.atomic():
        # Read anew: allauth has noted a used code on another copy of the row.
        row = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
        for name in SEALED:
            if name in row.data:
                try:
                    row.data[name] = _box().rotate(row.data[name].encode()).decode()
                except InvalidToken:
                    continue
        row.save(update_fields=["data"])


@receiver(signals.authenticator_added)
def was_added(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    if authenticator.type in rules.FACTORS and rules.factors_of(user).count() == 1:
        # The others were opened by the password alone: whoever stole it must not stay in beside the factor.
        sessions.end_sessions(by=user, keep=request.session.session_key or "", now=request.now)
    _tell(user, f"added: {NAMES[authenticator.type]}", by=user, now=request.now)


@receiver(signals.authenticator_removed)
def was_removed(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    _tell(user, f"removed: {NAMES[authenticator.type]}", by=user, now=request.now)


@receiver(signals.authenticator_reset)
def was_reset(request: HttpRequest, user: User, **_: Any) -> None:
    _tell(user, "made anew: recovery codes", by=user, now=request.now)


@transaction.atomic
def _tell(person: User, what: str, *, by: User, now: datetime) -> None:
    """On the record, and by mail to the person: whoever did this in their name is noticed."""
    audit.record(
        chain=audit.INSTALLATION,
        verb="second_factor.changed",
        subject=f"person:{person.pk}",
        text=f"Second factor of {person.name} {what}",
        by=by,
        now=now,
    )
    notices.tell([person], kind="sign_in_changed", key=secrets.token_hex(8), now=now, what=what)


@notices.renders("sign_in_changed", urgency="urgent")
def sign_in_changed(notice: Notice, now: datetime) -> Mail | None:
    return Mail(
        "Your sign-in was changed",
        [
            f"A second factor of your account was {notice.context['what']}.",
            "If that was not you, call an administrator now: somebody else may be using your account.",
        ],
    )


@transaction.atomic
def rename_passkey(*, passkey_id: int, name: str, by: User, now: datetime) -> Authenticator:
    """Call one of one’s own passkeys something else. It is a label: nothing about signing in changes."""
    own = Authenticator.objects.select_for_update().filter(user=by, type=Authenticator.Type.WEBAUTHN)
    passkey = own.filter(pk=passkey_id).first()
    if passkey is None:
        raise Refused("This passkey is not one of yours.")
    name = name.strip()
    if not name:
        raise Refused("Give it a name.")
    if name != passkey.data["name"]:
        passkey.data["name"] = name
        passkey.save(update_fields=["data"])
        audit.record(
            chain=audit.INSTALLATION,
            verb="second_factor.renamed",
            subject=f"person:{by.pk}",
            text=f"A passkey of {by.name} has another name",
            by=by,
            now=now,
        )
    return passkey


@transaction.atomic
def take_away_factors(*, person_id: int, by: User, now: datetime) -> int:
    """For somebody who has lost phone and recovery codes: factors, sessions, tokens and remembered devices go.

    They sign in with the password, and set up another when their role needs one. Returns how many factors went.
    """
    require_administrator(by)
    if person_id == by.pk:
        raise Refused("Your own you remove on your page “Sign-in”; another administrator can take them away from you.")
    person = User.objects.get_queryset().select_for_update(no_key=True).get(pk=person_id)
    count: int = Authenticator.objects.filter(user=person).delete()[0]
    # Also without a factor: the phone that is lost may be signed in, or remembered.
    ways_in.end_keys(person=person, by=by, now=now)
    if count:
        _tell(person, f"taken away by {by.name}: all of them", by=by, now=now)
        if control.holds_control(person):
            everybody = User.objects.with_role(Role.ADMINISTRATOR)
            notices.tell(everybody, kind="factors_taken", key=secrets.token_hex(8), now=now, person=person.pk, by=by.pk)
    return count


@notices.renders("factors_taken", urgency="urgent")
def _factors_taken(notice: Notice, now: datetime) -> Mail | None:
    if not notice.person.has_role(Role.ADMINISTRATOR):
        return None
    people = User.objects.get_queryset().in_bulk([notice.context["person"], notice.context["by"]])
    person, by = people[notice.context["person"]], people[notice.context["by"]]
    return Mail(
        f"Second factor of {person.name} taken away",
        [
            f"{by.name} took the second factor of {person.name} away, who decides what others may do or say.",
            "That is right when a phone is lost. If you know nothing of one, ask both of them now.",
        ],
        settings.BASE_URL + reverse("setup_person", args=[person.pk]),
        f"Look at {person.name}",
    )
