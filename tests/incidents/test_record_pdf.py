"""The record to read on paper: the same parts as the page, set from data, the same bytes for the same export."""

import io
import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse

from crisiscomms import signing
from crisiscomms.models import AuditEvent
from incidents import actions
from incidents.models import Incident
from incidents.record import making, printing, verifying
from tests import factories
from tests.conftest import NOW
from tests.incidents import printed
from tests.incidents.record_ground import add, archive, faults, files_of, whole_incident
from tests.incidents.test_record_exports import bytes_of, made, run

INCIDENT = {"ref": "INC-7", "title": "Card payments fail", "severity": "Major", "kind": "Service disruption",
            "phase": "Management", "restricted": False, "exercise": False}  # fmt: skip
TAKEN = printing.Taken(NOW, "Ada", "0123 4567", True)


@pytest.fixture
def incident(ada, ben, sink, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return whole_incident(ada, ben)


def parts(*more, **fields):
    return [("incident", "The incident", "", INCIDENT | fields), *more]


def words_of(pdf):
    # Where a long word may be broken is no part of it.
    return "\n".join(printed.pages(pdf)).replace("\u200b", "")


def test_it_stands_in_the_archive_with_every_part_of_the_page(incident):
    data = archive(incident)
    files = files_of(data)
    words, page = words_of(files["record.pdf"]), files["record.html"].decode()

    assert faults(data) == []
    titles = printed.outline(files["record.pdf"])
    assert len(titles) > 15 and all(f"<h2>{title}</h2>" in page for title in titles)
    for said in (signing.fingerprint(), "parts/recipients.csv", "Why major", "Half of all payments fail."):
        assert said in words and said in page


def test_the_first_page_says_what_it_is_and_each_says_where_one_is(incident):
    pages = printed.pages(files_of(archive(incident, by=incident.lead))["record.pdf"])

    for said in ("Record of INC-1", incident.title, "17 Nov 2026, 13:09:00 UTC, by Ada", signing.fingerprint()):
        assert said in pages[0]
    assert [f"Record of INC-1 · page {n} of {len(pages)}" in page for n, page in enumerate(pages, 1)] == [True] * len(
        pages
    )


def test_a_table_that_goes_on_over_pages_repeats_its_head():
    rows = [{"what": f"row {number}", "outcome": "kept"} for number in range(120)]
    pages = printed.pages(printing.pdf(parts(("clocks", "Clocks", "", rows)), [], TAKEN))

    with_rows = [page for page in pages if "row " in page]
    assert len(with_rows) > 2 and all("Outcome" in page for page in with_rows)


def test_the_same_is_the_same_bytes_and_another_moment_another_first_page_only():
    first, again = (printing.pdf(parts(), [], TAKEN) for _ in range(2))
    later = printing.pdf(parts(), [], printing.Taken(NOW + timedelta(days=1), "Ada", "0123 4567", True))

    assert first == again != later
    assert set(re.findall(rb"D:\d+", first)) == {b"D:20261117130900"}
    assert printed.pages(first)[1:] == printed.pages(later)[1:]


HOSTILE = [
    "#panic()", "$x$", "*bold*", "_it_", "@x", "]", "[", "<label>", "= Head", "- list", "`raw`", "\\u{41}", "\\",
    '#import "@preview/x:1.0.0": *', '#read("/etc/passwd")', "/* no */", "// no", '"quoted"', "{x}", "#(1+1)", "~", "---",
]  # fmt: skip


def test_i6_what_people_typed_is_set_as_they_typed_it():
    pdf = printing.pdf(parts(("words", "Words", "", HOSTILE), title=" ".join(HOSTILE)), [], TAKEN)
    lines = words_of(pdf).split("\n")

    assert [one for one in HOSTILE if one not in lines] == []


@pytest.mark.parametrize(
    "text",
    ["x" * 3_000, "שלום עולם", "مرحبا بالعالم " * 30, "a\x00\x07\x1b[31m\ufffe", "a\u202eb\u2066c", "e\u0301" * 300, "\n" * 50,
     "\u200b" * 40, "x\ty", " "],
    ids=["long", "hebrew", "arabic", "control", "override", "marks", "breaks", "unseen", "tab", "blank"],
)  # fmt: skip
def test_i6_no_text_keeps_it_from_being_set(text):
    rows = [{"a": text, "b": "next"}] * 2

    pdf = printing.pdf(parts(("words", "Words", "", [text, text]), ("t", "T", "", rows), title=text[:200]), [], TAKEN)

    assert "next" in words_of(pdf) and printing.EMPTY_BOXES[:40] not in words_of(pdf)


def test_a_long_word_stays_in_its_column():
    rows = [{"a": "x" * 400, "b": "next"}]
    words = printed.pages(printing.pdf(parts(("t", "T", "", rows)), [], TAKEN))[1]

    assert sum(line.strip("\u200b").startswith("xxxxxxxxxx") for line in words.split("\n")) > 2


@pytest.mark.parametrize("text", ["🙂 and words", "日本語"])
def test_signs_that_no_font_has_are_owned_up_to(text):
    words = " ".join(printed.pages(printing.pdf(parts(summary=text), [], TAKEN))[0].split())

    assert "stand as empty boxes" in words


def test_what_is_too_long_for_it_is_named_and_the_rest_is_there(monkeypatch):
    monkeypatch.setattr(printing, "MOST_CELLS", 100)
    rows = [{"a": 1, "b": 2}] * 60
    words = words_of(printing.pdf(parts(("long", "Long table", "", rows), ("x", "Last", "", ["here"])), [], TAKEN))

    assert "so only in record.html: Long table." in words and printing.TOO_LONG in words and "here" in words


# When there is none


def gives_up(*args, **_):
    raise printing.NotPrinted("It could not be set as a PDF.")


def test_a_record_that_cannot_be_set_goes_out_without_and_the_signed_manifest_says_so(incident, monkeypatch):
    monkeypatch.setattr(printing, "pdf", gives_up)
    data = archive(incident)
    files = files_of(data)

    assert "record.pdf" not in files and b"Why major" in files["record.html"] and faults(data) == []
    left_out = [{"name": "record.pdf", "why": "It could not be set as a PDF."}]
    assert json.loads(files["manifest.json"])["left_out"] == left_out
    report = verifying.verify(io.BytesIO(data))
    said = "record.pdf was left out when the record was taken out: It could not be set as a PDF."
    assert said in verifying.lines(report, is_key_known=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [("SECONDS", 0.01), ("TEMPLATE", "other"), ("HERE", "/nowhere")],
    ids=["too slow", "faulty", "no process"],
)
def test_whatever_befalls_the_process_that_sets_it_is_said_in_words(name, value, monkeypatch, tmp_path):
    monkeypatch.setattr(printing, name, value)
    if name == "TEMPLATE":
        monkeypatch.setattr(printing.json, "dumps", lambda *args, **kwargs: "{}")

    with pytest.raises(printing.NotPrinted, match="PDF"):
        printing.pdf(parts(), [], TAKEN)


def test_the_database_is_let_go_before_it_is_set(ada, incident, monkeypatch, django_capture_on_commit_callbacks):
    begun = []
    monkeypatch.setattr(making, "one_moment", lambda: _Moment(begun))
    monkeypatch.setattr(printing, "pdf", lambda *args, **_: begun.append("set") or b"%PDF-")
    made(incident, ada)

    assert begun == ["read", "let go", "set"]


class _Moment:
    def __init__(self, told):
        self.told = told

    def __enter__(self):
        self.told.append("read")

    def __exit__(self, *args):
        self.told.append("let go")


# Fetching it alone


def test_it_is_fetched_alone_with_the_same_note_on_the_record(browse, ada, incident):
    export = made(incident, ada)
    url = reverse("incidents:record_pdf", args=[incident.number, export.pk])
    assert url in browse(ada, reverse("incidents:record", args=[incident.number])).content.decode()

    answer = browse(ada, url)

    content = b"".join(answer.streaming_content)
    assert content == files_of(bytes_of(export))["record.pdf"]
    assert int(answer.headers["Content-Length"]) == len(content) == export.pdf_size
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="INC-1-record-')
    event = AuditEvent.objects.get(verb="record.fetched")
    assert event.actor == ada and event.detail.text.startswith("The record to read (PDF) was fetched")


def test_an_archive_without_one_offers_none(browse, ada, incident, monkeypatch):
    monkeypatch.setattr(printing, "pdf", gives_up)
    export = made(incident, ada)
    page = browse(ada, reverse("incidents:record", args=[incident.number])).content.decode()

    assert "no PDF in it: read record.html" in page and "To read (PDF)" not in page
    assert browse(ada, reverse("incidents:record_pdf", args=[incident.number, export.pk])).status_code == 404
    assert not AuditEvent.objects.filter(verb="record.fetched").exists()


def test_who_may_not_fetch_the_archive_fetches_no_pdf_of_it_either(browse, ada, ben, incident):
    actions.let_see(incident=incident, person=ben)
    export = made(incident, ada)

    assert browse(ben, reverse("incidents:record_pdf", args=[incident.number, export.pk])).status_code == 404


def test_the_command_puts_it_beside_the_archive(incident, tmp_path):
    path, pdf = tmp_path / "out.zip", tmp_path / "out.pdf"
    code, words = run("export_incident", "INC-1", "--to", str(path), "--pdf", str(pdf))

    assert code == 0 and str(pdf) in words
    assert pdf.read_bytes() == files_of(path.read_bytes())["record.pdf"]


def test_the_command_says_that_there_is_none(incident, tmp_path, monkeypatch):
    monkeypatch.setattr(printing, "pdf", gives_up)
    code, words = run("export_incident", "INC-1", "--to", str(tmp_path / "o.zip"), "--pdf", str(tmp_path / "o.pdf"))

    assert code == 0 and "record.pdf is not in it: It could not be set as a PDF." in words
    assert not (tmp_path / "o.pdf").exists()


@pytest.mark.slow
def test_a_long_record_takes_seconds(ada, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    incident = factories.make_incident(ada)
    for number in range(300):
        add(incident, ada, title=f"Note {number}", text="A sentence of the usual length about what was seen. " * 3)

    words = words_of(files_of(archive(Incident.objects.get(pk=incident.pk)))["record.pdf"])

    assert "Note 299" in words
