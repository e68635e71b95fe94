"""What is forgotten after its time, what is not, and that the record and the counts hold afterwards."""

import json
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command

from crisiscomms import audit, clock, notices, policy, retention, tasks
from crisiscomms.models import AuditDetail, AuditEvent, Notice, Session
from delivery.models import DeliveryAttempt, Notification, Tally
from incidents.models import Incident
from stakeholders import actions as stakeholders
from stakeholders.imports import running
from stakeholders.models import ImportRow, ImportRun
from tests.conftest import NOW
from tests.delivery.ground import order_mail, people, work_until_over

MUCH_LATER = NOW + timedelta(days=400)


@pytest.fixture
def sent(ada, ben, sink):
    """Three people: one reached, one refused by a server that names her, one who unsubscribed."""
    people("lena", "rcpt-550.omar", "uma")
    dispatch = order_mail(ada, ben)
    work_until_over(dispatch)
    Notification.objects.filter(state="failed").update(reason="550 <rcpt-550.omar@many.example> unknown")
    return dispatch


def close(incident, moment):
    Incident.objects.filter(pk=incident.pk).update(phase="closed", closed_at=moment, stood_down=True)


def counts(dispatch):
    return {key: value for key, value in vars(Tally.objects.get(dispatch=dispatch)).items() if key != "_state"}


def everything_about_mails():
    rows = [
        *Notification.objects.values_list("address", "merge", "reason"),
        *DeliveryAttempt.objects.values_list("text"),
    ]
    return json.dumps(rows, default=str)


def test_recipients_of_an_incident_closed_long_ago_are_forgotten_and_the_counts_stay(sent):
    before, states = counts(sent), list(Notification.objects.order_by("pk").values_list("state", flat=True))
    close(sent.incident, NOW)

    done, more = retention.apply(now=MUCH_LATER)

    assert (done["notifications"], more) == (3, False)
    assert "many.example" not in everything_about_mails()
    assert list(Notification.objects.order_by("pk").values_list("state", flat=True)) == states
    assert counts(sent) == before and Tally.objects.get(dispatch=sent).adds_up
    assert list(audit.faults(sent.incident.chain)) == [] and list(audit.faults(audit.INSTALLATION)) == []


@pytest.mark.parametrize("closed", [None, MUCH_LATER - timedelta(days=364)], ids=["open", "closed too lately"])
def test_nothing_of_an_incident_that_is_open_or_lately_closed_is_touched(sent, closed):
    if closed:
        close(sent.incident, closed)
    before = everything_about_mails()

    done, _ = retention.apply(now=MUCH_LATER)

    assert "notifications" not in done and everything_about_mails() == before


def test_a_second_run_finds_nothing_and_the_record_holds_counts_only(sent):
    close(sent.incident, NOW)
    retention.apply(now=MUCH_LATER)

    assert retention.apply(now=MUCH_LATER) == ({}, False)

    event = AuditEvent.objects.select_related("detail").get(verb="retention.applied")
    assert all(isinstance(value, int) for value in event.detail.data.values())
    assert "@" not in event.detail.text


def test_many_rows_go_in_batches_and_the_rest_waits_for_the_next_ring(sent, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    close(sent.incident, NOW)

    done, more = retention.apply(now=MUCH_LATER, seconds=0)
    assert (done, more) == ({"notifications": 2}, True)
    while more:
        done, more = retention.apply(now=MUCH_LATER, seconds=0)

    assert not Notification.objects.exclude(merge={}).exists()


@pytest.mark.parametrize(("days", "left"), [(29, 2), (31, 0)])
def test_rows_and_cells_of_imports_go_after_a_month(ada, settings, tmp_path, days, left):
    settings.MEDIA_ROOT = tmp_path
    run = staged(ada)

    retention.apply(now=NOW + timedelta(days=days))

    run.refresh_from_db()
    assert ImportRow.objects.count() == left
    assert bool(run.samples) == bool(run.file) == bool(left)
    assert run.state == ("ready" if left else "cancelled")


def staged(by):
    file = ContentFile(b"Email,First Name\na@x.example,Anna\nb@x.example,Bo\n", "q.csv")
    run = stakeholders.start_import(file=file, name="q.csv", by=by, now=NOW, in_background=False)
    with clock.at(NOW):
        running.work(run_id=run.pk)
    return ImportRun.objects.get(pk=run.pk)


def test_mails_to_the_team_expired_sessions_and_words_about_sign_ins_go(ada):
    notices.tell([ada], kind="password_reset", key="k", now=NOW)
    Notice.objects.update(state="sent", next_attempt_at=None)
    notices.tell([ada], kind="password_reset", key="waits", now=NOW)
    Session.objects.create(session_key="s", session_data="", expire_date=NOW)
    audit.record(chain="installation", verb="session.ended", subject="x", text="Firefox, 192.0.2.7", by=ada, now=NOW)

    retention.apply(now=MUCH_LATER)

    assert list(Notice.objects.values_list("key", flat=True)) == ["waits"]
    assert not Session.objects.exists()
    assert AuditDetail.objects.get(event__verb="session.ended").text == audit.ERASED
    assert list(audit.faults(audit.INSTALLATION)) == []


def test_the_period_is_policy(sent):
    close(sent.incident, NOW)
    policy.replace(key="retention", data={"notifications_days": 500}, by=None, now=NOW)

    assert retention.apply(now=MUCH_LATER) == ({}, False)


def test_every_rule_has_a_shipped_period_and_every_period_a_rule(policies):
    periods = {key for key, value in policy.current("retention").items() if isinstance(value, int)}

    assert periods == {f"{key}_days" for key in retention.rules()}


def test_the_command_says_first_what_it_would_do(sent, capsys):
    close(sent.incident, NOW)
    with clock.at(MUCH_LATER):
        call_command("apply_retention", "--dry-run")
        assert "Recipients of closed incidents: 3 would be forgotten" in capsys.readouterr().out
        assert "many.example" in everything_about_mails()

        call_command("apply_retention")

    assert "Recipients of closed incidents: 3 forgotten" in capsys.readouterr().out
    assert "many.example" not in everything_about_mails()


@pytest.mark.parametrize(("hour", "forgotten"), [(12, False), (2, True)])
def test_the_task_works_at_night(sent, hour, forgotten):
    close(sent.incident, NOW)

    with clock.at(MUCH_LATER.replace(hour=hour)):
        tasks.apply_retention()

    assert ("many.example" not in everything_about_mails()) is forgotten
