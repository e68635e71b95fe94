"""Mails to the team that were given up: seen by administrators, tried again by a press, on the record."""

from datetime import timedelta

import pytest
from django.urls import reverse

from crisiscomms import lost_mails, notices
from crisiscomms.models import AuditEvent, Notice
from crisiscomms.refusal import Refused
from delivery import team_mail
from tests import factories
from tests.conftest import NOW


@pytest.fixture
def lost(ada):
    incident = factories.make_incident(ada)
    Notice.objects.all().delete()
    notices.tell([ada], kind="declared", key="k", now=NOW, incident=incident.pk)
    Notice.objects.update(state="failed", attempts=6, next_attempt_at=None, last_error="the server said no")
    return Notice.objects.get()


def test_an_administrator_sees_them_and_has_them_sent(olga, lost, sink, browse):
    page = browse(olga, reverse("setup")).content.decode()
    assert "1 mail to the team failed" in page
    assert "the server said no" in page

    browse(olga, reverse("setup_retry_mails"), {})
    team_mail.send_due(now=lambda: NOW)

    lost.refresh_from_db()
    assert (lost.state, sink.counts) == ("sent", {"ada@team.example": 1})
    assert AuditEvent.objects.get(verb="team_mail.retried").actor == olga
    assert "failed" not in browse(olga, reverse("setup")).content.decode().split('id="steps"')[0].split("<main")[1]


def test_nobody_else_has_them_sent(ada, lost):
    with pytest.raises(Refused):
        lost_mails.try_again(by=ada, now=NOW)

    assert Notice.objects.get().state == "failed"


def test_a_second_press_finds_nothing(olga, lost):
    lost_mails.try_again(by=olga, now=NOW)

    with pytest.raises(Refused, match="pressed first"):
        lost_mails.try_again(by=olga, now=NOW)


def test_what_is_older_than_two_weeks_rests(olga, lost):
    later = NOW + timedelta(days=14)

    assert not lost_mails.recent(later).exists()
    with pytest.raises(Refused):
        lost_mails.try_again(by=olga, now=later)


def test_a_link_to_set_a_password_is_not_mailed_a_day_late(ada):
    notice = Notice(person=ada, kind="password_reset", created_at=NOW)

    assert notices.render(notice, NOW + timedelta(hours=23)) is not None
    assert notices.render(notice, NOW + timedelta(hours=25)) is None
