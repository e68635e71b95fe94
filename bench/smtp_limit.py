"""The limit for mail: prebuilt bytes, written as fast as the sink can take them.

`python -m bench.smtp_limit` prints it beside what SmtpSession reaches with the same bytes.
"""

import argparse
import json
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from delivery.channels.mime import Skeleton
from delivery.channels.smtp import Envelope, SmtpSession
from delivery.channels.wire import SmtpServer

SENDER = "status@example.com"
_TEXT = "Hello,\n\nwe are working on the problem with the checkout. More at noon.\n" * 8
_HTML = '<p style="color:#222">We are working on it &amp; there is more at noon.</p>\n' * 20
_HELLO = b"EHLO bench\r\n"
_REPLIES_PER_MAIL = 4


@dataclass(frozen=True)
class Sink:
    """A running sink process: its port, and where it writes its counts when it ends."""

    port: int
    count_file: Path
    process: subprocess.Popen[str]

    def stop(self) -> dict[str, int]:
        """End it and return deliveries per "recipient message-id"."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        counts: dict[str, int] = json.loads(self.count_file.read_text())["counts"]
        return counts


@contextmanager
def running_sink(*options: str) -> Iterator[Sink]:
    """Start `python -m tests.peers.smtp_sink` with these options beside us."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "counts.json"
        command = [sys.executable, "-m", "tests.peers.smtp_sink", "--count-file", str(path)]
        process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            yield Sink(int(process.stdout.readline()), path, process)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def prebuilt(count: int, *, label: str = "limit") -> list[Envelope]:
    """Return `count` different mails of some 3 KB, as the product builds them."""
    skeleton = Skeleton("Status", SENDER, "help@example.com")
    now = datetime.now(UTC)
    return [
        Envelope(
            SENDER,
            f"r{number}@example.com",
            skeleton.build(
                to_address=f"r{number}@example.com",
                to_name=f"Recipient {number}",
                subject="Checkout is slow",
                text=_TEXT,
                html=_HTML,
                message_id=f"<{label}.{number}@bench.example.com>",
                list_unsubscribe_url=f"https://status.example.com/u/{number}",
                date=now,
            ),
            number,
        )
        for number in range(count)
    ]


class _Pusher:
    """One connection. Chunks of bytes go out, each with the number of reply lines it causes."""

    def __init__(self, host: str, port: int, mails: list[Envelope], depth: int) -> None:
        # Joined before the clock starts: the limit is about the wire, not about making bytes.
        self._chunks = _ahead(mails, depth) if depth else _in_step(mails)
        self._slack = depth * _REPLIES_PER_MAIL
        self._wanted = len(mails) * _REPLIES_PER_MAIL
        self._chunk, self._written, self._asked, self._answered = 0, 0, 0, 0
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.recv(1000)
        self.socket.sendall(_HELLO)
        self.socket.recv(1000)
        self.socket.setblocking(False)

    @property
    def is_done(self) -> bool:
        return self._answered >= self._wanted

    @property
    def may_write(self) -> bool:
        is_due = self._asked - self._answered <= self._slack
        return is_due and self._chunk < len(self._chunks)

    def read(self) -> None:
        received = self.socket.recv(262_144)
        if not received or b"\n4" in received or b"\n5" in received:
            raise RuntimeError(f"the sink refused: {received[-200:]!r}")
        self._answered += received.count(b"\n")

    def write(self) -> None:
        data, replies = self._chunks[self._chunk]
        chunk = memoryview(data)
        try:
            self._written += self.socket.send(chunk[self._written :])
        except BlockingIOError:
            return
        if self._written == len(chunk):
            self._chunk, self._written = self._chunk + 1, 0
            self._asked += replies


def _envelope(mail: Envelope) -> bytes:
    return f"MAIL FROM:<{mail.sender}>\r\nRCPT TO:<{mail.recipient}>\r\nDATA\r\n".encode()


def _ahead(mails: list[Envelope], depth: int) -> list[tuple[bytes, int]]:
    whole = [b"".join((_envelope(mail), mail.data, b".\r\n")) for mail in mails]
    groups = [whole[start : start + depth] for start in range(0, len(whole), depth)]
    return [(b"".join(group), len(group) * _REPLIES_PER_MAIL) for group in groups]


def _in_step(mails: list[Envelope]) -> list[tuple[bytes, int]]:
    envelopes = [_envelope(mail) for mail in mails]
    chunks = [(envelopes[0], 3)]
    for mail, envelope in zip(mails, [*envelopes[1:], b""], strict=True):
        chunks.append((b"".join((mail.data, b".\r\n", envelope)), 4 if envelope else 1))
    return chunks


def measure(
    host: str, port: int, count: int, connections: int = 2, *, depth: int = 50, mails: list[Envelope] | None = None
) -> float:
    """Return mails per second for prebuilt bytes (`mails`, or `count` made-up ones), from one tight loop.

    With `depth` mails written ahead, as only a sink allows: a server's 354 is not waited for.
    With depth 0 as RFC 2920 allows it at most: one round trip a mail and connection.
    """
    mails = mails or prebuilt(count)
    pushers = [_Pusher(host, port, mails[first::connections], depth) for first in range(connections)]
    both = selectors.EVENT_READ | selectors.EVENT_WRITE
    with selectors.DefaultSelector() as selector:
        for pusher in pushers:
            selector.register(pusher.socket, both, pusher)
        begun = perf_counter()
        while selector.get_map():
            for key, events in selector.select(30):
                _step(selector, key.data, events)
        seconds = perf_counter() - begun
    return len(mails) / seconds


def _step(selector: selectors.BaseSelector, pusher: _Pusher, events: int) -> None:
    if events & selectors.EVENT_READ:
        pusher.read()
    if pusher.may_write:
        pusher.write()
    if pusher.is_done:
        selector.unregister(pusher.socket)
        pusher.socket.close()
        return
    wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if pusher.may_write else 0)
    if selector.get_key(pusher.socket).events != wanted:
        selector.modify(pusher.socket, wanted, pusher)


def measure_session(host: str, port: int, count: int, connections: int = 1) -> float:
    """Return mails per second of SmtpSession, one per thread, with prebuilt bytes."""
    mails = prebuilt(count, label="session")

    def run(first: int) -> None:
        with SmtpSession(SmtpServer(host, port)) as session:
            for result in session.send_many(mails[first::connections]):
                assert result.outcome == "sent", result

    threads = [threading.Thread(target=run, args=(first,)) for first in range(connections)]
    begun = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count / (perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    count = parser.parse_args().count
    with running_sink() as sink:
        for depth in (50, 0):
            limit = measure("127.0.0.1", sink.port, count, depth=depth)
            print(f"limit, 2 connections, depth {depth:2}: {limit:8.0f} mails/s")
        for connections in (1, 2):
            rate = measure_session("127.0.0.1", sink.port, count, connections)
            print(f"SmtpSession, {connections} connection(s):     {rate:8.0f} mails/s")
        counts = sink.stop()
    assert len(counts) == 2 * count, "a mail got lost"
    assert set(counts.values()) == {2}, "each mail was sent twice, and some came otherwise"
    with running_sink("--delay", "0.02") as slow:
        rate = measure_session("127.0.0.1", slow.port, 8_000, 32)
        print(f"SmtpSession, 32 connections to a 20 ms relay: {rate:.0f} mails/s of 1600")


if __name__ == "__main__":
    main()
