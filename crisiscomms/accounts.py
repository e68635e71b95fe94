"""How allauth fits in: closed sign-up, and no mail that goes around the delivery workers."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.http import HttpRequest
from django.urls import reverse

from crisiscomms import clock, notices
from crisiscomms.models import Notice, User
from crisiscomms.notices import Mail
from crisiscomms.throttle import client_network

RESET_WANTED = timedelta(hours=24)


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """One rule for all limits; a header that is too short for the number of proxies is no error here."""
        return client_network(request)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Failed tries count per account *and* network: a stranger's do not shut the account for its owner (X7)."""
        return f"{super()._get_login_attempts_cache_key(request, **credentials)}:{client_network(request)}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Only the password link is a mail of ours; the rest of allauth's mails would name who has an account."""
        person = User.objects.active().filter(email__iexact=email).first()
        if person is None or _comes_by_provider(person):
            return
        if template_prefix.endswith("password_reset_key"):
            notices.tell([person], kind="password_reset", key=secrets.token_hex(8), now=clock.now())


def _comes_by_provider(person: User) -> bool:
    """Whoever signs in at the company's provider alone gets no second way in by a mailbox, around the provider."""
    return settings.OIDC is not None and not person.has_usable_password() and person.last_login is not None


@notices.renders("password_reset", urgency="normal", mail_only=True)
def password_reset(notice: Notice, now: datetime) -> Mail | None:
    """The link is made at the moment of sending; it dies with the next sign-in or password."""
    # One that was asked for yesterday and mailed today would look like somebody else's try.
    if now - notice.created_at > RESET_WANTED:
        return None
    person = notice.person
    key = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(person)
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(person), "key": key})
    return Mail(
        "Set a new password",
        [
            "Somebody, most likely you, asked to set a new password.",
            "If it was not you, do nothing: your password stays as it is.",
        ],
        settings.BASE_URL + path,
        "Set a new password",
    )


class RefuseDirectMail(BaseEmailBackend):
    """Django's own way of mailing is closed: everything leaves through delivery, where it is counted."""

    def send_messages(self, email_messages: Any) -> int:
        raise RuntimeError("Mail leaves through delivery: queue a Notice or order a Dispatch.")
