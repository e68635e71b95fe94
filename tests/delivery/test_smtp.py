import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from delivery.channels import PermanentError, TransientError
from delivery.channels.smtp import Envelope, Result, SmtpSession
from delivery.channels.wire import SmtpServer
from tests.peers.smtp_sink import Rules, SmtpSink

SENDER = "status@example.com"
TEXT = b"Subject: hi\r\n\r\nWe are on it.\r\n"


def mail(recipient: str, data: bytes = TEXT) -> Envelope:
    if "@" not in recipient:
        recipient += "@example.com"
    return Envelope(SENDER, recipient, data, key=recipient.partition("@")[0])


def server(port: int, **overrides: Any) -> SmtpServer:
    return SmtpServer(**{"host": "127.0.0.1", "port": port, "timeout": 5.0, **overrides})


def send(session: SmtpSession, *recipients: str) -> tuple[list[Result], Exception | None]:
    """The results, and the error that ended the sending early if one did."""
    results: list[Result] = []
    try:
        results.extend(session.send_many(mail(recipient) for recipient in recipients))
    except (TransientError, PermanentError) as error:
        return results, error
    return results, None


def outcomes(results: list[Result]) -> list[tuple[Any, str, int | None]]:
    return [(result.key, result.outcome, result.code) for result in results]


Start = Callable[..., tuple[SmtpSink, SmtpSession]]


@pytest.fixture(
    params=[(True, True), (True, False), (False, True)],
    ids=["pipelined", "pipelined-lone-dot", "plain"],
)
def start(request: pytest.FixtureRequest) -> Iterator[Start]:
    """Start a sink and a session to it; every test runs with each way of talking."""
    pipelining, refuses_empty_data = request.param
    running: list[SmtpSink | SmtpSession] = []

    def begin(*, timeout: float = 5.0, **rules: Any) -> tuple[SmtpSink, SmtpSession]:
        sink = SmtpSink(Rules(pipelining=pipelining, refuses_empty_data=refuses_empty_data, **rules))
        sink.__enter__()
        session = SmtpSession(server(sink.port, timeout=timeout))
        running.extend((sink, session))
        return sink, session

    yield begin
    for thing in reversed(running):
        thing.__exit__(None, None, None)
    assert all(sink.seen.unasked_pipelining == 0 for sink in running if isinstance(sink, SmtpSink))


def test_a_thousand_mails_arrive_once_each_in_order(start: Start) -> None:
    sink, session = start()
    names = [f"r{number}" for number in range(1000)]

    results, error = send(session, *names)

    assert error is None
    assert outcomes(results) == [(name, "sent", 250) for name in names]
    assert [m.recipient for m in sink.mails] == [f"{name}@example.com" for name in names]
    assert set(sink.counts.values()) == {1}
    assert sink.seen.total_connections == 1
    assert sink.seen.most_open <= 2
    assert sink.seen.most_texts == 1


def test_in_flight_stays_bounded_when_the_server_is_slow(start: Start) -> None:
    sink, session = start(delay=0.002)

    results, _ = send(session, *(f"r{number}" for number in range(20)))

    assert len(results) == 20
    assert sink.seen.most_open <= 2
    assert sink.seen.most_texts == 1


def test_the_connection_is_kept_between_calls(start: Start) -> None:
    sink, session = start()

    for name in ("anna", "ben", "cleo"):
        send(session, name)

    assert sink.seen.total_connections == 1
    assert len(sink.mails) == 3


def test_nothing_to_send_opens_no_connection(start: Start) -> None:
    sink, session = start()

    assert send(session) == ([], None)
    assert sink.seen.total_connections == 0


@pytest.mark.parametrize("stage", ["rcpt", "data"])
@pytest.mark.parametrize(("code", "outcome"), [(550, "failed"), (451, "retry")])
def test_d7_a_refusal_touches_only_its_recipient(start: Start, stage: str, code: int, outcome: str) -> None:
    sink, session = start()
    bad = f"{stage}-{code}"

    results, error = send(session, f"{bad}.a", "anna", f"{bad}.b", f"{bad}.c", "ben")

    assert error is None
    assert outcomes(results) == [
        (f"{bad}.a", outcome, code),
        ("anna", "sent", 250),
        (f"{bad}.b", outcome, code),
        (f"{bad}.c", outcome, code),
        ("ben", "sent", 250),
    ]
    assert results[0].text == "said so"
    assert [m.recipient for m in sink.mails] == ["anna@example.com", "ben@example.com"]
    assert sink.seen.total_connections == 1


def test_d6_a_greylisted_recipient_is_taken_the_second_time(start: Start) -> None:
    sink, session = start()

    first, _ = send(session, "greylist.anna", "ben")
    second, _ = send(session, "greylist.anna")

    assert [result.outcome for result in first + second] == ["retry", "sent", "sent"]
    assert sink.counts == {"ben@example.com": 1, "greylist.anna@example.com": 1}


