"""The main job as people do it, in Chromium on the live site: desk, phone, keyboard, and without JavaScript."""

import json
import re
import xml.etree.ElementTree as ElementTree
from email import message_from_bytes
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE
from tests.browser.live_site import LiveSite, running, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
DATA = Path(__file__).resolve().parents[1] / "data"
ATOM = "{http://www.w3.org/2005/Atom}"


def choose(page: Page, answer: str) -> None:
    """Press a radio button where a person does: on its card."""
    page.locator(".cc-radio label, .cc-opt label").filter(has_text=re.compile(rf"^\s*{answer}")).click()
    expect(page.get_by_role("radio", name=answer)).to_be_checked()


def link_in(site: LiveSite, *words: str) -> str:
    """The link of a team mail, without the host."""
    found = re.search(r"https?://[^/\s]+(/approve/\S+)", site.mail(*words).text)
    assert found is not None
    return found.group(1)


def code_in(site: LiveSite, who: str, *, after: int = 0) -> str:
    words = (f"{who}@demo.example", "Your code to decide")
    wait_for(lambda: len(site.mails(*words)) > after, "a code")
    found = re.search(r"\b(\d{3} \d{3})\b", site.mail(*words).text)
    assert found is not None
    return found.group(1)


def test_a_marketer_declares_writes_and_sends_for_approval(site, open_page):
    page = open_page("/", "pmm")
    page.get_by_role("link", name="Declare incident").first.click()
    page.get_by_label("What happened, as a customer would say it").fill("Ledger notices come late")
    will = page.locator("#consequences")
    expect(will).not_to_contain_text("Theo Marlinspike")
    choose(page, "Critical")
    expect(will).to_contain_text("Theo Marlinspike")
    choose(page, "Major")
    expect(will).not_to_contain_text("Theo Marlinspike")
    told = will.get_attribute("data-cc-told")
    page.get_by_text("Webhooks", exact=True).click()
    page.get_by_label("Ledger notices").check()
    page.get_by_role("button", name=f"Declare: tell {told}").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Ledger notices come late")
    page.get_by_role("button", name="Draft the holding statement").click()
    subject = page.get_by_role("textbox", name="Subject")
    subject.fill("Ledger notices come late: we are working on it")
    expect(page.locator("#saved")).to_contain_text(re.compile(r"Saved \d"))
    expect(page.locator("#panel")).to_contain_text("Ledger notices come late: we are working on it")
    page.reload()
    expect(subject).to_have_value("Ledger notices come late: we are working on it")

    rebuild = page.get_by_role("textbox", name="Rebuild")
    words = rebuild.input_value()
    rebuild.fill("")
    expect(page.locator("#panel")).to_contain_text("1 to settle before approval")
    rebuild.fill(words)
    expect(page.locator("#panel")).to_contain_text("Nothing to settle")
    page.get_by_role("button", name="Send for approval: 1 stage, 2 people").click()
    expect(page.locator("#status")).to_contain_text("In approval")
    assert site.mail("exec@demo.example", "Decide by", page.locator(".cc-ref").first.inner_text())


def test_an_executive_decides_on_a_phone_from_the_mail(site, open_page):
    """A1: reading decides nothing. A9: the link alone does not decide. Afterwards the device is remembered."""
    first, second = site.scene("in_review", title="First decision"), site.scene("in_review", title="Second decision")
    drafter = open_page(f"/messages/{second['message']}/", "pmm")
    drafter.evaluate("window.notReloaded = true")
    phone = open_page(link_in(site, "exec@demo.example", "Decide", f"INC-{first['number']}"), look=PHONE)
    expect(phone.get_by_role("heading", level=1)).to_have_text("May this go out to 3 people and the public?")
    expect(phone.locator(".cc-paper").first).to_contain_text("First decision: we are on it")
    assert not phone.get_by_role("radio", name="Approve").is_checked()

    choose(phone, "Approve")
    phone.get_by_role("button", name="Record my decision").click()
    expect(phone.get_by_text("is it you?")).to_be_visible()
    before = len(site.mails("exec@demo.example", "Your code to decide"))
    phone.get_by_role("button", name="Send me a code").click()
    phone.get_by_label("Code from the mail").fill(code_in(site, "exec", after=before))
    expect(phone.get_by_role("radio", name="Approve")).to_be_checked()
    phone.get_by_label("Remember this device").check()
    phone.get_by_label("Code from the mail").press("Enter")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Your decision is recorded")

    phone.goto(link_in(site, "exec@demo.example", "Decide", f"INC-{second['number']}"))
    expect(drafter.locator("#status")).to_contain_text("In approval")
    choose(phone, "Approve")
    phone.get_by_role("button", name="Record my decision").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Your decision is recorded")
    expect(drafter.locator("#status")).to_contain_text("Approved")
    assert drafter.evaluate("window.notReloaded")


