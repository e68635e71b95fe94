"""One live site, one Chromium, and people who are signed in. Whatever a page complains about fails the test."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.live_site import LiveSite, running

DESK = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
# An answer that a form was refused is no fault of the page that shows it.
REFUSAL = re.compile(r"Failed to load resource: .* status of 4\d\d")

expect.set_options(timeout=15_000)


@pytest.fixture(scope="package")
def site() -> Iterator[LiveSite]:
    """Everything that script/server starts, with the demo. Scenes and journeys share it."""
    with running() as live:
        yield live


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((path for name in names if (path := shutil.which(name))), None)
    if program is None:
        words = "Chromium is missing: apt-get install chromium"
        pytest.fail(words) if os.environ.get("CI") == "true" else pytest.skip(words)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def sessions() -> dict[str, Any]:
    """The cookies of who has signed in, so that each does it once."""
    return {}


Open = Callable[..., Page]


@pytest.fixture
def open_page(site: LiveSite, chromium: Browser, sessions: dict[str, Any]) -> Iterator[Open]:
    """A fresh browser at an address: `open_page("/portal/", "sales", PHONE)`. Nobody is signed in without a name."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def start(**options: Any) -> Page:
        # A page that still scrolls by itself is a page that a test cannot press on.
        context = chromium.new_context(base_url=site.url, reduced_motion="reduce", **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        context.on("console", lambda message: _note(message, complaints))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        return context.new_page()

    def open_(path: str, who: str = "", look: dict[str, Any] = DESK, **options: Any) -> Page:
        if who and who not in sessions:
            sessions[who] = sign_in(start(**DESK), who).context.storage_state()
        page = start(storage_state=sessions.get(who), **look, **options)
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not complaints, complaints


def _note(message: ConsoleMessage, complaints: list[str]) -> None:
    if message.type in ("error", "warning") and not REFUSAL.match(message.text):
        complaints.append(f"{message.location.get('url')}: {message.text}")


def sign_in(page: Page, who: str, password: str = "demo") -> Page:
    page.goto("/account/login/")
    page.get_by_label("E-mail address").fill(f"{who}@demo.example")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).not_to_have_url(re.compile("login"))
    return page
