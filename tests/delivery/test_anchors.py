"""The ends of all chains leave the house, signed, once in each period, and find what was cut off since."""

import hashlib
import json
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.urls import reverse

from crisiscomms import audit, signing
from crisiscomms import policy as policies
from crisiscomms.celery import app
from crisiscomms.models import AuditEvent, Notice
from delivery import anchor_mail, tasks
from delivery.channels import email as door
from incidents.models import Anchor, AnchorMail
from incidents.record import anchored, anchors, documents, format
from tests import factories
from tests.conftest import NOW
from tests.crisiscomms.test_audit import as_superuser
from tests.delivery.ground import at_once, own_sessions
from tests.delivery.test_sender import closed_server
from tests.incidents.record_ground import add
from tests.incidents.test_record_exports import cut, run

DAY = timedelta(days=1)
AUDITOR, LAWYER = "auditor@books.example", "lawyer@law.example"


def name(*addresses, hours=24):
    data = {**documents.rules(), "anchor_addresses": list(addresses), "anchor_every_hours": hours}
    policies.replace(key="documents", data=data, by=None, now=NOW)


@pytest.fixture
def incident(ada, sink):
    name(AUDITOR)
    return factories.make_incident(ada)


def knock(now=NOW):
    anchors.make_due(now=now)
    return anchor_mail.send_due(now=lambda: now)


def states():
    return list(AnchorMail.objects.order_by("pk").values_list("state", flat=True))


def mail_of(sink, place=-1):
    return message_from_bytes(sink.mails[place].raw, policy=policy.default)


def sent_file(sink, place=-1) -> bytes:
    (attached,) = mail_of(sink, place).iter_attachments()
    return attached.get_content().encode() if isinstance(attached.get_content(), str) else attached.get_content()


def test_nothing_leaves_while_no_address_is_named(ada, sink):
    factories.make_incident(ada)

    assert knock() == 0 and not Anchor.objects.exists()


def test_the_mail_holds_the_signed_ends_and_says_how_to_check(incident, sink):
    other = factories.make_incident(incident.lead, title="Another one", restricted=True)
    knock()

    mail, found = mail_of(sink), anchored.read(sent_file(sink))
    words = mail.get_body().get_content()
    assert mail["To"] == AUDITOR and "number 1" in mail["Subject"] and mail["Auto-Submitted"] == "auto-generated"
    for said in ("verify_record --anchors", signing.fingerprint(), "18 November 2026, 16:09 UTC", "3 chains"):
        assert said in words
    ends = {one.number: one.digest for one in audit.heads() if one.chain in (incident.chain, other.chain)}
    assert found.public_key == signing.public_key() and len(found.chains) == 3
    assert set(ends.items()) <= {(one["number"], one["digest"]) for one in found.chains}
    raw = sink.mails[-1].raw
    assert b"INC-" not in raw and other.title.encode() not in raw and incident.title.encode() not in raw


def test_it_goes_out_once_in_each_period_to_each_address(incident, sink):
    name(AUDITOR, LAWYER)
    for moment in (NOW, NOW, NOW + timedelta(hours=23), NOW + DAY, NOW + DAY):
        knock(moment)

    assert [(one.recipient, mail_of(sink, place)["Subject"][-1]) for place, one in enumerate(sink.mails)] == [
        (AUDITOR, "1"), (LAWYER, "1"), (AUDITOR, "2"), (LAWYER, "2"),
    ]  # fmt: skip
    first, second = Anchor.objects.order_by("number")
    assert json.loads(second.file)["anchors"]["previous"] == hashlib.sha256(first.file.encode()).hexdigest()
    assert AuditEvent.objects.filter(verb="anchors.made", chain=audit.INSTALLATION).count() == 2


@pytest.mark.django_db(transaction=True)
def test_beats_and_workers_that_knock_at_once_send_it_once(transactional_db, ada, sink, monkeypatch):
    to = [f"auditor{number}@books.example" for number in range(10)]
    name(*to)
    factories.make_incident(ada)

    with own_sessions(monkeypatch):
        found = at_once(4, lambda number: knock())

    assert sum(found) == 10 and Anchor.objects.count() == 1
    assert sorted(one.recipient for one in sink.mails) == to


def test_the_clock_knocks(incident, sink):
    from crisiscomms.celery import app

    assert app.conf.beat_schedule["anchors"]["task"] == tasks.send_anchors.name
    tasks.send_anchors()

    assert len(sink.mails) == 1


# When it does not get out


