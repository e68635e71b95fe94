import re
import unicodedata

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from stakeholders import addresses
from stakeholders.naming import name_key

ADA = "ada@x.example"


@pytest.mark.parametrize(
    ("typed", "known_as"),
    [
        ("ADA@X.example", ADA),
        ("  ada@x.example \t", ADA),
        ("\u00a0ada@x.example\u200b", ADA),
        ("\ufeffada@x.example", ADA),
        ("ada+news@x.example", "ada+news@x.example"),
        ("a.d.a@x.example", "a.d.a@x.example"),
        ("ada@Bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"),
        ("ada@straße.example", "ada@xn--strae-oqa.example"),
        ("o'brien@x.example", "o'brien@x.example"),
        ("ada@x.test", "ada@x.test"),
        ("Zoë@x.example", "zoë@x.example"),
    ],
)
def test_it_knows_one_person_by_one_address(typed, known_as):
    assert addresses.normalise(typed) == known_as
    assert addresses.normalise(known_as) == known_as


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_composed_and_decomposed_letters_are_the_same_person(form):
    assert addresses.normalise(unicodedata.normalize(form, "zoé@café.example")) == "zoé@xn--caf-dma.example"


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", addresses.NO_ADDRESS),
        (" \u00a0\u200b", addresses.NO_ADDRESS),
        ("\r\n", addresses.NO_ADDRESS),
        ("ada(at)x.example", addresses.NOT_AN_ADDRESS),
        ("ada@x", addresses.NOT_AN_ADDRESS),
        ("ada@@x.example", addresses.NOT_AN_ADDRESS),
        ("ada@x.example,ben@x.example", addresses.NOT_AN_ADDRESS),
        ("Ada <ada@x.example>", addresses.NOT_AN_ADDRESS),
        ('"ada b"@x.example', addresses.NOT_AN_ADDRESS),
        ("ada@[127.0.0.1]", addresses.NOT_AN_ADDRESS),
        ("ada\x00@x.example", addresses.NOT_AN_ADDRESS),
        ("ada\u202e@x.example", addresses.NOT_AN_ADDRESS),
        ("a" * 65 + "@x.example", addresses.NOT_AN_ADDRESS),
        ("ada@" + "x." * 130 + "example", addresses.NOT_AN_ADDRESS),
        ("ada@x.example\nBcc: everyone@evil.example", addresses.LINE_BREAK),
        ("ada@x.example\u2028Bcc: everyone@evil.example", addresses.LINE_BREAK),
        ("ada@x.example\r", addresses.LINE_BREAK),
    ],
)
def test_it_says_why_an_address_is_none(typed, reason):
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        addresses.normalise(typed)


@given(st.from_regex(r"[a-zA-Z0-9.+'-]{1,66}@[a-zA-Z0-9.-]{1,70}", fullmatch=True))
def test_the_quick_way_agrees_with_the_whole_validator(typed):
    try:
        addresses.normalise(typed)
    except ValueError:
        with pytest.raises(EmailNotValidError):
            validate_email(typed, check_deliverability=False, test_environment=True, globally_deliverable=True)
    else:
        validate_email(typed.lower(), check_deliverability=False, globally_deliverable=False)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_reason(typed):
    found = reason_or_address(typed)

    if found not in (addresses.NO_ADDRESS, addresses.NOT_AN_ADDRESS, addresses.LINE_BREAK):
        assert addresses.normalise(found) == found


def reason_or_address(typed):
    try:
        return addresses.normalise(typed)
    except ValueError as refused:
        return str(refused)


def test_account_names_are_compared_without_case_and_blanks():
    assert name_key("  ACME\u00a0 Corp ") == name_key("Acme Corp")
