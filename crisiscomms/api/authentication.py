"""Who asks: `Authorization: Bearer <token>`, and nothing else. A session's cookies open pages, not the API."""

from datetime import timedelta

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Q
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from crisiscomms.api.tokens import find_token
from crisiscomms.models import ApiToken, User
from crisiscomms.signin import rules

log = structlog.get_logger("crisiscomms")
# One write a minute says well enough that a token is in use.
FINE_ENOUGH = timedelta(minutes=1)


class BearerToken(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, text = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        token = find_token(text.strip().decode("latin-1"), now=request.now)
        if token is None:
            raise AuthenticationFailed("This token is unknown, expired or revoked. Make a new one under API tokens.")
        if rules.token_lacks_factor(token.user, request.now):
            raise AuthenticationFailed("Your role needs a second factor, and you have none. Set it up under Sign-in.")
        _note_use(token, request)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _note_use(token: ApiToken, request: Request) -> None:
    stale = Q(last_used_at=None) | Q(last_used_at__lt=request.now - FINE_ENOUGH)
    try:
        with transaction.atomic():
            ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=request.now)
    except DatabaseError as error:
        # A database that only reads still answers what is only read.
        log.warning("use of a token not noted", error=type(error).__name__)