def test_a_server_that_is_down_is_tried_again_and_the_same_bytes_leave(incident, sink):
    with override_settings(MAIL_SERVER=closed_server()):
        door.reset_session()
        knock()
        door.reset_session()
    mail = AnchorMail.objects.get()
    assert (mail.state, mail.next_attempt_at, bool(mail.last_error)) == ("queued", NOW + timedelta(minutes=1), True)
    add(incident, incident.lead, text="Later")

    knock(mail.next_attempt_at)

    assert states() == ["sent"] and sent_file(sink) == mail.anchor.file.encode()


def test_a_worker_that_died_over_it_is_found(incident, sink):
    anchors.make_due(now=NOW)
    anchor_mail._claim(NOW)

    assert knock(NOW + timedelta(seconds=59)) == 0
    assert knock(NOW + timedelta(seconds=60)) == 1 and states() == ["sent"]


def test_what_never_gets_out_ends_and_administrators_hear_of_it(incident, olga, sink):
    with override_settings(MAIL_SERVER=closed_server()):
        door.reset_session()
        moment = NOW
        while moment:
            knock(moment)
            moment = AnchorMail.objects.get().next_attempt_at
        door.reset_session()

    assert states() == ["failed"] and AnchorMail.objects.get().attempts == 7
    assert [one.person for one in Notice.objects.filter(kind="anchor_failed")] == [olga]


def test_an_address_that_is_refused_is_told_of_at_once_and_the_others_get_theirs(browse, incident, olga, sink):
    name("rcpt-550@books.example", LAWYER)
    knock()

    assert sorted(states()) == ["failed", "sent"] and [one.recipient for one in sink.mails] == [LAWYER]
    notice = Notice.objects.get(kind="anchor_failed")
    page = browse(olga, reverse("notices")).content.decode()
    assert "did not get out" in page and notice.person == olga


def test_what_waits_for_an_address_that_is_no_longer_named_does_not_leave(incident, olga, sink):
    anchors.make_due(now=NOW)
    name(LAWYER)

    assert knock() == 1 and states() == ["failed"] and not sink.mails
    assert not Notice.objects.filter(kind="anchor_failed").exists()


# What it is good for


@pytest.fixture
def saved(incident, sink, tmp_path):
    knock()
    path = tmp_path / "anchors.json"
    path.write_bytes(sent_file(sink))
    return path


def test_o6_anchors_and_the_record_agree_also_when_more_was_written_since(incident, saved, sink, tmp_path):
    add(incident, incident.lead, text="Later")
    whole_mail = tmp_path / "mail.eml"
    whole_mail.write_bytes(sink.mails[-1].raw)

    for path in (saved, whole_mail):
        code, words = run("verify_record", "--anchors", str(path))
        assert code == 0 and "Anchors number 1" in words and "its end of then stands" in words


def test_o6_a_cut_end_is_named(incident, saved):
    last = AuditEvent.objects.filter(chain=incident.chain).count()
    cut(incident.chain, last)

    code, words = run("verify_record", "--anchors", str(saved))
    assert code == 1 and f"The end of INC-1 was cut off: it had {last} events, now {last - 1}." in words


def test_o6_an_end_that_was_cut_and_written_anew_is_named(incident, saved):
    last = AuditEvent.objects.filter(chain=incident.chain).count()
    cut(incident.chain, last)
    audit.record(chain=incident.chain, verb="x.y", subject="x", text="Other", by=None, now=NOW)

    code, words = run("verify_record", "--anchors", str(saved))
    assert code == 1 and f"Event {last} of INC-1 is another one than before." in words


def test_o6_a_chain_that_is_gone_whole_is_counted(incident, saved):
    for number in range(AuditEvent.objects.filter(chain=incident.chain).count(), 0, -1):
        cut(incident.chain, number)

    code, words = run("verify_record", "--anchors", str(saved))
    assert code == 1 and "1 chain of the record that there was then cannot be found any more." in words


def test_o6_what_leads_to_an_end_is_looked_at_as_well(incident, saved):
    as_superuser("UPDATE crisiscomms_auditevent SET verb = 'x.y' WHERE chain = %s AND number = 1", incident.chain)

    code, words = run("verify_record", "--anchors", str(saved))
    assert code == 1 and "Event 1 of INC-1 was changed." in words


