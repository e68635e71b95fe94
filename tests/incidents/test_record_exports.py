"""Taking the record out: who may, what it takes, how it is made, and what the installation knows of it afterwards."""

import io
import json
import re
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection

from crisiscomms import audit, changes, personal, signing
from crisiscomms.models import AuditEvent, ControlChange, Notice
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from delivery import team_mail
from incidents import actions, tasks
from incidents.models import Incident, RecordExport
from incidents.record import comparing, making, packing, verifying, writing
from tests import factories
from tests.conftest import NOW
from tests.crisiscomms.test_audit import as_superuser
from tests.incidents.record_ground import add, archive, faults, files_of, whole_incident

SOON = NOW + timedelta(minutes=5)


@pytest.fixture
def incident(ada, ben, sink, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return whole_incident(ada, ben)


@pytest.fixture
def secret(ada, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return factories.make_incident(ada, restricted=True)


def start(incident, by, **fields):
    return actions.start_export(incident_id=incident.pk, **{"with_recipients": False, "by": by, "now": NOW, **fields})


def made(incident, by, **fields):
    export = start(incident, by, **fields)
    making.work(export_id=export.pk, now=NOW)
    export.refresh_from_db()
    return export


def bytes_of(export):
    with default_storage.open(export.file.name) as file:
        return file.read()


def test_it_is_made_in_the_background_kept_and_proves_itself(ada, incident):
    export = made(incident, ada, with_recipients=True)
    data = bytes_of(export)

    assert (export.state, export.size, faults(data)) == ("done", len(data), [])
    assert making.progress_of(export)[0] == making.progress_of(export)[1] > 10
    entry = AuditEvent.objects.get(verb="record.exported")
    assert (entry.actor, entry.chain, entry.number) == (ada, incident.chain, export.head_number)
    assert json.loads(files_of(data)["manifest.json"])["exported_by"] == "Ada"


def test_who_may_take_it_out(ada, ben, cleo, olga, incident):
    legal = factories.make_user("lin", roles=["legal"])
    other_marketer, support = (
        factories.make_user("mia", roles=["product_marketing"]),
        factories.make_user("sven", roles=["support"]),
    )

    for person in (ben, cleo, other_marketer, support):
        with pytest.raises(NotAllowed, match="Legal and administrators"):
            start(incident, person)
    for person in (ada, legal, olga):
        assert start(incident, person).state == "queued"


def test_one_at_a_time_for_each_person(ada, incident):
    start(incident, ada)

    with pytest.raises(Conflict, match="being made"):
        start(incident, ada)


def test_who_lost_the_right_meanwhile_gets_nothing(ada, incident):
    export = start(incident, ada)
    ada.roles = ["support"]
    ada.save()

    making.work(export_id=export.pk, now=NOW)

    export.refresh_from_db()
    assert (export.state, export.file.name) == ("failed", "") and "may not take this record out" in export.why


def test_a_bell_that_rings_twice_makes_one(ada, incident):
    export = made(incident, ada)
    before = export.sha256

    making.work(export_id=export.pk, now=SOON)

    export.refresh_from_db()
    assert (export.sha256, export.tries) == (before, 1)


def test_a_lost_worker_is_found_and_one_that_always_dies_ends_in_words(ada, incident, monkeypatch):
    export, rung = start(incident, ada), []
    monkeypatch.setattr(tasks.make_archive, "delay", lambda **given: rung.append(given))
    monkeypatch.setattr(writing, "begin", lambda *args, **kwargs: 1 / 0)
    moment = NOW
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            making.work(export_id=export.pk, now=moment)
        assert not RecordExport.objects.stuck(moment).exists()
        moment += timedelta(minutes=3)
        assert RecordExport.objects.stuck(moment).exists()
    making.work(export_id=export.pk, now=moment)

    export.refresh_from_db()
    assert export.state == "failed" and "begun several times" in export.why


def test_what_is_too_large_says_what_to_do(ada, incident, monkeypatch):
    monkeypatch.setattr(packing, "MOST_BYTES", 2_000)

    assert "Leave out the recipients" in made(incident, ada).why


def test_archives_are_deleted_after_their_days_and_the_row_stays(ada, incident, django_capture_on_commit_callbacks):
    export = made(incident, ada)
    name = export.file.name

    assert making.forget(now=NOW + timedelta(days=6)) == 0
    with django_capture_on_commit_callbacks(execute=True):
        assert making.forget(now=NOW + timedelta(days=7)) == 1

    export.refresh_from_db()
    assert (export.state, export.file.name, default_storage.exists(name)) == ("gone", "", False)
    assert len(export.sha256) == 64


def test_who_is_forgotten_stands_in_no_archive_that_is_kept(ada, olga, incident, django_capture_on_commit_callbacks):
    export = made(incident, ada, with_recipients=True)
    name, address = export.file.name, "lena@bluegate.example"
    assert address.encode() in files_of(bytes_of(export))["parts/recipients.csv"]

    with django_capture_on_commit_callbacks(execute=True):
        personal.erase(person=personal.Person(address, None, address), by=olga, now=NOW)

    assert not default_storage.exists(name)


def test_a_file_that_the_storage_lost_is_named_in_the_manifest(ada, incident):
    default_storage.delete(incident.documents.exclude(file="").get().file.name)
    data = archive(incident)

    lost = json.loads(files_of(data)["manifest.json"])["lost_files"]
    assert len(lost) == 1 and lost[0].startswith("files/document-2") and faults(data) == []


# Restricted: two people


def test_a_restricted_record_takes_a_second_person(ada, olga, secret):
    with pytest.raises(Refused, match="Say why"):
        start(secret, ada)
    asked = start(secret, ada, reason="The court asks")

    assert isinstance(asked, ControlChange) and not secret.exports.exists()
    with pytest.raises(Conflict, match="asked for a change of this already"):
        start(secret, ada, reason="Again")
    changes.confirm(change_id=asked.pk, by=olga, now=NOW)

    export = secret.exports.get()
    assert (export.by, export.state) == (ada, "queued")
    assert AuditEvent.objects.get(verb="record.exported").chain == secret.chain


def test_an_administrator_who_asked_does_not_confirm_it_alone(olga, secret):
    otto = factories.make_user("otto", roles=["administrator"])
    asked = start(secret, olga, reason="The court asks")

    with pytest.raises(Refused, match="somebody else"):
        changes.confirm(change_id=asked.pk, by=olga, now=NOW)
    changes.confirm(change_id=asked.pk, by=otto, now=NOW)
    assert secret.exports.count() == 1


def test_who_asked_and_lost_the_right_takes_nothing_out(ada, olga, secret):
    asked = start(secret, ada, reason="The court asks")
    ada.roles = ["support"]
    ada.save()

    with pytest.raises(Refused, match="may not ask for it any more"):
        changes.confirm(change_id=asked.pk, by=olga, now=NOW)


def test_the_mails_about_it_say_nothing_that_only_the_team_may_know(ada, olga, secret):
    asked = start(secret, ada, reason="The Xanthoria files")
    changes.refuse(change_id=asked.pk, reason="Xanthoria is not over", by=olga, now=NOW)
    asked.state = "open"
    told = Notice.objects.filter(kind__startswith="control_change")

    assert {one.person for one in told} == {olga, ada}
    for notice in told:
        mail = team_mail.notices.render(notice, NOW)
        assert mail is None or (mail.is_restricted and "Xanthoria" not in str(mail) and secret.title not in str(mail))


def test_for_a_restricted_record_another_one_who_may_export_fetches_nothing(ada, olga, secret):
    from incidents import access

    legal = factories.make_user("lin", roles=["legal"])
    actions.let_see(incident=secret, person=legal)
    asked = start(secret, ada, reason="The court asks")
    changes.confirm(change_id=asked.pk, by=olga, now=NOW)
    export = secret.exports.get()
    making.work(export_id=export.pk, now=NOW)
    export.refresh_from_db()

    assert [access.may_fetch(one, export, secret) for one in (ada, olga, legal)] == [True, True, False]


# What the installation knows


def compared(data):
    report = verifying.verify(io.BytesIO(data), expected_key=signing.public_key())
    assert report.faults == []
    return list(comparing.compare(report))


def cut(chain, number):
    as_superuser(
        "DELETE FROM crisiscomms_auditdetail d USING crisiscomms_auditevent e WHERE e.id = d.event_id AND chain = %s AND number = %s",
        chain, number,
    )  # fmt: skip
    as_superuser("DELETE FROM crisiscomms_auditevent WHERE chain = %s AND number = %s", chain, number)


def test_o6_an_archive_and_the_database_agree_also_when_more_was_written_or_erased_since(ada, olga, incident):
    data = archive(incident)
    add(incident, ada, text="Later")
    audit.erase(AuditEvent.objects.filter(chain=incident.chain, number=2).values_list("pk", flat=True), now=NOW)

    assert compared(data) == []
    assert "(erased)" in archive(incident).decode("latin-1") or faults(archive(incident)) == []


def test_o6_a_tail_that_was_cut_since_is_found_by_the_archive(incident):
    data = archive(incident)
    last = AuditEvent.objects.filter(chain=incident.chain).count()
    cut(incident.chain, last)

    assert compared(data) == [
        f"The end of INC-1 was cut off here: the archive has {last} events, the database {last - 1}."
    ]


def test_o6_a_tail_of_another_chain_is_found_too_and_the_archive_does_not_name_that_chain(ada, incident):
    other = factories.make_incident(ada, title="Another one")
    data = archive(incident)
    last = AuditEvent.objects.filter(chain=other.chain).count()
    assert b"INC-2" not in b"".join(files_of(data).values())
    cut(other.chain, last)

    assert compared(data) == [f"The end of INC-2 was cut off: it had {last} events, now {last - 1}."]


def test_o6_words_changed_by_a_superuser_since_are_named(incident):
    data = archive(incident)
    event = AuditEvent.objects.get(chain=incident.chain, number=3)
    as_superuser("UPDATE crisiscomms_auditdetail SET text = 'Nothing' WHERE event_id = %s", event.pk)

    assert compared(data) == [
        "The words of event 3 of INC-1 in the database are others than in the archive.",
        "In the database: The words of event 3 of INC-1 were changed.",
    ]


def test_o6_words_changed_before_the_export_are_named_by_their_keyed_digest(incident):
    event = AuditEvent.objects.get(chain=incident.chain, number=3)
    as_superuser("UPDATE crisiscomms_auditdetail SET text = 'Nothing' WHERE event_id = %s", event.pk)

    assert compared(archive(incident))[0] == (
        "The words of event 3 of INC-1 were changed before the record was taken out."
    )


# Commands


def run(*arguments):
    out = io.StringIO()
    code = 0
    try:
        call_command(*arguments, stdout=out, stderr=out)
    except SystemExit as ended:
        code = ended.code
    return code, out.getvalue()


def test_the_commands_export_and_verify(incident, tmp_path):
    path = tmp_path / "out.zip"
    code, words = run("export_incident", "inc-1", "--to", str(path), "--without-recipients")
    assert code == 0 and signing.fingerprint() in words
    assert AuditEvent.objects.get(verb="record.exported").actor is None

    code, words = run("verify_record", str(path))
    assert code == 0 and words.startswith("This record is whole: INC-1") and "nothing was changed or cut off" in words

    path.write_bytes(path.read_bytes()[:-1])
    code, words = run("verify_record", str(path))
    assert code == 1 and "cut off" in words


def test_the_commands_say_no_in_words(incident, tmp_path):
    path = tmp_path / "there.zip"
    path.write_bytes(b"")
    for arguments, words in [
        (("export_incident", "INC-99"), "no incident INC-99"),
        (("export_incident", "INC-1", "--to", str(path)), "there already"),
        (("export_incident", "INC-1", "--to", str(tmp_path / "no" / "x.zip")), "cannot be written"),
        (("verify_record", str(tmp_path / "missing.zip")), "cannot be read"),
        (("verify_record", str(path), "--key", "zz"), "64 signs"),
    ]:
        with pytest.raises(CommandError, match=words):
            call_command(*arguments)


def test_another_installations_archive_is_told_apart_by_its_key(incident, tmp_path, settings):
    path = tmp_path / "out.zip"
    path.write_bytes(archive(incident))
    theirs = signing.public_key().hex()
    settings.RECORD_SIGNING_KEY = "z" * 50

    assert run("verify_record", str(path))[0] == 1
    assert run("verify_record", str(path), "--key", theirs)[0] == 0
    assert "compare" in run("verify_record", str(path), "--any-key")[1]


def test_the_public_key_can_be_published(db):
    words = run("record_key")[1]

    assert signing.public_key().hex() in words and signing.fingerprint() in words


# What people typed

PAYLOAD = "<script>canary()</script><img src=x onerror=canary()>\"'{{ 7*7 }}[x](javascript:canary())\u202e\x07"


def test_i6_what_was_typed_is_inert_in_the_readable_record(ada, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    incident = factories.make_incident(ada, title=PAYLOAD[:100], summary=PAYLOAD)
    add(incident, ada, title=PAYLOAD, text=PAYLOAD, url='https://x.example/"><script>')
    actions.waive_document(incident_id=incident.pk, key="severity_reason", reason=PAYLOAD, by=ada, now=NOW)
    page = files_of(archive(Incident.objects.get(pk=incident.pk)))["record.html"].decode()

    tags = set(re.findall(r"<([a-z0-9!]+)", page))
    assert tags & {"script", "img", "iframe", "object", "form", "link", "base", "svg"} == set()
    assert not re.search(r"<[^>]*\son[a-z]+=", page) and "javascript:" not in re.sub(r">[^<]*<", "><", page)
    assert "default-src 'none'" in page.replace("&#x27;", "'") and "\x07" not in page
    assert "&lt;script&gt;canary()" in page


@pytest.mark.slow
def test_memory_does_not_grow_with_the_recipients(ada, ben, sink, settings, tmp_path):
    import tracemalloc

    settings.MEDIA_ROOT = tmp_path
    incident = whole_incident(ada, ben)
    peaks = []
    for rows in (2_000, 20_000):
        _notifications(incident, rows)
        with (tmp_path / "out.zip").open("wb+") as file:
            tracemalloc.start()
            writing.write(incident, file, by=None, now=NOW)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

    assert peaks[1] < peaks[0] + 6_000_000


def _notifications(incident, rows):
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO delivery_notification
                 (dispatch_id, contact_id, address, tier, accounts, merge, state, reason, attempts, possibly_twice)
               SELECT dispatch_id, contact_id, 'p' || g || '-' || %(rows)s || '@many.example', tier, accounts, merge,
                      'cancelled', '', 0, false
               FROM (SELECT * FROM delivery_notification LIMIT 1) n, generate_series(1, %(rows)s) g""",
            {"rows": rows},
        )
