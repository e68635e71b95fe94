"""An open connection to an SMTP server: commands out, replies in, and everything that can go wrong with it."""

import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic
from typing import Literal, NamedTuple

from delivery.channels import PermanentError, TransientError

_REPLY_LIMIT = 65_536
_REPLY_LINES = 100
_TEXT_LIMIT = 500
_QUIT_SECONDS = 1.0


@dataclass(frozen=True)
class SmtpServer:
    """`timeout` is in seconds and holds for each answer; `helo` defaults to this host's name."""

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    tls: Literal["none", "starttls", "implicit"] = "none"
    timeout: float = 15.0
    helo: str = ""


class Reply(NamedTuple):
    code: int
    text: str

    @property
    def is_good(self) -> bool:
        return 200 <= self.code < 300


class Lost(Exception):
    """The connection cannot be used any more. `written` counts bytes of the last write."""

    def __init__(self, text: str, code: int | None = None, *, written: int = 0, silent: bool = False) -> None:
        super().__init__(text)
        self.text, self.code = text, code
        self.written, self.silent = written, silent


class Wire:
    """The open connection: bytes out, replies in."""

    def __init__(self, smtp: smtplib.SMTP, timeout: float) -> None:
        if smtp.sock is None:
            raise TransientError("connection lost")
        self._smtp = smtp
        self._socket = smtp.sock
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._timeout = timeout
        self._patience = -1.0
        self._buffer = b""
        self._received = 0
        self._usual: tuple[bytes, list[Reply]] = (b"", [])
        self.answered = 0
        self.pipelining = smtp.has_extn("pipelining")
        self.international = smtp.has_extn("smtputf8")
        size = smtp.esmtp_features.get("size", "")
        self.size_limit = int(size) if size.isdecimal() else 0
        self.has_size = smtp.has_extn("size")

    def write(self, data: bytes) -> None:
        sent = 0
        try:
            self._wait_at_most(self._timeout)
            sent = self._socket.send(data)
            while sent < len(data):
                sent += self._socket.send(memoryview(data)[sent:])
        except OSError as error:
            silent = isinstance(error, TimeoutError)
            raise Lost(f"connection lost: {error}", written=sent, silent=silent) from error

    def reply(self) -> Reply:
        """Return the next reply, all of it, within the timeout; raise Lost."""
        line, end, rest = self._buffer.partition(b"\n")
        if end:
            code, text, is_last = _read_line(line)
            if is_last and code > 0:
                self._buffer = rest
                return Reply(code, text)
        return self._whole_reply(monotonic() + self._timeout)

    def replies(self, count: int) -> list[Reply]:
        """The next `count` replies, as `reply` reads them. A 421 among them is Lost: the server hangs up.

        A server answers one envelope as it answered the last, so the same bytes are not read twice.
        """
        words, usual = self._usual
        if len(usual) == count and self._buffer == words:
            self._buffer = b""
            return usual
        at_hand, received = self._buffer, self._received
        replies = []
        for _ in range(count):
            replies.append(self.reply())
            if replies[-1].code == 421:
                raise Lost(replies[-1].text, 421)
        if not self._buffer and received == self._received:
            self._usual = (at_hand, replies)
        return replies

    def _whole_reply(self, deadline: float) -> Reply:
        texts: list[str] = []
        while True:
            line, end, rest = self._buffer.partition(b"\n")
            if not end:
                self._fill(deadline)
                continue
            self._buffer = rest
            code, text, is_last = _read_line(line)
            if code < 0:
                raise Lost("the server did not answer in SMTP")
            texts.append(text)
            if len(texts) > _REPLY_LINES:
                raise Lost("the server's answer has no end")
            if is_last:
                return Reply(code, texts[0] if len(texts) == 1 else printable(" ".join(texts)))

    def _fill(self, deadline: float) -> None:
        left = deadline - monotonic()
        if left <= 0:
            raise Lost("no answer in time", silent=True)
        if len(self._buffer) > _REPLY_LIMIT:
            raise Lost("the server did not answer in SMTP")
        try:
            # A tenth of slack: a fresh wait keeps the setting that is there.
            self._wait_at_most(self._timeout if left > self._timeout * 0.9 else left)
            received = self._socket.recv(_REPLY_LIMIT)
        except TimeoutError as error:
            raise Lost("no answer in time", silent=True) from error
        except OSError as error:
            raise Lost(f"connection lost: {error}") from error
        if not received:
            raise Lost("connection lost")
        self._buffer += received
        self._received += len(received)

    def _wait_at_most(self, seconds: float) -> None:
        # Each setting is a call into the kernel, and this runs twice a mail.
        if seconds != self._patience:
            self._socket.settimeout(seconds)
            self._patience = seconds

    def quit(self) -> None:
        self._timeout = _QUIT_SECONDS
        try:
            self.write(b"QUIT\r\n")
            self.reply()
        except Lost:
            pass
        self.close()

    def close(self) -> None:
        self._smtp.close()


def connect(server: SmtpServer) -> Wire:
    """Raise TransientError, or PermanentError for what only new settings can cure."""
    try:
        return Wire(_open_smtp(server), server.timeout)
    except smtplib.SMTPResponseException as error:
        text = error.smtp_error
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        kind = PermanentError if error.smtp_code >= 500 else TransientError
        raise kind(printable(text), error.smtp_code) from error
    except (smtplib.SMTPServerDisconnected, TimeoutError) as error:
        raise TransientError(f"cannot connect: {error}") from error
    except (smtplib.SMTPException, ssl.SSLCertVerificationError) as error:
        raise PermanentError(printable(str(error))) from error
    except OSError as error:
        raise TransientError(f"cannot connect: {error}") from error


def _open_smtp(server: SmtpServer) -> smtplib.SMTP:
    name = server.helo or _host_name()
    smtp: smtplib.SMTP
    if server.tls == "implicit":
        context = ssl.create_default_context()
        smtp = smtplib.SMTP_SSL(server.host, server.port, name, timeout=server.timeout, context=context)
    else:
        smtp = smtplib.SMTP(server.host, server.port, name, timeout=server.timeout)
    try:
        smtp.ehlo_or_helo_if_needed()
        if server.tls == "starttls":
            smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo_or_helo_if_needed()
        if server.username:
            smtp.login(server.username, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


@lru_cache(maxsize=1)
def _host_name() -> str:
    """The name of this host without asking DNS, which smtplib would do for every connection."""
    return socket.gethostname().encode("ascii", "ignore").decode() or "localhost"


@lru_cache(maxsize=256)
def _read_line(line: bytes) -> tuple[int, str, bool]:
    """Code (-1 when this is not SMTP), text, and whether it ends the reply. Servers say the same few things."""
    if not line[:3].isdigit() or line[3:4] not in (b" ", b"-", b"\r", b""):
        return -1, "", True
    text = printable(line[4:].decode("utf-8", "replace").strip())
    return int(line[:3]), text, line[3:4] != b"-"


def printable(text: str) -> str:
    text = text[:_TEXT_LIMIT]
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