def test_a_marketer_sends_takes_back_and_sends_and_everybody_gets_it_once(site, open_page):
    made = site.scene("approved", title="Slow exports", people=12)
    site.scene("hold", seconds=600)
    page = open_page(f"/messages/{made['message']}/send/", "pmm")
    send = page.get_by_role("button", name="Send 12 e-mails and publish")
    send.click()
    expect(page.locator(".cc-count")).to_have_text(re.compile(r"^9:\d\d$"))
    expect(page.get_by_text("Nothing has left. You can still take it back.")).to_be_visible()
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("Approved. Nothing has left.")).to_be_visible()

    site.scene("hold", seconds=2)
    page.reload()
    send.click()
    progress = page.locator("#progress")
    expect(progress).to_contain_text("Handed over 12", timeout=30_000)
    expect(progress).to_contain_text("counts add up")
    expect(progress.get_by_text("Done", exact=True)).to_have_count(3)
    assert_each_got_one(site, "Slow exports: we are on it", 12)

    public = open_page("/status/", java_script_enabled=False)
    expect(public.get_by_role("heading", name="Slow exports").first).to_be_visible()
    expect(public.get_by_text("Next update by").first).to_be_visible()
    feed = ElementTree.fromstring(public.request.get("/status/history.atom").text())
    assert "Slow exports" in " ".join(entry.findtext(f"{ATOM}title", "") for entry in feed.iter(f"{ATOM}entry"))