@pytest.mark.parametrize("bad", ["rcpt-421", "data-421"])
def test_after_421_the_rest_is_left_untried(start: Start, bad: str) -> None:
    sink, session = start()

    results, error = send(session, "anna", bad, "ben")

    assert outcomes(results) == [("anna", "sent", 250), (bad, "retry", 421)]
    assert isinstance(error, TransientError)
    assert error.code == 421
    assert [m.recipient for m in sink.mails] == ["anna@example.com"]


def test_a_connection_lost_before_the_text_is_tried_once_more_then_retry(start: Start) -> None:
    sink, session = start()

    results, error = send(session, "anna", "cut", "ben")

    assert outcomes(results) == [("anna", "sent", 250), ("cut", "retry", None)]
    assert isinstance(error, TransientError)
    assert sink.seen.total_connections == 2


def test_a_relay_that_limits_mails_per_connection_is_reconnected_to(start: Start) -> None:
    sink, session = start(mails_per_connection=3)

    results, error = send(session, *(f"r{number}" for number in range(10)))

    assert error is None
    assert [result.outcome for result in results] == ["sent"] * 10
    assert set(sink.counts.values()) == {1}
    assert sink.seen.total_connections == 4


def test_d8_stored_but_dropped_before_the_answer_is_unknown(start: Start) -> None:
    sink, session = start()

    results, error = send(session, "anna", "drop", "ben", "cleo")

    assert outcomes(results) == [("anna", "sent", 250), ("drop", "unknown", None)]
    assert isinstance(error, TransientError)
    assert sink.counts == {"anna@example.com": 1, "drop@example.com": 1}


def test_the_session_goes_on_with_a_new_connection(start: Start) -> None:
    sink, session = start()
    send(session, "drop")

    results, error = send(session, "ben")

    assert (error, outcomes(results)) == (None, [("ben", "sent", 250)])
    assert sink.seen.total_connections == 2


@pytest.mark.parametrize(("who", "outcome"), [("hang", "unknown"), ("mute", "retry")])
def test_d9_a_server_that_never_answers_frees_the_slot_in_time(start: Start, who: str, outcome: str) -> None:
    sink, session = start(timeout=0.2)
    begun = time.monotonic()

    results, error = send(session, "anna", who, "ben")

    assert time.monotonic() - begun < 1.0
    assert outcomes(results) == [("anna", "sent", 250), (who, outcome, None)]
    assert sink.seen.total_connections == 1
    assert isinstance(error, TransientError)


def test_d9_a_server_that_never_greets_frees_the_slot_in_time(start: Start) -> None:
    _, session = start(timeout=0.2, greets=False)
    begun = time.monotonic()

    results, error = send(session, "anna")

    assert time.monotonic() - begun < 1.0
    assert results == []
    assert isinstance(error, TransientError)


def test_too_many_connections_is_transient(start: Start) -> None:
    sink, session = start(max_connections=1)
    send(session, "anna")

    with SmtpSession(server(sink.port)) as second:
        results, error = send(second, "ben")

    assert results == []
    assert isinstance(error, TransientError)
    assert error.code == 421


def test_nobody_listening_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    results, error = send(SmtpSession(server(port)), "anna")

    assert results == []
    assert isinstance(error, TransientError)


def test_a_caller_that_stops_early_leaves_no_half_mail(start: Start) -> None:
    sink, session = start()
    sending = session.send_many([mail("anna"), mail("ben"), mail("cleo")])

    assert next(sending).key == "anna"
    sending.close()

    results, _ = send(session, "ben")
    assert [result.outcome for result in results] == ["sent"]
    assert [m.recipient for m in sink.mails] == ["anna@example.com", "ben@example.com"]


def test_mails_are_read_at_most_two_ahead(start: Start) -> None:
    _, session = start()
    made: list[int] = []

    def source() -> Iterator[Envelope]:
        for number in range(5):
            made.append(number)
            yield mail(f"r{number}")

    for done, _ in enumerate(session.send_many(source()), start=1):
        assert len(made) <= done + 2


def test_an_error_while_making_a_mail_sends_no_half_mail(start: Start) -> None:
    sink, session = start()

    def source() -> Iterator[Envelope]:
        yield mail("anna")
        raise RuntimeError("broken template")

    with pytest.raises(RuntimeError, match="broken template"):
        list(session.send_many(source()))
    send(session, "ben")
    assert [m.recipient for m in sink.mails] == ["ben@example.com"]


@pytest.mark.parametrize(
    ("data", "stored"),
    [
        (b".\r\n..\r\n.end\r\n", b"..\r\n...\r\n..end\r\n"),
        (b"a\r\n.\r\nMAIL FROM:<x@y.z>\r\n", b"a\r\n..\r\nMAIL FROM:<x@y.z>\r\n"),
        (b"a\n.\nb\r.\rc", b"a\r\n..\r\nb\r\n..\r\nc\r\n"),
        (b"", b"\r\n"),
        (b"x" * 900_000 + b"\r\n.", b"x" * 900_000 + b"\r\n..\r\n"),
    ],
)
def test_dots_are_doubled_and_lines_end_properly(start: Start, data: bytes, stored: bytes) -> None:
    sink, session = start()

    results = list(session.send_many([mail("anna", data), mail("ben")]))

    assert [result.outcome for result in results] == ["sent", "sent"]
    assert [m.raw for m in sink.mails] == [stored, TEXT]


