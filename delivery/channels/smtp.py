"""Hand mails to an SMTP server over one kept connection, with one round trip a mail.

smtplib opens the connection (EHLO, STARTTLS, AUTH); from there the commands are written here,
because smtplib waits for every single answer. With PIPELINING (RFC 2920) the text of one mail and
the envelope of the next go out together, so at most one text waits for its answer at any time.
"""

import smtplib
import socket
import ssl
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

from delivery.channels import PermanentError, TransientError
from delivery.channels.mime import HeaderRefused, wire_address

Outcome = Literal["sent", "retry", "failed", "unknown"]

_REPLY_LIMIT = 65_536
_REPLY_LINES = 100
_TEXT_LIMIT = 500
_QUIT_SECONDS = 1.0
_LOGIN_NEEDED = (530, 535, 538)


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


class Envelope(NamedTuple):
    """One mail to one recipient. `key` is the caller's own and comes back in the Result."""

    sender: str
    recipient: str
    data: bytes
    key: Any = None


class Result(NamedTuple):
    """What became of one mail. `code` is the server's, None when it did not answer.

    sent: the server took it. retry: it did not, and may later. failed: it never will.
    unknown: the whole text was written and no answer came, so it may have been taken.
    """

    key: Any
    outcome: Outcome
    code: int | None
    text: str


class Reply(NamedTuple):
    code: int
    text: str

    @property
    def is_good(self) -> bool:
        return 200 <= self.code < 300


class _Lost(Exception):
    """The connection cannot be used any more. `written` counts bytes of the last write."""

    def __init__(self, text: str, code: int | None = None, *, written: int = 0, silent: bool = False) -> None:
        super().__init__(text)
        self.text, self.code = text, code
        self.written, self.silent = written, silent


class _Refusal(NamedTuple):
    reply: Reply
    is_data_open: bool


class _Prepared(NamedTuple):
    key: Any
    envelope: tuple[bytes, bytes, bytes]
    content: bytes


class _Wire:
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
            raise _Lost(f"connection lost: {error}", written=sent, silent=silent) from error

    def reply(self) -> Reply:
        """Return the next reply, all of it, within the timeout; raise _Lost."""
        deadline = monotonic() + self._timeout
        texts: list[str] = []
        while True:
            line, end, rest = self._buffer.partition(b"\n")
            if not end:
                self._fill(deadline)
                continue
            self._buffer = rest
            code, text, is_last = _read_line(line)
            if code < 0:
                raise _Lost("the server did not answer in SMTP")
            if is_last and not texts:
                return Reply(code, text)
            texts.append(text)
            if len(texts) > _REPLY_LINES:
                raise _Lost("the server's answer has no end")
            if is_last:
                return Reply(code, _printable(" ".join(texts)))

    def _fill(self, deadline: float) -> None:
        left = deadline - monotonic()
        if left <= 0:
            raise _Lost("no answer in time", silent=True)
        if len(self._buffer) > _REPLY_LIMIT:
            raise _Lost("the server did not answer in SMTP")
        try:
            # A tenth of slack: a fresh wait keeps the setting that is there.
            self._wait_at_most(self._timeout if left > self._timeout * 0.9 else left)
            received = self._socket.recv(_REPLY_LIMIT)
        except TimeoutError as error:
            raise _Lost("no answer in time", silent=True) from error
        except OSError as error:
            raise _Lost(f"connection lost: {error}") from error
        if not received:
            raise _Lost("connection lost")
        self._buffer += received

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
        except _Lost:
            pass
        self.close()

    def close(self) -> None:
        self._smtp.close()


