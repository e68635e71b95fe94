"""Making and revoking API tokens: by the person, in a session, never by another token."""

import re
from datetime import datetime, timedelta

from django.db import transaction
from knox.crypto import hash_token
from knox.models import get_digest_token
from knox.settings import CONSTANTS

from crisiscomms import audit, ways_in
from crisiscomms.models import ApiToken, TokenScope, User
from crisiscomms.refusal import Refused

# A word of its own in front, so that people and scanners of repositories know what they found.
PREFIX = "ccapi_"
SHAPE = re.compile(PREFIX + "[0-9a-f]{64}")
DEFAULT_DAYS = 90
MOST_DAYS = 365
MOST_LIVING = 20


@transaction.atomic
def make_token(*, name: str, scopes: list[str], days: int, by: User, now: datetime) -> tuple[ApiToken, str]:
    """The new token, and its text: the one time that anybody sees it."""
    if not by.is_active:
        raise Refused("You have no access any more, so you cannot make a token.")
    if not name.strip() or not scopes or not set(scopes) <= set(TokenScope.values):
        raise Refused("Give the token a name and choose what it may do.")
    if not 1 <= days <= MOST_DAYS:
        raise Refused(f"A token lives between 1 and {MOST_DAYS} days. Choose a number in between.")
    # One at a time for each person, so that the count below holds. Rows before the chain, as everywhere.
    User.objects.get_queryset().select_for_update(no_key=True).get(pk=by.pk)
    if ApiToken.objects.living(now).filter(user=by).count() >= MOST_LIVING:
        raise Refused(f"You have {MOST_LIVING} tokens already. Revoke one that nothing uses first.")
    digest, text = get_digest_token(PREFIX)
    token = ApiToken.objects.create(
        user=by,
        name=name.strip(),
        scopes=sorted(scopes),
        digest=digest,
        token_key=_key(text),
        created=now,
        expiry=now + timedelta(days=days),
    )
    _record(token, "made", f"API token “{token.name}” made ({', '.join(token.scopes)}), for {days} days", by, now)
    return token, text


@transaction.atomic
def revoke_token(*, token_id: int, by: User, now: datetime) -> ApiToken:
    """Dead from now on. Revoking twice changes nothing."""
    token = ApiToken.objects.select_for_update(no_key=True).filter(pk=token_id, user=by).first()
    if token is None:
        raise Refused("This token is not one of yours.")
    if token.revoked_at is None:
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
        _record(token, "revoked", f"API token “{token.name}” revoked", by, now)
    return token


def revoke_all(*, person: User, by: User, now: datetime) -> None:
    """Whoever leaves, or has lost what proves who they are, leaves no key alive."""
    living = ApiToken.objects.filter(user=person, revoked_at=None, expiry__gt=now)
    for token in living.select_for_update(no_key=True).order_by("pk"):
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
        why = "" if person.is_active else ", who has no access any more"
        _record(token, "revoked", f"API token “{token.name}” of {person.name} revoked{why}", by, now)


ways_in.register(ways_in.WayIn("tokens", revoke_all))


def find_token(text: str, *, now: datetime) -> ApiToken | None:
    """The living token with this text. What does not look like one of ours never reaches the database."""
    if not SHAPE.fullmatch(text):
        return None
    found = ApiToken.objects.living(now).filter(token_key=_key(text), digest=hash_token(text))
    token: ApiToken | None = found.select_related("user").first()
    return token


def _key(text: str) -> str:
    return text[: CONSTANTS.TOKEN_KEY_LENGTH]


def _record(token: ApiToken, verb: str, text: str, by: User, now: datetime) -> None:
    audit.record(
        chain=audit.INSTALLATION,
        verb=f"token.{verb}",
        subject=f"token:{token.pk}",
        text=text,
        by=by,
        now=now,
    )