@pytest.mark.parametrize(
    "address",
    ["a@x.de>\r\nRCPT TO:<b@x.de", "a@x.de> SIZE=1", "a b@x.de", "no-at.x.de@", "\0@x.de"],
)
def test_a_bad_address_fails_alone_and_reaches_no_command(start: Start, address: str) -> None:
    sink, session = start()
    mails = [mail("anna"), Envelope(SENDER, address, TEXT, "bad"), mail("ben")]

    results = list(session.send_many(mails))

    assert outcomes(results) == [
        ("anna", "sent", 250),
        ("bad", "failed", None),
        ("ben", "sent", 250),
    ]
    assert len(sink.mails) == 2


def test_an_international_domain_needs_nothing_from_the_server(start: Start) -> None:
    sink, session = start()

    results, _ = send(session, "anna@bücher.example")

    assert [result.outcome for result in results] == ["sent"]
    assert sink.mails[0].recipient == "anna@xn--bcher-kva.example"


@pytest.mark.parametrize(("extensions", "outcome"), [((), "failed"), (("SMTPUTF8",), "sent")])
def test_an_international_name_needs_smtputf8(start: Start, extensions: tuple[str, ...], outcome: str) -> None:
    _, session = start(extensions=extensions)

    results, error = send(session, "jörg@example.com", "anna")

    assert error is None
    assert [result.outcome for result in results] == [outcome, "sent"]


def test_a_mail_over_the_servers_size_fails_alone(start: Start) -> None:
    _, session = start(extensions=("SIZE 100",))

    results = list(session.send_many([mail("anna", b"x" * 200), mail("ben")]))

    assert [result.outcome for result in results] == ["failed", "sent"]
    assert "100 bytes" in results[0].text


def test_login(start: Start) -> None:
    sink, _ = start(login=("crisis", "secret"))
    good = server(sink.port, username="crisis", password="secret")
    bad = server(sink.port, username="crisis", password="wrong")

    with SmtpSession(good) as session:
        assert send(session, "anna")[1] is None
    results, error = send(SmtpSession(bad), "anna")

    assert results == []
    assert isinstance(error, PermanentError)
    assert error.code == 535
    assert "secret" not in repr(good)


def test_starttls_that_is_not_offered_sends_nothing_in_the_clear(start: Start) -> None:
    sink, _ = start()

    results, error = send(SmtpSession(server(sink.port, tls="starttls")), "anna")

    assert (results, sink.mails) == ([], [])
    assert isinstance(error, PermanentError)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + ["-nodes", "-days", "2", "-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


def test_implicit_tls_checks_the_certificate(
    start: Start, certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, context = certificate
    sink, _ = start(tls=context)
    secure = server(sink.port, host="localhost", tls="implicit")

    _, error = send(SmtpSession(secure), "anna")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with SmtpSession(secure) as session:
        results, _ = send(session, "anna", "drop", "ben")

    assert isinstance(error, PermanentError)
    assert [result.outcome for result in results] == ["sent", "unknown"]


@contextmanager
def scripted(script: list[bytes], *, reads: int) -> Iterator[int]:
    """A server that says each line of the script at once, then reads `reads` bytes and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk() -> None:
            peer, _ = listener.accept()
            with peer:
                for line in script:
                    peer.sendall(line)
                    peer.recv(reads)

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


def test_a_text_that_was_not_written_to_its_dot_is_retry() -> None:
    hello = [b"220 x\r\n", b"250-x\r\n250 PIPELINING\r\n", b"250 a\r\n250 b\r\n354 c\r\n"]
    with scripted(hello, reads=1000) as port:
        session = SmtpSession(server(port))
        sending = session.send_many([mail("anna", b"x" * 50_000_000)])

        assert next(sending).outcome == "retry"
        with pytest.raises(TransientError):
            next(sending)


@pytest.mark.parametrize("answer", [b"hello\r\n", b"250-on\r\n" * 200, b"99\r\n", b"\xff\xfe\r\n"])
def test_an_answer_that_is_not_smtp_after_the_text_is_unknown(answer: bytes) -> None:
    hello = [b"220 x\r\n", b"250-x\r\n250 PIPELINING\r\n", b"250 a\r\n250 b\r\n354 c\r\n", answer]
    with scripted(hello, reads=1000) as port:
        results, error = send(SmtpSession(server(port)), "anna")

        assert [result.outcome for result in results] == ["unknown"]
        assert isinstance(error, TransientError)


def test_a_servers_words_are_made_harmless() -> None:
    words = b"550-5.1.1 no\x1b[31m\0 such\r\n550 5.1.1 " + b"x" * 5000 + b"\r\n"
    hello = [b"220 x\r\n", b"250 x\r\n", b"250 a\r\n", words, b"250 reset\r\n"]
    with scripted(hello, reads=1000) as port:
        with SmtpSession(server(port)) as session:
            results, _ = send(session, "anna")

        assert results[0].outcome == "failed"
        assert results[0].text.startswith("5.1.1 no [31m  such 5.1.1 xxx")
        assert len(results[0].text) == 500
