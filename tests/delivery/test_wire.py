"""Replies read at once: the same bytes for each mail are understood once, and never taken for others."""

import smtplib
import socket
from collections.abc import Iterator

import pytest

from delivery.channels.wire import Lost, Reply, Wire

USUAL = b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 Go on\r\n"
GOOD = [Reply(250, "2.1.0 Ok"), Reply(250, "2.1.5 Ok"), Reply(354, "Go on")]


@pytest.fixture
def ends() -> Iterator[tuple[Wire, socket.socket]]:
    ours, theirs = socket.socketpair()
    smtp = smtplib.SMTP()
    smtp.sock = ours
    smtp.esmtp_features = {"pipelining": ""}
    wire = _Wire(smtp, 5.0)
    yield wire, theirs
    theirs.close()
    wire.close()


class _Wire(Wire):
    """A pair of local sockets knows no TCP options."""

    def __init__(self, smtp: smtplib.SMTP, timeout: float) -> None:
        assert smtp.sock is not None
        smtp.sock = _Plain(smtp.sock)  # type: ignore[assignment]
        super().__init__(smtp, timeout)


class _Plain:
    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner

    def setsockopt(self, *_: int) -> None:
        pass

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


def ask(wire: Wire, theirs: socket.socket, said: bytes, first: bytes = b"250 taken\r\n") -> list[Reply]:
    """As after a mail: the answer to its text and those to the next envelope come together."""
    theirs.sendall(first + said)
    wire.reply()
    return wire.replies(3)


def test_the_same_answers_are_read_again_and_again(ends: tuple[Wire, socket.socket]) -> None:
    assert [ask(*ends, USUAL) for _ in range(4)] == [GOOD] * 4


def test_another_answer_among_the_usual_ones_is_seen(ends: tuple[Wire, socket.socket]) -> None:
    ask(*ends, USUAL), ask(*ends, USUAL)

    refused = ask(*ends, USUAL.replace(b"250 2.1.5 Ok", b"550 5.1.1 No"))

    assert [reply.code for reply in refused] == [250, 550, 354]
    assert ask(*ends, USUAL) == GOOD


def test_a_421_among_them_is_the_end(ends: tuple[Wire, socket.socket]) -> None:
    ask(*ends, USUAL), ask(*ends, USUAL)

    with pytest.raises(Lost) as lost:
        ask(*ends, USUAL.replace(b"250 2.1.5 Ok", b"421 4.3.2 Bye"))

    assert lost.value.code == 421


def test_answers_that_come_in_two_halves_are_not_taken_for_all(ends: tuple[Wire, socket.socket]) -> None:
    wire, theirs = ends
    ask(wire, theirs, USUAL), ask(wire, theirs, USUAL)

    for _ in range(2):
        theirs.sendall(b"250 taken\r\n" + USUAL[:14])
        wire.reply()
        theirs.sendall(USUAL[14:])
        assert wire.replies(3) == GOOD
    theirs.sendall(b"250 and one more\r\n")
    assert wire.reply() == Reply(250, "and one more")


def test_one_usual_answer_is_not_three(ends: tuple[Wire, socket.socket]) -> None:
    wire, theirs = ends
    theirs.sendall(b"250 ok\r\n250 ok\r\n")
    wire.reply()
    assert wire.replies(1) == [Reply(250, "ok")]

    theirs.sendall(b"250 ok\r\n250 ok\r\n")
    wire.reply()
    theirs.sendall(b"250 ok\r\n354 ok\r\n")

    assert [reply.code for reply in wire.replies(3)] == [250, 250, 354]