def assert_each_got_one(site: LiveSite, subject: str, people: int) -> None:
    mails = [mail for mail in site.mails(subject) if mail.summary.to.endswith("slow-exports.example")]
    assert sorted(mail.summary.to for mail in mails) == sorted(f"c{n}@slow-exports.example" for n in range(people))
    for mail in mails:
        raw = message_from_bytes(mail.raw)
        assert {part.get_content_type() for part in raw.walk()} >= {"text/plain", "text/html"}
        assert raw["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert f"{site.url}/u/" in raw["List-Unsubscribe"]


def test_a_reader_unsubscribes_by_the_mails_link_without_javascript(site, open_page):
    made = site.scene("approved", title="Unsubscribing", people=1)
    site.scene("hold", seconds=0)
    page = open_page(f"/messages/{made['message']}/send/", "pmm")
    page.get_by_role("button", name="Send 1 e-mail").click()
    link = re.search(r"http\S+/u/\S+", site.mail("c0@unsubscribing.example").text)
    assert link is not None

    reader = open_page(link.group(0), look=PHONE, java_script_enabled=False)
    expect(reader.get_by_text("Nothing has changed so far.")).to_be_visible()
    reader.get_by_role("button", name="Stop incident notices by e-mail").click()

    expect(reader.get_by_role("heading", level=1)).to_have_text("You are unsubscribed")


def test_a_seller_copies_a_talking_point_on_a_phone_and_reaches_nothing_else(open_page):
    """X5: sales sees what is released, and no draft, message or incident behind it."""
    page = open_page("/portal/", "sales", PHONE, permissions=["clipboard-read", "clipboard-write"])
    card = page.get_by_role("article").filter(has_text="INC-6")
    words = card.locator(".cc-say li bdi").first.inner_text()
    card.get_by_role("button", name="Copy: ").first.click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_have_count(1)
    assert page.evaluate("navigator.clipboard.readText()") == words

    page.locator(".cc-phonemenu > summary").click()
    menu = page.locator(".cc-phonemenu-panel").get_by_role("navigation", name="Main").get_by_role("link")
    assert [label.strip() for label in menu.all_inner_texts()] == ["Home", "Sales portal", "Status page"]
    for path in (
        "incidents/",
        "incidents/INC-6/",
        "messages/16/",
        "messages/16/send/",
        "contacts/",
        "setup/",
        "recovery/",
    ):
        assert page.request.get(f"/{path}").status == 404, path


def test_resolving_opens_the_twelve_tasks_and_one_is_completed_with_evidence(site, open_page):
    number = site.scene("in_management", title="To be resolved")["number"]
    page = open_page(f"/incidents/INC-{number}/", "pmm")
    page.get_by_text("Go on to resolution", exact=True).first.click()
    page.get_by_role("button", name="Go on to resolution").click()
    expect(page.get_by_role("alert")).to_contain_text("A measure is in place")
    page.get_by_text("Go on to resolution", exact=True).first.click()
    page.get_by_label("Reason, if something above is waived").fill("It mended itself.")
    page.get_by_role("button", name="Go on to resolution").click()
    expect(page.locator("[aria-current=step]")).to_contain_text("Resolution")
    page.get_by_role("link", name="Recovery programme: 0 of 12 tasks done").click()

    expect(page.locator(".cc-task")).to_have_count(12)
    task = page.locator(".cc-task").first
    task.locator("summary").click()
    task.get_by_label("What shows it").fill("https://docs.example/analysis")
    task.get_by_role("button", name="Complete this task").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery: 1 of 12 done")
    expect(page.locator(".cc-task.is-done")).to_have_count(1)


def test_an_import_shows_every_rows_fate_and_then_imports_it(open_page):
    """I3, I4: the expected figures of a real export, from the upload to the result."""
    expected = json.loads((DATA / "expected-imports.json").read_text())[0]
    page = open_page("/contacts/import/", "cs")
    page.get_by_label("File from your CRM").set_input_files(DATA / expected["file"])
    page.get_by_role("button", name="Upload and look at it").click()
    press = page.get_by_role("button", name=f"Import {thin(expected['importable'])} contacts")
    expect(press).to_be_visible(timeout=60_000)
    page.get_by_role("link", name=f"all {len(expected['rejected'])}", exact=True).click()
    for row in expected["rejected"]:
        expect(page.get_by_role("rowheader", name=str(row["row"]), exact=True)).to_be_visible()
    page.go_back()
    press.click()

    expect(page.get_by_text("Imported", exact=True)).to_be_visible(timeout=60_000)
    expect(page.locator(".cc-note.is-good")).to_contain_text(re.compile(r"\d new, \d+ changed, \d+ as before"))


def thin(number: int) -> str:
    """Groups of three, as pages write them."""
    return f"{number:,}".replace(",", "\u202f")


def test_an_empty_installation_greets_its_first_person_and_says_what_is_missing(chromium):
    with running(empty=True) as empty:
        page = chromium.new_context(base_url=empty.url).new_page()
        page.goto("/welcome/")
        page.get_by_label("Your organisation").fill("Fernhollow")
        page.get_by_label("Your name").fill("Odo Fennimark")
        page.get_by_label("Your e-mail").fill("odo@fernhollow.example")
        page.get_by_label("A password").fill("correct horse battery")
        page.get_by_role("button", name="Set up and sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Set-up")
        expect(page.get_by_role("heading", name="Before the first message")).to_be_visible()

        page.goto("/")
        steps = page.get_by_role("region", name="Before the first message").get_by_role("link")
        expect(steps).to_have_count(7)
        page.goto("/welcome/")
        expect(page).to_have_url(re.compile(r"/setup/$"))
        page.context.close()


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the focus is there; every stop on the way has to show that it has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        assert page.evaluate(SHOWS_FOCUS), page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {target}")


SHOWS_FOCUS = """() => {
  const here = document.activeElement, box = here.getBoundingClientRect();
  const shown = [here, here.closest("label, .cc-radio, .cc-opt"), here.nextElementSibling].filter(Boolean).some((one) => {
    const style = getComputedStyle(one);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== "none";
  });
  return shown && box.bottom > 0 && box.top < innerHeight;
}"""


def test_declaring_needs_no_mouse(open_page):
    page = open_page("/account/login/")
    tab_to(page, page.get_by_label("E-mail address"))
    page.keyboard.type("product@demo.example")
    tab_to(page, page.get_by_label("Password"))
    page.keyboard.type("demo")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page).not_to_have_url(re.compile("login"))
    tab_to(page, page.get_by_role("link", name="Declare incident").first)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Declare an incident")
    tab_to(page, page.get_by_label("What happened, as a customer would say it"))
    page.keyboard.type("Declared by keyboard")
    tab_to(page, page.get_by_label("Service disruption"))
    tab_to(page, page.get_by_label("Major"))
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Minor")).to_be_checked()
    tab_to(page, page.get_by_role("button", name="Declare: tell"))
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Declared by keyboard")
    page.keyboard.press("c")
    expect(page.get_by_role("heading", level=1)).to_have_text("Declare an incident")


def test_the_main_job_works_without_javascript(site, open_page):
    number = site.scene("in_management", title="Without a script")["number"]
    page = open_page(f"/incidents/INC-{number}/", "pmm", java_script_enabled=False)
    page.get_by_role("button", name="Draft the holding statement").click()
    page.get_by_role("textbox", name="Subject").fill("Written without a script")
    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_role("textbox", name="Subject")).to_have_value("Written without a script")
    expect(page.locator("#panel")).to_contain_text("Written without a script")
    page.get_by_role("button", name="Send for approval").click()
    expect(page.locator("#status")).to_contain_text("In approval")

    boss = open_page("/", "exec", PHONE, java_script_enabled=False)
    boss.get_by_role("listitem").filter(has_text="Decide on holding statement 1: Without a script").get_by_role(
        "link"
    ).click()
    choose(boss, "Approve")
    boss.get_by_role("button", name="Record my decision").click()
    expect(boss.get_by_role("heading", level=1)).to_have_text("Your decision is recorded")
    page.reload()
    expect(page.locator("#status")).to_contain_text("Approved")
