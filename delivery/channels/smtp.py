"""Hand mails to an SMTP server over one kept connection, with one round trip a mail.

smtplib opens the connection (EHLO, STARTTLS, AUTH); from there the commands are written here,
because smtplib waits for every single answer. With PIPELINING (RFC 2920) the text of one mail and
the envelope of the next go out together, so at most one text waits for its answer at any time.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

from delivery.channels import PermanentError, TransientError
from delivery.channels.mime import HeaderRefused, Lines, wire_address
from delivery.channels.wire import Lost, Reply, SmtpServer, Wire, connect, printable

Outcome = Literal["sent", "retry", "failed", "unknown"]

_LOGIN_NEEDED = (530, 535, 538)


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


class _Refusal(NamedTuple):
    reply: Reply
    is_data_open: bool


class _Prepared(NamedTuple):
    key: Any
    envelope: tuple[bytes, bytes, bytes]
    content: bytes


class SmtpSession:
    """One kept connection, opened when first needed. Not to be shared between threads."""

    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        self._wire: Wire | None = None

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

        `mails` is read lazily: one is prepared ahead of the text being written, and one more while
        the server reads it. When the server cannot be used any longer (after 421, "unknown", or a
        lost connection) the mail concerned gets its Result and TransientError is raised;
        PermanentError means that its settings are refused. In both cases, and when the caller
        stops early, mails without a Result were not sent. The next call connects again.
        """
        finished = False
        try:
            yield from self._send(_Coming(iter(mails), self._connected))
            finished = True
        finally:
            if not finished:
                self._drop()

    def _send(self, coming: "_Coming") -> Iterator[Result]:
        refused, mail = coming.take()
        yield from refused
        is_open = False
        while mail is not None:
            try:
                refusal = self._open(mail, is_written=is_open)
            except Lost as lost:
                if self._may_be_stale(lost):
                    is_open = False
                    continue
                yield Result(mail.key, "retry", lost.code, lost.text)
                raise TransientError(lost.text, lost.code) from lost
            following = coming.peek()
            if refusal is None:
                result = self._hand_over(mail, following, coming)
            else:
                result = self._give_up(mail, refusal, following)
            yield result
            if result.outcome == "unknown" or result.code in (None, 421):
                raise TransientError(result.text, result.code)
            refused, mail = coming.take()
            yield from refused
            is_open = self._wire is not None and self._wire.pipelining

    def _open(self, mail: _Prepared, *, is_written: bool) -> _Refusal | None:
        """Announce the mail; None means that its text may follow."""
        wire = self._connected()
        if wire.pipelining:
            if not is_written:
                wire.write(b"".join(mail.envelope))
            return _judge(wire.replies(len(mail.envelope)))
        replies: list[Reply] = []
        for command in mail.envelope:
            wire.write(command)
            replies += wire.replies(1)
            if not replies[-1].is_good:
                break
        return _judge(replies)

    def _hand_over(self, mail: _Prepared, following: _Prepared | None, coming: "_Coming") -> Result:
        wire = self._connected()
        try:
            wire.write(mail.content + self._announcement(wire, following))
        except Lost as lost:
            # Without its lone dot the server throws the text away.
            is_whole = lost.written >= len(mail.content)
            return Result(mail.key, "unknown" if is_whole else "retry", None, lost.text)
        # While the server reads, the mail after the next is made.
        coming.fetch()
        try:
            reply = wire.reply()
        except Lost as lost:
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
            wire.replies(1)
            wire.answered += 1
        except Lost:
            self._drop()
        reply = refusal.reply
        return Result(mail.key, "failed" if reply.code >= 500 else "retry", *reply)

    def _announcement(self, wire: Wire, following: _Prepared | None) -> bytes:
        return b"".join(following.envelope) if following and wire.pipelining else b""

    def _may_be_stale(self, lost: Lost) -> bool:
        """A kept connection may have been closed meanwhile: that deserves one new connection."""
        was_used = self._wire is not None and self._wire.answered > 0
        self._drop()
        return was_used and not lost.silent

    def _connected(self) -> Wire:
        if self._wire is None:
            self._wire = connect(self.server)
        return self._wire

    def _drop(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None


class _Coming:
    """The mails to come, each with the results of those before it that no server could take."""

    def __init__(self, source: Iterator[Envelope], connected: Callable[[], Wire]) -> None:
        self._source, self._connected = source, connected
        self._ready: deque[tuple[list[Result], _Prepared | None]] = deque()
        self._trouble: BaseException | None = None

    def fetch(self) -> None:
        """Prepare one more. Trouble in making it is kept until it is needed: a text is on its way now."""
        if self._trouble is not None or (self._ready and self._ready[-1][1] is None):
            return
        try:
            self._ready.append(self._next())
        except BaseException as trouble:  # noqa: BLE001 - raised by the next peek or take
            self._trouble = trouble

    def peek(self) -> _Prepared | None:
        self._fill()
        return self._ready[0][1]

    def take(self) -> tuple[list[Result], _Prepared | None]:
        self._fill()
        return self._ready.popleft()

    def _fill(self) -> None:
        if not self._ready:
            self.fetch()
        if not self._ready and self._trouble is not None:
            raise self._trouble

    def _next(self) -> tuple[list[Result], _Prepared | None]:
        refused: list[Result] = []
        for mail in self._source:
            wire = self._connected()
            try:
                return refused, _prepare(mail, wire)
            except (HeaderRefused, PermanentError) as refusal:
                refused.append(Result(mail.key, "failed", None, printable(str(refusal))))
        return refused, None


def _judge(replies: list[Reply]) -> _Refusal | None:
    """Weigh the replies to MAIL, RCPT, DATA; the last one given is the refusal if any is."""
    if replies[0].code in _LOGIN_NEEDED:
        raise PermanentError(replies[0].text, replies[0].code)
    is_data_open = replies[-1].code == 354
    for reply in replies[:2]:
        if not reply.is_good:
            return _Refusal(reply, is_data_open)
    return None if is_data_open else _Refusal(replies[-1], is_data_open)


def _prepare(mail: Envelope, wire: Wire) -> _Prepared:
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
    if not isinstance(data, Lines) and not data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r"):
        # A bare CR or LF could be taken for a line end and smuggle in a second mail.
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    if b"\n." in data:
        data = data.replace(b"\n.", b"\n..")
    if data.startswith(b"."):
        data = b"." + data
    return data + (b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n")