class SmtpSession:
    """One kept connection, opened when first needed. Not to be shared between threads."""

    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        self._wire: _Wire | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye, waiting a second at most. The session may be used again."""
        if self._wire is not None:
            self._wire.quit()
            self._wire = None

    def send_many(self, mails: Iterable[Envelope]) -> Generator[Result, None, None]:
        """Yield one Result per mail, in order, each as soon as the server has answered.

        `mails` is read lazily, one ahead of the text being written. When the server cannot be
        used any longer (after 421, "unknown", or a lost connection) the mail concerned gets its
        Result and TransientError is raised; PermanentError means that its settings are refused.
        In both cases, and when the caller stops early, mails without a Result were not sent.
        The next call connects again.
        """
        finished = False
        try:
            yield from self._send(iter(mails))
            finished = True
        finally:
            if not finished:
                self._drop()

    def _send(self, source: Iterator[Envelope]) -> Iterator[Result]:
        refused, mail = self._next(source)
        yield from refused
        is_open = False
        while mail is not None:
            try:
                refusal = self._open(mail, is_written=is_open)
            except _Lost as lost:
                if self._may_be_stale(lost):
                    is_open = False
                    continue
                yield Result(mail.key, "retry", lost.code, lost.text)
                raise TransientError(lost.text, lost.code) from lost
            refused, following = self._next(source)
            result = self._hand_over(mail, following) if refusal is None else self._give_up(mail, refusal, following)
            yield result
            if result.outcome == "unknown" or result.code in (None, 421):
                raise TransientError(result.text, result.code)
            yield from refused
            mail, is_open = following, self._wire is not None and self._wire.pipelining

    def _next(self, source: Iterator[Envelope]) -> tuple[list[Result], _Prepared | None]:
        """Return the next mail that can be tried, and the results of those before it that cannot."""
        refused: list[Result] = []
        for mail in source:
            wire = self._connected()
            try:
                return refused, _prepare(mail, wire)
            except (HeaderRefused, PermanentError) as refusal:
                refused.append(Result(mail.key, "failed", None, _printable(str(refusal))))
        return refused, None

    def _open(self, mail: _Prepared, *, is_written: bool) -> _Refusal | None:
        """Announce the mail; None means that its text may follow."""
        wire = self._connected()
        if wire.pipelining:
            if not is_written:
                wire.write(b"".join(mail.envelope))
            return _judge([_checked_reply(wire) for _ in mail.envelope])
        replies: list[Reply] = []
        for command in mail.envelope:
            wire.write(command)
            replies.append(_checked_reply(wire))
            if not replies[-1].is_good:
                break
        return _judge(replies)

    def _hand_over(self, mail: _Prepared, following: _Prepared | None) -> Result:
        wire = self._connected()
        try:
            wire.write(mail.content + self._announcement(wire, following))
        except _Lost as lost:
            # Without its lone dot the server throws the text away.
            is_whole = lost.written >= len(mail.content)
            return Result(mail.key, "unknown" if is_whole else "retry", None, lost.text)
        try:
            reply = wire.reply()
        except _Lost as lost:
            return Result(mail.key, "unknown", None, lost.text)
        wire.answered += 1
        if reply.is_good:
            return Result(mail.key, "sent", *reply)
        if 400 <= reply.code < 600:
            return Result(mail.key, "retry" if reply.code < 500 else "failed", *reply)
        return Result(mail.key, "unknown", *reply)

    def _give_up(self, mail: _Prepared, refusal: _Refusal, following: _Prepared | None) -> Result:
        """Leave the refused mail behind so that the next one starts clean."""
        wire = self._connected()
        # After 354 the server takes all for text until a dot; without a recipient it is void.
        end = b".\r\n" if refusal.is_data_open else b"RSET\r\n"
        try:
            wire.write(end + self._announcement(wire, following))
            _checked_reply(wire)
            wire.answered += 1
        except _Lost:
            self._drop()
        reply = refusal.reply
        return Result(mail.key, "failed" if reply.code >= 500 else "retry", *reply)

    def _announcement(self, wire: _Wire, following: _Prepared | None) -> bytes:
        return b"".join(following.envelope) if following and wire.pipelining else b""

    def _may_be_stale(self, lost: _Lost) -> bool:
        """A kept connection may have been closed meanwhile: that deserves one new connection."""
        was_used = self._wire is not None and self._wire.answered > 0
        self._drop()
        return was_used and not lost.silent

    def _connected(self) -> _Wire:
        if self._wire is None:
            self._wire = _connect(self.server)
        return self._wire

    def _drop(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None


def _checked_reply(wire: _Wire) -> Reply:
    reply = wire.reply()
    if reply.code == 421:
        raise _Lost(reply.text, 421)
    return reply


def _judge(replies: list[Reply]) -> _Refusal | None:
    """Weigh the replies to MAIL, RCPT, DATA; the last one given is the refusal if any is."""
    if replies[0].code in _LOGIN_NEEDED:
        raise PermanentError(replies[0].text, replies[0].code)
    is_data_open = replies[-1].code == 354
    for reply in replies[:2]:
        if not reply.is_good:
            return _Refusal(reply, is_data_open)
    return None if is_data_open else _Refusal(replies[-1], is_data_open)


def _connect(server: SmtpServer) -> _Wire:
    """Raise TransientError, or PermanentError for what only new settings can cure."""
    try:
        return _Wire(_open_smtp(server), server.timeout)
    except smtplib.SMTPResponseException as error:
        text = error.smtp_error
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        kind = PermanentError if error.smtp_code >= 500 else TransientError
        raise kind(_printable(text), error.smtp_code) from error
    except (smtplib.SMTPServerDisconnected, TimeoutError) as error:
        raise TransientError(f"cannot connect: {error}") from error
    except (smtplib.SMTPException, ssl.SSLCertVerificationError) as error:
        raise PermanentError(_printable(str(error))) from error
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


def _prepare(mail: Envelope, wire: _Wire) -> _Prepared:
    """Raise HeaderRefused or PermanentError when this server can never take this mail."""
    sender = wire_address(mail.sender, field="MAIL")
    recipient = wire_address(mail.recipient, field="RCPT")
    content = _content(mail.data)
    if wire.size_limit and len(content) > wire.size_limit:
        raise PermanentError(f"larger than the {wire.size_limit} bytes the server takes")
    options = f" SIZE={len(content)}" if wire.has_size else ""
    if not (sender.isascii() and recipient.isascii()):
        if not wire.international:
            raise PermanentError("the server cannot take an international address")
        options += " BODY=8BITMIME SMTPUTF8"
    envelope = (
        f"MAIL FROM:<{sender}>{options}\r\n".encode(),
        f"RCPT TO:<{recipient}>\r\n".encode(),
        b"DATA\r\n",
    )
    return _Prepared(mail.key, envelope, content)


def _content(data: bytes) -> bytes:
    """Return the text as DATA wants it: CRLF only, dots doubled, ended by the lone dot."""
    lines = data.count(b"\r\n")
    if data.count(b"\n") != lines or data.count(b"\r") != lines:
        # A bare CR or LF could be taken for a line end and smuggle in a second mail.
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    if b"\n." in data:
        data = data.replace(b"\n.", b"\n..")
    if data.startswith(b"."):
        data = b"." + data
    return data + (b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n")


@lru_cache(maxsize=256)
def _read_line(line: bytes) -> tuple[int, str, bool]:
    """Code (-1 when this is not SMTP), text, and whether it ends the reply. Servers say the same few things."""
    if not line[:3].isdigit() or line[3:4] not in (b" ", b"-", b"\r", b""):
        return -1, "", True
    text = _printable(line[4:].decode("utf-8", "replace").strip())
    return int(line[:3]), text, line[3:4] != b"-"


def _printable(text: str) -> str:
    text = text[:_TEXT_LIMIT]
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
