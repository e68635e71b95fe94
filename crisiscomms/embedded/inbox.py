"""The local mail inbox: takes every mail that the site sends on this machine, and never passes one on.

One mail is one `.eml` file: the bytes as they came, under two headers that say whom the envelope named. Names sort by
time. The page at /inbox/ reads them with `list_mails` and `read_mail`.
"""

import os
import re
import secrets
import signal
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from pathlib import Path
from typing import Any

KEPT = 20_000
PRUNE_EVERY = 500
SEARCHED = 2_000
NAME = re.compile(r"\d{20}-[0-9a-f]{8}\.eml")


class MailNotFound(LookupError):
    """No mail has this name, or it is not a name that the inbox gives."""


@dataclass(frozen=True)
class Summary:
    """One line of the inbox. `to` is the envelope's, which also shows blind copies."""

    name: str
    received_at: datetime
    sender: str
    to: str
    subject: str


@dataclass(frozen=True)
class Mail:
    """`html` is None for a mail in plain text only. `headers` keep their order."""

    summary: Summary
    headers: list[tuple[str, str]]
    text: str
    html: str | None
    attachments: list[str]
    raw: bytes


def list_mails(limit: int = 50, query: str = "", *, folder: Path | str | None = None) -> list[Summary]:
    """Newest first. `query`: words in addresses and subject, looked for among the newest SEARCHED mails only."""
    where, words, found = _folder(folder), query.lower().split(), []
    for name in _names(where)[::-1][: SEARCHED if words else limit]:
        try:
            summary = _summary(where / name)
        except FileNotFoundError:  # pruned meanwhile
            continue
        line = f"{summary.to} {summary.sender} {summary.subject}".lower()
        if all(word in line for word in words):
            found.append(summary)
        if len(found) == limit:
            break
    return found


def read_mail(name: str, *, folder: Path | str | None = None) -> Mail:
    """Raises MailNotFound, also for a name that tries to leave the folder."""
    if not NAME.fullmatch(name):
        raise MailNotFound(name)
    path = _folder(folder) / name
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise MailNotFound(name) from None
    message = BytesParser(policy=policy.default).parsebytes(raw)
    html = _body(message, "html")
    return Mail(
        summary=_summary(path),
        headers=[(key, str(value)) for key, value in message.items()],
        text=_body(message, "plain") or "",
        html=html,
        attachments=[part.get_filename() or part.get_content_type() for part in message.iter_attachments()],
        raw=raw,
    )


def store(content: bytes, *, sender: str, to: list[str], folder: Path) -> str:
    """Write one mail so that a reader sees all of it or nothing. Returns its name."""
    name = f"{time.time_ns():020d}-{secrets.token_hex(4)}.eml"
    envelope = f"X-Envelope-From: {_one_line(sender)}\r\nX-Envelope-To: {_one_line(', '.join(to))}\r\n"
    unfinished = folder / f".{name}.tmp"
    unfinished.write_bytes(envelope.encode("utf-8", "surrogateescape") + content)
    unfinished.replace(folder / name)
    return name


def prune(folder: Path, kept: int = KEPT) -> None:
    for name in _names(folder)[:-kept]:
        (folder / name).unlink(missing_ok=True)


class Keeper:
    """aiosmtpd's handler: every recipient is accepted, every mail is stored."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stored = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        name = store(envelope.content, sender=envelope.mail_from or "", to=envelope.rcpt_tos, folder=self.folder)
        self._stored += 1
        if self._stored % PRUNE_EVERY == 0:
            prune(self.folder)
        return f"250 Kept as {name}"


def start(folder: Path, port: int) -> Any:
    """A running aiosmtpd controller; its `stop()` ends it."""
    from aiosmtpd.controller import Controller

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for unfinished in folder.glob(".*.tmp"):
        unfinished.unlink(missing_ok=True)
    prune(folder)
    controller = Controller(Keeper(folder), hostname="127.0.0.1", port=port, enable_SMTPUTF8=True, ident="inbox")
    controller.start()
    return controller


def run(folder: Path, port: int) -> int:
    """Keep mails until SIGTERM or SIGINT. Returns the exit code."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    controller = start(folder, port)
    stopped.wait()
    controller.stop()
    return 0


def _folder(folder: Path | str | None) -> Path:
    return Path(folder or os.environ["LOCAL_INBOX_DIR"])


def _names(folder: Path) -> list[str]:
    """Oldest first."""
    try:
        return sorted(name for name in os.listdir(folder) if NAME.fullmatch(name))
    except FileNotFoundError:
        return []


def _summary(path: Path) -> Summary:
    with path.open("rb") as file:
        headers = BytesHeaderParser(policy=policy.default).parse(file)
    received = datetime.fromtimestamp(int(path.name[:20]) / 1e9, UTC)
    sender, to, subject = (_header(headers, key) for key in ("From", "X-Envelope-To", "Subject"))
    return Summary(name=path.name, received_at=received, sender=sender, to=to, subject=subject)


def _header(headers: Any, key: str) -> str:
    """Text of a header that may be malformed: a test mail is worth seeing most when it is broken."""
    try:
        return str(headers.get(key, ""))
    except Exception:  # noqa: BLE001 - the library raises anything on a header that a stranger wrote
        return "(unreadable)"


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    if part is None:
        return None
    try:
        return str(part.get_content())
    except (LookupError, KeyError, ValueError):  # an unknown charset
        return bytes(part.get_payload(decode=True) or b"").decode("utf-8", "replace")


def _one_line(text: str) -> str:
    return re.sub(r"[\r\n]+", " ", text)
