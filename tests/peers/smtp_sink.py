"""An SMTP server that takes mail as fast as asyncio allows, and misbehaves on demand.

In a test: `with SmtpSink() as sink:` (a thread). For benches: `python -m tests.peers.smtp_sink`,
which prints its port, keeps only counts, and writes them as JSON on SIGUSR1 and when it ends.

What happens to a recipient (`Behave`): "ok", "rcpt 550 text", "data 554 text" (any code), "drop"
(stores, closes without an answer), "hang" (stores, never answers), "cut" (closes at RCPT),
"mute" (never answers RCPT), "greylist" (451 the first time).
"""

import argparse
import asyncio
import base64
import json
import os
import signal
import ssl
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

Behave = Callable[[str], str]


class Mail(NamedTuple):
    sender: str
    recipient: str
    raw: bytes


def by_local_part(recipient: str) -> str:
    """Read the behaviour from the address: rcpt-550@, data-554@, drop@, hang@, greylist@ …

    What follows a "." is free, so that greylist.anna@ and greylist.ben@ are two people.
    """
    word = recipient.partition("@")[0].partition(".")[0]
    stage, _, code = word.partition("-")
    if code.isdecimal():
        return f"{stage} {code} said so"
    return word if word in ("drop", "hang", "cut", "mute", "greylist") else "ok"


@dataclass
class Rules:
    """How the server behaves. `delay` is in seconds, per batch of replies that leave together."""

    pipelining: bool = True
    behave: Behave | None = by_local_part
    delay: float = 0.0
    max_connections: int = 0
    mails_per_connection: int = 0
    # Whether DATA without a good recipient is refused at once, or only after its lone dot.
    refuses_empty_data: bool = True
    extensions: tuple[str, ...] = ()
    login: tuple[str, str] | None = None
    greets: bool = True
    tls: ssl.SSLContext | None = None


@dataclass
class Seen:
    """What the connections did. `most_open` counts mails begun and not finally answered."""

    take: Callable[[Mail], None]
    connections: int = 0
    total_connections: int = 0
    most_open: int = 0
    most_texts: int = 0
    unasked_pipelining: int = 0
    greylisted: set[str] = field(default_factory=set)
    transports: set[asyncio.Transport] = field(default_factory=set)

    def hang_up(self) -> None:
        for transport in self.transports:
            transport.abort()


