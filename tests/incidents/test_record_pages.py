"""The page of the record: what is missing first, adding without a script, taking it out with progress."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from crisiscomms.models import AuditEvent, ControlChange
from incidents import actions
from incidents.record import documents, making
from tests import factories
from tests.conftest import NOW
from tests.crisiscomms.test_audit import as_superuser
from tests.incidents.record_ground import PNG, add


@pytest.fixture
def incident(ada, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return factories.make_incident(ada)


URL = "/incidents/INC-1/record/"


def page_of(answer):
    return answer.content.decode()


def test_the_page_shows_what_is_missing_with_whose_job_it_is_and_where_to_do_it(browse, ada, incident):
    page = page_of(browse(ada, URL))

    assert (
        "Record of INC-1, 2 of 5" in page
        and "3 missing" in page
        and "%" not in page.split("<main")[1].split("Put on record")[0]
    )
    assert f"{URL}?for=severity_reason#add" in page and "Who decided on the severity" in page
    assert "The chain of all" in page and "is whole" in page


def test_the_room_says_how_far_the_record_is(browse, ada, incident):
    page = page_of(browse(ada, "/incidents/INC-1/"))

    assert "Record 2 of 5: 3 missing" in page and URL in page


def test_a_document_is_added_by_a_plain_form_and_the_file_comes_back_only_as_a_file(browse, ada, incident):
    given = {"key": "severity_reason", "title": "Why major", "text": "<b>Half</b>", "url": "https://x.example/a"}
    chosen = page_of(browse(ada, URL + "?for=severity_reason"))
    assert '<option value="severity_reason" selected>' in chosen and 'value="Why this severity"' in chosen

    answer = browse(ada, URL + "add/", given | {"file": SimpleUploadedFile("graph.png", PNG, "text/html")})
    assert answer.status_code == 302
    page = page_of(browse(ada, URL))
    assert "3 of 5" in page and "&lt;b&gt;Half" in page

    answer = browse(ada, reverse("incidents:record_file", args=[1, incident.documents.get().pk]))
    assert b"".join(answer.streaming_content) == PNG
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert (
        answer.headers["Content-Disposition"].startswith("attachment")
        and "sandbox" in answer.headers["Content-Security-Policy"]
    )


def test_what_was_typed_is_kept_when_it_is_refused(browse, ada, incident):
    answer = browse(ada, URL + "add/", {"title": "Kept", "text": "", "url": "ftp://x"})

    assert answer.status_code == 422 and "https://" in page_of(answer) and 'value="Kept"' in page_of(answer)


def test_a_document_of_another_incident_is_not_found_under_this_one(browse, ada, incident):
    other = factories.make_incident(ada)
    kept = add(other, ada, text="x", file=SimpleUploadedFile("a.png", PNG))

    assert browse(ada, reverse("incidents:record_file", args=[1, kept.pk])).status_code == 404


def test_it_is_waived_from_the_page_with_a_reason(browse, ada, incident):
    browse(ada, URL + "waive/", {"key": "severity_reason", "reason": "Nobody asked"})

    assert "Nobody asked" in page_of(browse(ada, URL)) and "3 of 5" in page_of(browse(ada, URL))


def test_the_archive_is_asked_for_shows_progress_and_is_fetched_with_a_note_on_record(browse, ada, incident):
    assert browse(ada, URL + "export/", {"with_recipients": "on"}).status_code == 302
    export = incident.exports.get()
    assert "You may close this page" in page_of(browse(ada, URL))
    assert browse(ada, URL + "exports/", htmx=True).status_code == 200
    making.cache.set(making.progress_key(export), (40, 100), 60)
    assert "40 of 100 pieces" in page_of(browse(ada, URL + "exports/", htmx=True))

    making.work(export_id=export.pk, now=NOW)
    assert browse(ada, URL + "exports/", htmx=True).headers["HX-Refresh"] == "true"
    answer = browse(ada, reverse("incidents:record_fetch", args=[1, export.pk]))

    assert (
        answer.headers["Content-Type"] == "application/zip" and "INC-1-record" in answer.headers["Content-Disposition"]
    )
    assert b"".join(answer.streaming_content)[:2] == b"PK"
    assert AuditEvent.objects.get(verb="record.fetched").actor == ada


def test_a_restricted_record_is_asked_for_and_the_page_says_who_waits(browse, ada, olga, incident):
    factories.make_incident(ada, restricted=True)
    url = URL.replace("1", "2")
    browse(ada, url + "export/", {"reason": "The court asks"})

    page = page_of(browse(ada, url))
    assert "An administrator confirms or refuses it" in page
    browse(olga, reverse("setup_change", args=[ControlChange.objects.get().pk]), {"confirm": "1"})
    assert "You may close this page" in page_of(browse(ada, url))


def test_a_broken_chain_is_said_on_the_page_also_when_its_end_was_cut(browse, ada, incident):
    export = actions.start_export(incident_id=incident.pk, with_recipients=False, by=ada, now=NOW)
    making.work(export_id=export.pk, now=NOW)
    last = AuditEvent.objects.filter(chain="INC-1").latest("number")
    as_superuser("DELETE FROM crisiscomms_auditdetail WHERE event_id = %s", last.pk)
    as_superuser("DELETE FROM crisiscomms_auditevent WHERE id = %s", last.pk)

    page = page_of(browse(ada, URL))
    assert "The chain of this record is broken" in page and "The end of INC-1 was cut off" in page


def test_who_only_reads_adds_waives_and_takes_out_nothing(browse, ada, ben, incident):
    actions.let_see(incident=incident, person=ben)
    page = page_of(browse(ben, URL))
    assert (
        "Put on record</button>" not in page
        and "Let the record go" not in page
        and "Legal and administrators may" in page
    )

    browse(ben, URL + "add/", {"title": "x", "text": "y"})
    browse(ben, URL + "waive/", {"key": "severity_reason", "reason": "x"})
    browse(ben, URL + "export/", {})

    assert documents.completeness(incident).words == "2 of 5" and not incident.exports.exists()


def test_an_imported_incident_has_no_record_to_complete(browse, ada, incident):
    from incidents.models import ImportedIncident

    ImportedIncident.objects.create(
        incident=incident, source="x", source_name="X", external_id="1", imported_by=ada, imported_at=NOW
    )

    assert "Nothing is asked for" in page_of(browse(ada, URL))
    assert "r-rec" not in page_of(browse(ada, "/incidents/INC-1/"))
