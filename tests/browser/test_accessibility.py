"""Every main page at desk and phone width, light and dark: axe finds nothing, nothing scrolls sideways; pictures are kept."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.live_site import ROOT, LiveSite

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
AXE = (ROOT / "tests" / "vendor" / "axe.min.js").read_text()
PICTURES = ROOT / "test-results" / "screenshots"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
FIND = """async (rules) => (await axe.run(document, {runOnly: rules, resultTypes: ["violations"]})).violations
  .map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ") + " " + (node.any[0]?.message ?? "")).join("; ")}`)"""
# A region may scroll by itself when it has a name and takes the focus; the page may not.
WIDER = """() => document.documentElement.scrollWidth - document.documentElement.clientWidth"""
PAST_THE_EDGE = """() => [...document.querySelectorAll("main *")].filter((one) => {
  const box = one.getBoundingClientRect();
  return box.width > 1 && box.right > innerWidth + 1 && !one.closest(".cc-scroll, .visually-hidden, [hidden]");
}).map((one) => one.outerHTML.slice(0, 120))"""
OPEN_ALL = """() => document.querySelectorAll("main details").forEach((one) => { one.open = true; })"""

# Name of the picture, address, who looks.
PAGES = [
    ("sign-in", "/account/login/", ""),
    ("sign-out", "/account/logout/", "pmm"),
    ("password-reset", "/account/password/reset/", ""),
    ("password-change", "/account/password/change/", "pmm"),
    ("status", "/status/", ""),
    ("status-history", "/status/history/", ""),
    ("status-incident", "/status/incidents/INC-6/", ""),
    ("unsubscribe-unknown", "/u/nothing/", ""),
    ("approval-unknown", "/approve/nothing/", ""),
    ("home", "/", "pmm"),
    ("home-executive", "/", "exec"),
    ("home-seller", "/", "sales"),
    ("declare", "/incidents/declare/", "pmm"),
    ("incidents", "/incidents/", "pmm"),
    ("search", "/search/?q=pay", "pmm"),
    ("room", "/incidents/INC-6/", "pmm"),
    ("room-entries", "/incidents/INC-6/?kind=messages", "pmm"),
    ("timeline-table", "/incidents/INC-6/timeline/table/", "pmm"),
    ("drawings", "/incidents/INC-6/drawings/", "pmm"),
    ("mention", "/mentions/1/", "pmm"),
    ("mention-correct", "/mentions/1/correct/", "pmm"),
    ("competitor-correct", "/incidents/INC-6/competitors/1/correct/", "pmm"),
    ("contacts", "/contacts/", "pmm"),
    ("accounts", "/contacts/accounts/", "pmm"),
    ("account", "/contacts/accounts/1/", "pmm"),
    ("import-upload", "/contacts/import/", "pmm"),
    ("import-done", "/contacts/import/1/", "pmm"),
    ("send-plan-sent", "/messages/16/send/", "pmm"),
    ("composer-sent", "/messages/16/", "pmm"),
    ("composer-in-approval", "/messages/17/", "pmm"),
    ("portal", "/portal/", "sales"),
    ("recovery-overview", "/recovery/", "pmm"),
    ("recovery-board", "/incidents/INC-3/recovery/", "pmm"),
    ("setup", "/setup/", "admin"),
    ("people", "/setup/people/", "admin"),
    ("person", "/setup/people/1/", "admin"),
    ("record", "/setup/record/?kind=people", "admin"),
    ("record-asked-wrongly", "/setup/record/?first=2026-11-09&last=2026-11-01", "admin"),
    ("kit", "/kit/", "admin"),
    ("search-nothing", "/search/?q=nobody", "pmm"),
    ("products", "/setup/products/", "admin"),
    ("inbox", "/inbox/", "admin"),
    ("not-found", "/nothing/here/", "pmm"),
]


def check(page: Page, name: str) -> None:
    """Four looks at one page, with everything that can be unfolded unfolded."""
    page.evaluate(AXE)
    found: list[str] = []
    for width, place in ((1280, "desk"), (360, "phone")):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=PICTURES / f"{name}-{place}-{scheme}.png", full_page=True)
            found += look(page, f"{name} {place} {scheme}")
    assert not found, "\n".join(found)


def look(page: Page, where: str) -> list[str]:
    # The dark side has other colours and nothing else.
    only = RULES if where.endswith("light") else {"type": "rule", "values": ["color-contrast"]}
    faults: list[Any] = page.evaluate(FIND, only)
    if page.viewport_size and page.viewport_size["width"] == 360:
        faults += [f"{page.evaluate(WIDER)} px wider than the screen"] if page.evaluate(WIDER) > 0 else []
        faults += [f"past the edge: {one}" for one in page.evaluate(PAST_THE_EDGE)]
    return [f"{where}: {fault}" for fault in faults]


@pytest.mark.parametrize(("name", "path", "who"), PAGES, ids=[name for name, *_ in PAGES])
def test_it_is_usable_by_everybody_at_every_width(open_page, name, path, who):
    check(open_page(path, who), name)


