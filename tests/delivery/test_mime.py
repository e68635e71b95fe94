import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from delivery.channels.mime import HeaderRefused, Pieces, Skeleton, wire_address

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
REFUSED = "\r\n\0\t\x0b\x1f\x7f\x85\x9f\u2028\u2029"

header_text = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029"), max_size=300)
body_text = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=400),
    st.lists(st.sampled_from([".", "..", "From ", "=", " ", "\t", "x" * 1200, "ünï", "\n", "--=_"])).map("".join),
)


def build(skeleton: Skeleton | None = None, /, **overrides: Any) -> bytes:
    fields: dict[str, Any] = {
        "to_address": "anna@example.com",
        "to_name": "Anna Example",
        "subject": "Checkout is slow",
        "text": "We are on it.\n",
        "html": "<p>We are on it.</p>\n",
        "message_id": "<d1.42@mail.example.com>",
        "list_unsubscribe_url": "https://status.example.com/u/abc",
        "date": NOW,
    }
    return (skeleton or Skeleton("Status", "status@example.com")).build(**fields | overrides)


def parse(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def decoded_name(raw: bytes, field: str) -> str:
    """The name as the library's older decoder reads it."""
    name, _ = parseaddr(str(message_from_bytes(raw)[field]))
    return str(make_header(decode_header(name)))


def bodies(message: EmailMessage) -> list[str]:
    return [part.get_content().replace("\r\n", "\n") for part in message.iter_parts()]


def as_sent(body: str) -> str:
    body = body.replace("\r\n", "\n").replace("\r", "\n")
    return body if body.endswith("\n") else body + "\n"


def assert_lines_are_fit_for_smtp(raw: bytes) -> None:
    assert raw.endswith(b"\r\n")
    assert b"\n" not in raw.replace(b"\r\n", b"") and b"\r" not in raw.replace(b"\r\n", b"")
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert not re.search(rb"[ \t]\r\n", raw)


@settings(max_examples=300, deadline=None)
@given(text=body_text, html=body_text)
@example(text="", html="")
@example(text=".\n..\nFrom me\n.", html="\r\n.\r\n")
@example(text="x" * 5000, html="مرحبا \u202eabc\u202c 🚒 \x00")
def test_the_library_reads_back_the_bodies(text: str, html: str) -> None:
    raw = build(text=text, html=html)

    message = parse(raw)
    assert_lines_are_fit_for_smtp(raw)
    assert bodies(message) == [as_sent(text), as_sent(html)]
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


piece = st.one_of(
    body_text.map(lambda text: text.replace("\r", "")),
    st.sampled_from([".", ". ", " ", "=", "=" * 30, "x" * 75, "x" * 76, "x" * 74 + "é", "\n", ".\n.", "a" * 200, ""]),
)


@given(before=st.lists(st.tuples(piece, piece), max_size=4), last=piece)
@example(before=[("Hello ", "."), (" uses ", "x" * 76)], last=".\n")
@example(before=[], last="a" * 74 + " ")
@example(before=[("a" * 74 + " \n", "b" * 68 + "ü\t")], last="ü" * 12 + "ab ")
@settings(deadline=None, max_examples=400)
def test_pieces_read_as_the_joined_text(before: list[tuple[str, str]], last: str) -> None:
    pieces = Pieces([*(literal for literal, _ in before), last])
    whole = "".join([*(literal + value for literal, value in before), last])

    raw = build(text=pieces.fill([value for _, value in before]))

    assert bodies(parse(raw))[0] == (whole if last.endswith("\n") else whole + "\n")
    assert_lines_are_fit_for_smtp(raw)
    assert max(map(len, raw.partition(b"quoted-printable")[2].split(b"\r\n"))) <= 76


def test_a_lone_surrogate_in_a_value_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        Pieces(["Hello ", "\n"]).fill(["\ud800"])


@settings(max_examples=300, deadline=None)
@given(subject=header_text)
@example(subject="")
@example(subject="a" * 1000)
@example(subject="long words " * 90)
@example(subject="double  spaces " * 30)
@example(subject="=?utf-8?q?not_encoded?=")
@example(subject="🚒" * 200)
def test_the_library_reads_back_the_subject(subject: str) -> None:
    raw = build(subject=subject)

    head = raw.partition(b"\r\n\r\n")[0]
    assert parse(raw)["Subject"] == subject.strip(" ")
    assert_lines_are_fit_for_smtp(raw)
    assert all(len(line) <= 78 for line in head.split(b"\r\n"))


@settings(max_examples=300, deadline=None)
@given(name=header_text)
@example(name="")
@example(name="ceo@bank.example")
@example(name='Anna "the <boss@x.de>, \\ (x); y:" Example')
@example(name="O'Neill, Dr. A. " * 12)
@example(name="مدير \u202e النظام")
def test_the_library_reads_back_names_and_addresses(name: str) -> None:
    raw = build(Skeleton(name, "status@example.com", "help@example.com"), to_name=name)

    message = parse(raw)
    assert_lines_are_fit_for_smtp(raw)
    for field, address in (("From", "status@example.com"), ("To", "anna@example.com")):
        (mailbox,) = message[field].addresses
        assert mailbox.addr_spec == address
        assert decoded_name(raw, field) == name.strip(" ")
        # The library of Python 3.11 puts a space between two encoded words of a phrase.
        # The library drops a no-break space at the end of an encoded name; what is said is the same.
    assert mailbox.display_name.split() == name.split() or len(name.encode()) > 42
    assert message["Reply-To"] == "help@example.com"


def test_exactly_these_headers_are_set() -> None:
    skeleton = Skeleton("Status", "s@example.com", "r@example.com", {"X-Incident": "7"}, auto_submitted=True)

    assert dict(parse(build(skeleton)).items()).keys() == {
        *("From", "Reply-To", "Auto-Submitted", "X-Incident", "To", "Subject", "Date"),
        *("Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post"),
        *("MIME-Version", "Content-Type"),
    }


def test_headers_that_were_not_asked_for_are_left_out() -> None:
    message = parse(build(list_unsubscribe_url=""))

    assert message.keys() == [*("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type")]


def test_fixed_values_are_read_back() -> None:
    message = parse(build())

    assert message["Date"].datetime == NOW
    assert message["Message-ID"] == "<d1.42@mail.example.com>"
    assert message["List-Unsubscribe"] == "<https://status.example.com/u/abc>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("bad", REFUSED)
@pytest.mark.parametrize(
    ("argument", "field"),
    [
        ("to_address", "To"),
        ("to_name", "To"),
        ("subject", "Subject"),
        ("message_id", "Message-ID"),
        ("list_unsubscribe_url", "List-Unsubscribe"),
    ],
)
def test_i5_a_control_character_in_a_header_is_refused(argument: str, field: str, bad: str) -> None:
    with pytest.raises(HeaderRefused) as refusal:
        build(**{argument: f"a{bad}Bcc: all@example.com"})

    assert refusal.value.field == field


@pytest.mark.parametrize("bad", REFUSED)
def test_i5_the_skeleton_refuses_control_characters_too(bad: str) -> None:
    value = f"a{bad}Bcc: all@example.com"
    attempts: list[tuple[Any, ...]] = [
        (value, "s@example.com"),
        ("S", value),
        ("S", "s@example.com", value),
        ("S", "s@example.com", "", {"X-A": value}),
        ("S", "s@example.com", "", {value: "x"}),
    ]

    for attempt in attempts:
        with pytest.raises(HeaderRefused):
            Skeleton(*attempt)


@pytest.mark.parametrize("name", ["Subject", "bcc", "Content-Type", "X:Y", "X Y", "", "X" * 41])
def test_extra_headers_cannot_replace_ours(name: str) -> None:
    with pytest.raises(HeaderRefused):
        Skeleton("S", "s@example.com", "", {name: "x"})


@pytest.mark.parametrize(
    "address",
    ["", "anna", "@x.de", "a@", "a@b@c.de", "a b@x.de", "a@x.de, b@x.de", "<a@x.de>", "a@x..de"]
    + ["a@-x.de", "a..b@x.de", "a\u00a0b@x.de", "a" * 250 + "@x.de", "a@[127.0.0.1]", "a@x.de>"]
    + ["a@" + "ü" * 70 + ".de", '"a"b"@x.de', "a@\u2003.de"],
)
def test_what_is_not_one_address_is_refused(address: str) -> None:
    with pytest.raises(HeaderRefused):
        wire_address(address)


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("anna@example.com", "anna@example.com"),
        ("anna+x@BÜCHER.example", "anna+x@xn--bcher-kva.example"),
        ("jörg@bücher.example", "jörg@xn--bcher-kva.example"),
        ('"a b"@example.com', '"a b"@example.com'),
    ],
)
def test_international_domains_go_out_in_ascii(address: str, wire: str) -> None:
    assert wire_address(address) == wire
    assert parse(build(to_address=address))["To"].addresses[0].domain == wire.split("@")[1]


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(HeaderRefused, match="time zone"):
        build(date=NOW.replace(tzinfo=None))


def test_a_lone_surrogate_is_a_value_error_everywhere() -> None:
    for argument in ("subject", "to_name", "to_address", "text", "html"):
        with pytest.raises(ValueError):
            build(**{argument: "a\ud800@x.de"})


def test_each_skeleton_has_its_own_boundary() -> None:
    boundaries = {parse(build()).get_boundary() for _ in range(5)}

    assert len(boundaries) == 5
