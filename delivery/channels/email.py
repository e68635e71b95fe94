"""The door to the mail server: one session per worker process, kept between batches."""

import hmac
import re
import sys
from collections.abc import Generator, Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Protocol

from django.conf import settings

from crisiscomms import environment
from crisiscomms.models import Organisation
from delivery.channels.mime import Skeleton
from delivery.channels.smtp import Envelope, Result, SmtpSession
from delivery.channels.wire import SmtpServer


class Session(Protocol):
    def send_many(self, mails: Iterable[Envelope]) -> Generator[Result, None, None]: ...

    def close(self) -> None: ...


class ConsoleSession:
    """EMAIL_URL=console: mails are written to standard output."""

    def send_many(self, mails: Iterable[Envelope]) -> Generator[Result, None, None]:
        for mail in mails:
            sys.stdout.write(mail.data.decode("utf-8", "replace") + "\n")
            yield Result(mail.key, "sent", None, "written to the console")

    def close(self) -> None:
        return None


_session: Session | None = None


def session() -> Session:
    """This process's kept connection. Workers are processes, so nothing shares it."""
    global _session
    if _session is None:
        _session = new_session()
    return _session


def new_session() -> Session:
    server = settings.MAIL_SERVER
    if server.kind == "console":
        return ConsoleSession()
    return SmtpSession(
        SmtpServer(
            server.host,
            server.port,
            server.username,
            server.password,
            server.tls,
            timeout=settings.MAIL_TIMEOUT_SECONDS,
        )
    )


def reset_session() -> None:
    """Drop the kept connection: in a fresh child process, or when the settings changed in a test."""
    global _session
    if _session is not None:
        _session.close()
    _session = None


def sender_address(organisation: Organisation) -> str:
    return organisation.from_address or settings.DEFAULT_FROM_EMAIL


def skeleton(organisation: Organisation, *, is_team_mail: bool = False) -> Skeleton:
    return Skeleton(
        organisation.from_name or organisation.name,
        sender_address(organisation),
        "" if is_team_mail else organisation.reply_to,
        auto_submitted=is_team_mail,
    )


def message_id(key: str, sender: str) -> str:
    """Stable for a recipient of a dispatch: a repeated hand-over carries the same one."""
    domain = sender.rpartition("@")[2] or "localhost"
    return f"<{re.sub(r'[^A-Za-z0-9.-]', '-', key)}@{domain}>"


def unsubscribe_url(contact_id: int) -> str:
    """The address in this person's mail. It never expires: a mail is read when it is read."""
    return f"{settings.BASE_URL}/u/{contact_id}.{_signature(contact_id, settings.SECRET_KEY)}/"


def contact_of(token: str) -> int | None:
    """The contact that an unsubscribe link belongs to, or None for a forged one."""
    number, _, signature = token.partition(".")
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        return None
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if hmac.compare_digest(signature.encode(), _signature(int(number), secret).encode()):
            return int(number)
    return None


def _signature(contact_id: int, secret: str) -> str:
    # Keyed BLAKE2, 128 bits: a mail's worth of Django's Signer would cost as much as its MIME.
    return blake2b(str(contact_id).encode(), key=_key(secret), digest_size=16).hexdigest()


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return environment.derived_key(secret, "unsubscribe")