@pytest.mark.parametrize(("name", "path"), [("room", "/incidents/INC-6/"), ("portal", "/portal/")])
def test_what_is_folded_away_is_usable_too(open_page, name, path):
    page = open_page(path, "pmm")
    page.evaluate(OPEN_ALL)
    check(page, f"{name}-unfolded")


def test_drawings_on_a_phone_begin_with_now_in_view_and_keep_their_place(open_page):
    page = open_page("/incidents/INC-6/", "pmm", {"viewport": {"width": 360, "height": 800}})
    drawn = page.locator("#tl")
    expect(drawn.get_by_role("img")).to_be_visible()

    inside = drawn.evaluate("""one => { const now = one.querySelector(".now").getBoundingClientRect(), box = one.getBoundingClientRect();
      return now.left > box.left && now.right < box.right; }""")
    size = drawn.evaluate(
        "one => parseFloat(getComputedStyle(one.querySelector('text')).fontSize) * one.scrollWidth / 1160"
    )
    drawn.evaluate("one => { one.scrollLeft = 5; one.dataset.before = 'yes'; }")
    page.evaluate(
        "htmx.ajax('GET', document.querySelector('#drawings').getAttribute('hx-get'), {target: '#drawings', swap: 'outerHTML'})"
    )
    page.wait_for_function("document.querySelector('#tl:not([data-before])')?.scrollLeft === 5")

    assert inside and size >= 12 and page.evaluate(WIDER) <= 0


def test_the_menu_on_a_phone_is_usable(open_page):
    page = open_page("/", "pmm", {"viewport": {"width": 360, "height": 800}})
    page.locator(".cc-phonemenu > summary").click()
    expect(page.get_by_role("link", name="Contacts")).to_be_visible()
    page.evaluate(AXE)
    page.screenshot(path=PICTURES / "menu-phone-light.png")

    assert look(page, "menu light") == []


def test_the_approval_page_is_usable_before_and_while_a_code_is_asked_for(site: LiveSite, open_page):
    number = site.scene("in_review", title="To be looked at")["number"]
    link = re.search(r"/approve/\S+", site.mail("exec2@demo.example", "Decide", f"INC-{number}").text)
    assert link is not None
    page = open_page(link.group(0))
    check(page, "approval")
    page.locator(".cc-opt label").filter(has_text="Approve").click()
    page.get_by_role("button", name="Record my decision").click()
    expect(page.get_by_role("button", name="Send me a code")).to_be_visible()
    check(page, "approval-code")


def test_the_composer_with_a_finding_is_usable(site: LiveSite, open_page):
    number = site.scene("in_management", title="Being written")["number"]
    page = open_page(f"/incidents/INC-{number}/", "pmm")
    page.get_by_role("button", name="Draft the holding statement").click()
    check(page, "composer")
    page.get_by_role("textbox", name="Rebuild").fill("")
    page.get_by_role("button", name="Send for approval").click()
    expect(page.get_by_role("alert")).to_contain_text("not sent for approval yet")
    check(page, "composer-refused")


def test_the_send_plan_is_usable_before_the_press_and_on_hold(site: LiveSite, open_page):
    made = site.scene("approved", title="Planned", people=3)
    site.scene("hold", seconds=600)
    page = open_page(f"/messages/{made['message']}/send/", "pmm")
    check(page, "send-plan")
    page.get_by_role("button", name="Send 3 e-mails").click()
    expect(page.get_by_role("button", name="Take back")).to_be_visible()
    check(page, "send-plan-on-hold")
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("Approved. Nothing has left.")).to_be_visible()


def test_the_recovery_board_is_usable_folded_and_unfolded(site: LiveSite, open_page):
    number = site.scene("resolved", title="Over")["number"]
    page = open_page(f"/incidents/INC-{number}/recovery/", "pmm")
    check(page, "recovery-board")
    page.evaluate(OPEN_ALL)
    check(page, "recovery-board-unfolded")


def test_a_refused_form_is_usable(open_page):
    page = open_page("/incidents/declare/", "pmm")
    page.evaluate("document.querySelector('.cc-declare form').noValidate = true")
    page.get_by_role("button", name="Declare: tell").click()
    expect(page.get_by_text("It is not declared yet")).to_be_visible()
    check(page, "declare-refused")


def test_an_import_to_be_looked_at_is_usable(open_page):
    page = open_page("/contacts/import/", "cs")
    page.get_by_label("File from your CRM").set_input_files(ROOT / "tests" / "data" / "crm-export-hubspot-utf16.csv")
    page.get_by_role("button", name="Upload and look at it").click()
    expect(page.get_by_role("button", name=re.compile("^Import 400"))).to_be_visible(timeout=60_000)
    check(page, "import-preview")
    page.get_by_role("button", name="Cancel, keep nothing").click()
    expect(page.get_by_text("This import was cancelled.")).to_be_visible()


def test_a_mail_in_the_inbox_and_the_unsubscribe_page_are_usable(site: LiveSite, open_page):
    mail = site.mails("updates@fernhollow.example", "card payments")[0]
    check(open_page(f"/inbox/{mail.summary.name}/", "admin"), "inbox-mail")
    link = re.search(r"/u/\S+", mail.text)
    assert link is not None
    check(open_page(link.group(0)), "unsubscribe")
