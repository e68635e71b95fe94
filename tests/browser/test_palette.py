"""The command palette by keyboard alone, and what is left of it without a script."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import check

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]


def test_somebody_goes_anywhere_by_keyboard(open_page):
    page = open_page("/incidents/", "pmm")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Search or go to")
    expect(field).to_be_focused()
    expect(page.get_by_role("option", name=re.compile("^Declare incident"))).to_be_visible()
    check(page, "palette")

    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    page.set_viewport_size({"width": 1280, "height": 900})
    link = page.get_by_role("link", name="Search or go to")
    link.focus()
    page.keyboard.press("Control+k")
    page.keyboard.type("inc-6")
    first = page.get_by_role("listbox").get_by_role("option", selected=True)
    expect(first).to_contain_text("INC-6 ")
    assert field.get_attribute("aria-activedescendant") == first.get_attribute("id")
    page.keyboard.press("Escape")
    expect(link).to_be_focused()

    page.keyboard.press("Control+k")
    page.keyboard.type("con")
    expect(page.get_by_role("listbox").get_by_role("option", selected=True)).to_contain_text("Contacts")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/contacts/$"))


def test_who_switched_the_keys_off_and_who_has_no_script_still_search(open_page):
    page = open_page("/incidents/", "pmm")
    page.evaluate("localStorage.setItem('cc-keys', 'off')")
    page.keyboard.press("/")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Search or go to")).to_be_hidden()

    plain = open_page("/incidents/", "pmm", java_script_enabled=False)
    plain.get_by_role("link", name="Search or go to").click()
    plain.get_by_label("What are you looking for?").fill("inc-6")
    plain.get_by_role("button", name="Search").click()
    expect(plain.get_by_role("link", name=re.compile("^INC-6 ")).first).to_be_visible()
