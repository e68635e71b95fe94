"""A passkey from a (virtual) device: added, signed in with alone, asked as second factor; the pages at every width."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_accessibility import check

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]


def give_device(page: Page) -> None:
    """What a phone or laptop with a fingerprint reader is to the browser."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def prove(page: Page) -> None:
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Continue").click()


def test_a_passkey_is_added_kept_codes_for_and_signs_in_alone_and_second(open_page):
    # Signed in on its own: this test signs out, and others share the sessions of open_page.
    page = sign_in(open_page("/account/login/"), "legal")
    give_device(page)
    page.goto("/account/")
    check(page, "sign-in-page")
    page.get_by_role("link", name="Add a passkey").click()
    check(page, "reauthenticate")
    prove(page)
    check(page, "passkey-add")
    page.get_by_label("Its name").fill("My laptop")
    page.get_by_role("button", name="Add it").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    check(page, "recovery-codes")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    codes = download.value.path().read_text().split()
    assert len(codes) == 10
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("signs in alone")).to_be_visible()

    sign_out(page)
    check(page, "sign-in-with-passkey")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).not_to_have_url(re.compile("login"))

    sign_out(page)
    page.get_by_label("E-mail address").fill("legal@demo.example")
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("And your second factor")
    check(page, "second-factor-asked")
    page.get_by_role("button", name="Use your passkey").click()
    expect(page).not_to_have_url(re.compile("login"))

    page.goto("/account/")
    page.get_by_role("link", name="Remove My laptop").click()
    prove(page)
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("None yet")).to_be_visible()


def sign_out(page: Page) -> None:
    page.goto("/account/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.goto("/account/login/")


def test_without_a_device_the_page_says_so_and_nothing_is_sent(open_page):
    page = open_page("/account/login/")
    page.evaluate("() => { navigator.credentials.get = () => Promise.reject(new Error('none')); }")

    page.get_by_role("button", name="Sign in with a passkey").click()

    expect(page.get_by_role("alert").filter(has_text="Nothing was sent")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "path", "who"), [("devices", "/account/devices/", "exec"), ("sign-in-rules", "/setup/sign-in/", "admin")]
)
def test_its_pages_are_usable_at_every_width(open_page, name, path, who):
    check(open_page(path, who), name)


def test_the_page_to_scan_is_usable(open_page):
    page = open_page("/account/authenticator-app/", "support")
    prove(page)
    check(page, "authenticator-app")
