"""The record: put something on it, take it out, and prove that what came is whole."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from incidents.record import verifying
from tests.browser.conftest import PHONE

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_record_is_added_to_taken_out_and_proves_itself(site, open_page, tmp_path):
    number = site.scene("in_management", title="Ledger exports stall")["number"]
    page = open_page(f"/incidents/INC-{number}/", "pmm")
    page.get_by_role("region", name=re.compile("Record .* missing")).get_by_role("link", name="Look").click()

    page.get_by_label("What it is").select_option(label="The facts, and who confirmed each")
    page.get_by_label("Title").fill("Facts at noon")
    page.get_by_label("Note").fill("The exports stall since 9:40. Confirmed by the on-call engineer.")
    page.locator("input[type=file]").set_input_files(
        {"name": "log.txt", "mimeType": "text/plain", "buffer": b"<script>canary()</script>"}
    )
    page.get_by_role("button", name="Put on record").click()
    expect(page.get_by_text("On record: Facts at noon.")).to_be_visible()

    page.get_by_role("button", name="Export the record").click()
    fetch = page.get_by_role("link", name=re.compile("^Archive"))
    expect(fetch).to_be_visible(timeout=60_000)
    with page.expect_download() as download:
        fetch.click()
    kept = Path(tmp_path / "record.zip")
    download.value.save_as(kept)
    with kept.open("rb") as stream:
        report = verifying.verify(stream)
    assert report.faults == [] and report.manifest["incident"]["ref"] == f"INC-{number}"


def test_the_page_of_the_record_fits_a_phone(site, open_page):
    number = site.scene("in_management", title="Tokens expire early")["number"]
    page = open_page(f"/incidents/INC-{number}/record/", "pmm", PHONE)

    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Record of INC-{number}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