def changed(raw, key=None, **fields):
    said = json.loads(raw)
    said["anchors"] |= fields
    if key:
        statement = said["anchors"]
        return anchored.file(statement, key.public_key().public_bytes_raw(), key.sign(anchored.to_sign(statement)))
    return format.canonical(said)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "no file of anchors"),
        (b"[" * 100_000, "no file of anchors"),
        (b"\xff\xfe", "no file of anchors"),
        (b"Content-Type: application/json\n\n{}", "no file of anchors"),
        (b"Content-Type: multipart/mixed; boundary=x\n\n--x\n" * 50, "no file of anchors"),
        (b'{"anchors":{"format":"crisis-comms-anchors/1","number":1,"at":"","chains":[1]}}', "no file of anchors"),
    ],
)
def test_i7_what_comes_back_is_taken_for_hostile(raw, words, db, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(raw)

    with pytest.raises(CommandError, match=words):
        call_command("verify_record", "--anchors", str(path))


def test_anchors_that_were_changed_or_forged_are_refused(saved):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    raw = saved.read_bytes()
    forger = Ed25519PrivateKey.from_private_bytes(bytes(32))
    for other, words in ((changed(raw, number=2), "does not fit"), (changed(raw, forger, chains=[]), "another key")):
        saved.write_bytes(other)
        with pytest.raises(CommandError, match=words):
            call_command("verify_record", "--anchors", str(saved))


def test_one_thing_is_checked_at_a_time(saved):
    for arguments in ([], [str(saved), "--anchors", str(saved)], ["--anchors", "/nowhere"]):
        with pytest.raises(CommandError):
            call_command("verify_record", *arguments)


# What administrators see


def page(browse, olga, monkeypatch, now=NOW):
    from crisiscomms import clock

    monkeypatch.setattr(clock, "now", lambda: now)
    return browse(olga, reverse("incidents:anchors")).content.decode()


def test_the_page_says_when_it_was_last_sent_and_warns_when_it_is_overdue(browse, olga, incident, sink, monkeypatch):
    assert "nothing sent yet" in page(browse, olga, monkeypatch)
    knock()
    on_time = page(browse, olga, monkeypatch, NOW + DAY + timedelta(hours=3))
    late = page(browse, olga, monkeypatch, NOW + DAY + timedelta(hours=3, seconds=1))

    assert "last sent" in on_time and "Number 1" in on_time and 'role="alert"' not in on_time
    assert 'role="alert"' in late and "Nothing has reached" in late


def test_without_an_address_it_says_where_to_name_one(browse, olga, db):
    shown = browse(olga, reverse("incidents:anchors")).content.decode()

    assert "Nothing is sent" in shown and reverse("setup_policy", args=["documents"]) in shown


def test_a_policy_of_before_lives_on_and_bad_addresses_are_refused(browse, olga, db):
    old = {key: value for key, value in documents.rules().items() if not key.startswith("anchor_")}
    policies.replace(key="documents", data=old, by=None, now=NOW)

    assert anchors.addresses() == [] and anchors.every() == DAY
    assert browse(olga, reverse("setup_policy", args=["documents"])).status_code == 200
    for bad in (["no address"], [AUDITOR, AUDITOR]):
        with pytest.raises(policies.BadPolicy, match="anchor_addresses"):
            policies.change(
                key="documents", base=policies.newest("documents").version, data={**old, "anchor_addresses": bad},
                reason="x", by=olga, now=NOW,
            )  # fmt: skip


def test_a_server_that_is_gone_is_asked_once_for_all_addresses(ada):
    name(AUDITOR, LAWYER)
    factories.make_incident(ada)

    with override_settings(MAIL_SERVER=closed_server()):
        door.reset_session()
        assert knock() == 1

    assert sorted(AnchorMail.objects.values_list("attempts", flat=True)) == [0, 1]


def test_one_that_hangs_lets_the_worker_go_and_is_tried_again(incident, monkeypatch):
    def hang(envelopes):
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(door.session(), "send_many", hang)

    with pytest.raises(SoftTimeLimitExceeded):
        knock()

    mail = AnchorMail.objects.get()
    assert (mail.state, mail.next_attempt_at, mail.last_error) == (
        "queued",
        NOW + timedelta(seconds=60),
        anchor_mail.SILENT,
    )


def test_what_kills_its_worker_each_time_is_given_up(incident, olga, sink):
    anchors.make_due(now=NOW)
    AnchorMail.objects.update(attempts=anchor_mail.MOST_ATTEMPTS)

    anchor_mail.send_due(now=lambda: NOW)

    assert states() == ["failed"] and Notice.objects.filter(kind="anchor_failed").exists() and not sink.mails


def test_the_clock_does_not_wait_for_a_mail_server():
    assert app.conf.task_routes["delivery.tasks.send_anchors"]["queue"] not in ("deadlines", "default")
    assert tasks.send_anchors.soft_time_limit == 20
