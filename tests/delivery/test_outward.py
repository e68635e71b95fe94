"""What an address that somebody typed can reach: the open Internet, and nothing of ours by any spelling."""

import socket
import ssl
import subprocess

import pytest

from delivery.channels import PermanentError, TransientError, UnknownOutcome, outward
from tests.peers.chat_room import ChatRoom


@pytest.fixture
def room():
    with ChatRoom() as room:
        yield room


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "0177.0.0.1", "0x7f.0.0.1", "2130706433", "0x7f000001", "0.0.0.0", "0", "localhost"),
        *(
            "10.0.0.8",
            "172.16.3.4",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
        ),
        *("192.0.0.8", "198.18.0.1", "224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1"),
        *("::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::1"),
        *("2002:7f00:1::", "2001:0:53aa:64c::1", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1"),
    ],
)
def test_nothing_inside_is_reached_by_any_spelling(host):
    with pytest.raises(PermanentError, match="open Internet"):
        outward.judged(host)


@pytest.mark.parametrize("host", ["93.184.215.14", "172.32.0.1", "100.128.0.1", "2606:4700::6810:84e5"])
def test_the_open_internet_is(host):
    assert outward.judged(host) == host


@pytest.mark.parametrize("host", ["169.254.169.254", "100.64.0.1", "fe80::1", "224.0.0.1", "0.0.0.0", "2002:7f00:1::"])
def test_a_host_that_the_operator_named_may_be_private_and_nothing_else(host):
    assert outward.judged("10.0.0.8", inside=True) == "10.0.0.8"
    with pytest.raises(PermanentError):
        outward.judged(host, inside=True)


def names(monkeypatch, *answers):
    """What the network says about a name, one lookup after the other."""
    asked, real = [], socket.getaddrinfo

    def look_up(host, port, *rest, **more):
        if host != "chat.example":
            return real(host, port, *rest, **more)
        asked.append(host)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in answers[min(len(asked), len(answers)) - 1]
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def test_a_name_that_leads_inside_with_one_of_its_addresses_is_not_reached(monkeypatch):
    names(monkeypatch, ["93.184.215.14", "10.0.0.8"])

    with pytest.raises(PermanentError, match="open Internet"):
        outward.judged("chat.example")


def test_a_name_that_flips_is_asked_once_and_the_judged_address_is_connected_to(monkeypatch, room):
    asked = names(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])

    outward.post(room.url.replace("127.0.0.1", "chat.example"), {"text": "x"}, inside=True)

    assert (asked, room.lines) == (["chat.example"], ["x"])
    # The server is told the name that was typed, with its port.
    assert room.hosts == [f"chat.example:{room.server.server_port}"]


def test_a_post_to_a_private_address_does_not_connect(room):
    with pytest.raises(PermanentError, match="open Internet"):
        outward.post(room.url, {"text": "x"})

    assert room.paths == []


def test_a_redirect_is_not_followed(room):
    room.code, room.location = 307, "/elsewhere"

    with pytest.raises(PermanentError, match="redirect"):
        outward.post(room.url, {"text": "x"}, inside=True)

    assert room.paths == ["/hooks/s3cret"]


@pytest.mark.parametrize(("code", "error"), [(404, PermanentError), (429, TransientError), (503, TransientError)])
def test_what_is_pointless_to_repeat_is_told_from_what_is_not(room, code, error):
    room.code = code

    with pytest.raises(error) as said:
        outward.post(room.url, {"text": "x"}, inside=True)

    assert said.value.code == code
    assert "s3cret" not in said.value.text


def test_a_server_that_is_not_there_can_be_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(TransientError, match="could not be reached"):
        outward.post(f"http://127.0.0.1:{port}/s3cret", {"text": "x"}, inside=True)


@pytest.mark.slow
def test_one_that_takes_the_line_and_does_not_answer_is_unknown(room, monkeypatch):
    monkeypatch.setattr(outward, "TIMEOUT", (1, 0.2))
    room.delay = 1

    with pytest.raises(UnknownOutcome):
        outward.post(room.url, {"text": "x"}, inside=True)


def test_no_proxy_of_the_environment_gets_the_address(room, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    outward.post(room.url, {"text": "x"}, inside=True)

    assert room.lines == ["x"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Of chat.example, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=chat.example", "-addext", "subjectAltName=DNS:chat.example"]
    subprocess.run([*made, *names, "-keyout", folder / "key", "-out", folder / "cert"], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize(
    ("name", "is_trusted", "arrives"),
    [("chat.example", True, True), ("chat.example", False, False), ("127.0.0.1", True, False)],
)
def test_the_certificate_has_to_be_of_the_name_that_was_typed(
    monkeypatch, room, certificate, name, is_trusted, arrives
):
    names(monkeypatch, ["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert", certificate / "key")
    room.server.socket = context.wrap_socket(room.server.socket, server_side=True)
    if is_trusted:
        monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate / "cert"))
    url = f"https://{name}:{room.server.server_port}/hooks"

    if arrives:
        outward.post(url, {"text": "x"}, inside=True)
    else:
        with pytest.raises(TransientError, match="certificate is not valid"):
            outward.post(url, {"text": "x"}, inside=True)

    assert room.lines == (["x"] if arrives else [])