class _Connection(asyncio.Protocol):
    def __init__(self, rules: Rules, seen: Seen) -> None:
        self._rules, self._seen = rules, seen
        self._transport: asyncio.Transport
        self._rest = b""
        self._in_data = self._is_deaf = self._closes = False
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._action = "ok"
        self._taken = 0
        self._replies: list[bytes] = []
        self._delayed: deque[tuple[list[bytes], int, int]] = deque()
        self._opened = self._texts = self._answered_opened = self._answered_texts = 0
        self._commands: dict[bytes, Callable[[bytes], None]] = {
            b"MAIL": self._mail,
            b"RCPT": self._rcpt,
            b"DATA": self._data,
            b"RSET": self._rset,
            b"EHLO": self._ehlo,
            b"AUTH": self._auth,
            b"QUIT": self._quit,
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        seen, limit = self._seen, self._rules.max_connections
        seen.transports.add(transport)
        seen.connections += 1
        seen.total_connections += 1
        if not self._rules.greets:
            return
        if limit and seen.connections > limit:
            transport.write(b"421 4.7.0 too many connections\r\n")
            transport.close()
            return
        transport.write(b"220 sink ESMTP\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        self._seen.connections -= 1
        self._seen.transports.discard(self._transport)
        self._is_deaf = True

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        buffer = self._rest + data if self._rest else data
        position, size = 0, len(buffer)
        while position < size and not self._is_deaf:
            start = position
            position = self._content(buffer, position) if self._in_data else self._command(buffer, position)
            if position < 0:
                position = start
                break
        self._rest = buffer[position:]
        if self._rules.behave is not None:
            self._note(has_more=bool(self._rest) and not self._in_data)
        self._flush()

    def _command(self, buffer: bytes, position: int) -> int:
        end = buffer.find(b"\n", position)
        if end < 0:
            return -1
        line = buffer[position:end]
        handler = self._commands.get(line[:4].upper())
        if handler is None:
            self._replies.append(b"500 5.5.1 unknown command\r\n")
        else:
            handler(line)
        if not self._rules.pipelining and not self._in_data and end + 1 < len(buffer):
            self._seen.unasked_pipelining += 1
        return end + 1

    def _content(self, buffer: bytes, position: int) -> int:
        if buffer.startswith(b".\r\n", position):
            end, after = position, position + 3
        else:
            end = buffer.find(b"\r\n.\r\n", position) + 2
            if end < 2:
                return -1
            after = end + 3
        self._in_data = False
        self._texts += 1
        self._finish(buffer[position:end])
        self._sender, self._recipients = None, []
        return after

    def _finish(self, raw: bytes) -> None:
        self._answered_opened += 1
        self._answered_texts += 1
        if not self._recipients:
            self._replies.append(b"554 5.5.1 no valid recipients\r\n")
            return
        action = self._action
        if action.startswith("data "):
            self._replies.append(f"{action[5:]}\r\n".encode())
            self._is_deaf = self._closes = action.startswith("data 421")
            return
        mail = Mail(self._sender or "", self._recipients[0], raw)
        if action in ("drop", "hang"):
            self._is_deaf, self._closes = True, action == "drop"
            self._answered_opened -= 1
            self._answered_texts -= 1
        else:
            self._replies.append(b"250 2.0.0 ok\r\n")
        self._seen.take(mail)
        self._taken += 1

    def _mail(self, line: bytes) -> None:
        limit = self._rules.mails_per_connection
        if limit and self._taken >= limit:
            self._replies.append(b"421 4.7.0 too many mails in this session\r\n")
            self._is_deaf = self._closes = True
        elif self._sender is not None:
            self._replies.append(b"503 5.5.1 nested MAIL\r\n")
        else:
            self._opened += 1
            self._sender, self._recipients = _address(line), []
            self._replies.append(b"250 2.1.0 ok\r\n")

    def _rcpt(self, line: bytes) -> None:
        recipient = _address(line)
        behave = self._rules.behave
        if behave is None:
            self._recipients.append(recipient)
            self._replies.append(b"250 2.1.5 ok\r\n")
            return
        action = self._action = behave(recipient)
        if action == "greylist" and recipient not in self._seen.greylisted:
            self._seen.greylisted.add(recipient)
            action = "rcpt 451 4.7.1 come back later"
        if action in ("cut", "mute"):
            self._is_deaf, self._closes = True, action == "cut"
        elif action.startswith("rcpt "):
            self._replies.append(f"{action[5:]}\r\n".encode())
            self._is_deaf = self._closes = action.startswith("rcpt 421")
        else:
            self._recipients.append(recipient)
            self._replies.append(b"250 2.1.5 ok\r\n")

    def _data(self, line: bytes) -> None:
        if not self._recipients and self._rules.refuses_empty_data:
            self._replies.append(b"503 5.5.1 no valid recipients\r\n")
            return
        self._in_data = True
        self._replies.append(b"354 go on\r\n")

    def _rset(self, line: bytes) -> None:
        if self._sender is not None:
            self._answered_opened += 1
        self._sender, self._recipients = None, []
        self._replies.append(b"250 2.0.0 ok\r\n")

    def _ehlo(self, line: bytes) -> None:
        words = ["sink", *self._rules.extensions]
        if self._rules.pipelining:
            words.append("PIPELINING")
        if self._rules.login:
            words.append("AUTH PLAIN")
        lines = [f"250-{word}\r\n" for word in words[:-1]] + [f"250 {words[-1]}\r\n"]
        self._replies.append("".join(lines).encode())

    def _auth(self, line: bytes) -> None:
        given = base64.b64decode(line.split()[-1]).decode().split("\0")[1:]
        good = self._rules.login is not None and tuple(given) == self._rules.login
        self._replies.append(b"235 2.7.0 ok\r\n" if good else b"535 5.7.8 wrong password\r\n")

    def _quit(self, line: bytes) -> None:
        self._replies.append(b"221 2.0.0 bye\r\n")
        self._is_deaf = self._closes = True

    def _note(self, *, has_more: bool) -> None:
        # One text ahead is fine; a MAIL without a text yet counts from its first byte.
        seen = self._seen
        seen.most_open = max(seen.most_open, self._opened + has_more)
        seen.most_texts = max(seen.most_texts, self._texts)

    def _flush(self) -> None:
        batch = (self._replies, self._answered_opened, self._answered_texts)
        self._replies, self._answered_opened, self._answered_texts = [], 0, 0
        self._delayed.append(batch)
        if self._rules.delay:
            asyncio.get_running_loop().call_later(self._rules.delay, self._answer)
        else:
            self._answer()

    def _answer(self) -> None:
        replies, opened, texts = self._delayed.popleft()
        self._opened -= opened
        self._texts -= texts
        if replies and not self._transport.is_closing():
            self._transport.write(b"".join(replies))
        if self._closes and not self._delayed:
            self._transport.close()


def _address(line: bytes) -> str:
    return line[line.find(b"<") + 1 : line.rfind(b">")].decode()


async def _serve(rules: Rules, seen: Seen, host: str, port: int) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: _Connection(rules, seen), host, port, backlog=512, ssl=rules.tls)


class SmtpSink:
    """The sink in a thread. `mails` are in order of arrival, texts as sent (dots still doubled)."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.mails: list[Mail] = []
        self.counts: Counter[str] = Counter()
        self.seen = Seen(self._take)
        self.port = 0
        self._changed = threading.Condition()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10), "the sink did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def wait_for(self, condition: Callable[[], bool], timeout: float = 5.0) -> None:
        """Wait until a mail that makes `condition` true has arrived; fail after `timeout` s."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout), "it did not happen in time"

    def _take(self, mail: Mail) -> None:
        with self._changed:
            self.mails.append(mail)
            self.counts[mail.recipient] += 1
            self._changed.notify_all()

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await _serve(self.rules, self.seen, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        server.close()
        self.seen.hang_up()
        await asyncio.sleep(0)


class _Counts:
    """Deliveries per recipient and Message-ID, in a file on request; the bytes are forgotten."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counts: Counter[str] = Counter()

    def take(self, mail: Mail) -> None:
        start = mail.raw.find(b"\nMessage-ID: ") + 13
        identity = mail.raw[start : mail.raw.find(b"\r", start)].decode() if start > 12 else ""
        self._counts[f"{mail.recipient} {identity}"] += 1

    def dump(self) -> None:
        """Replace the file in one step, so that a reader never sees half of it."""
        total = sum(self._counts.values())
        document = {"total": total, "unique": len(self._counts), "counts": self._counts}
        draft = self._path.with_suffix(".part")
        draft.write_text(json.dumps(document))
        os.replace(draft, self._path)


async def _run_process(rules: Rules, host: str, port: int, path: Path) -> None:
    counts = _Counts(path)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, counts.dump)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await _serve(rules, Seen(counts.take), host, port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()
    server.close()
    counts.dump()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--count-file", type=Path, required=True)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds per answer")
    parser.add_argument("--no-pipelining", action="store_true")
    parser.add_argument("--behave", action="store_true", help="obey the local parts")
    options = parser.parse_args()
    rules = Rules(
        pipelining=not options.no_pipelining,
        behave=by_local_part if options.behave else None,
        delay=options.delay,
    )
    asyncio.run(_run_process(rules, options.host, options.port, options.count_file))


if __name__ == "__main__":
    main()
