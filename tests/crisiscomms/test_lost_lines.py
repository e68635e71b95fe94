"""Lines to the chat that were given up: seen by administrators, tried again by a press, on the record."""

from datetime import timedelta

import pytest
from django.urls import reverse

from crisiscomms import lost_lines, notices
from crisiscomms.models import AuditEvent, ChatLine, Notice
from crisiscomms.refusal import Refused
from tests import factories
from tests.conftest import NOW


@pytest.fixture
def lost(ada):
    incident = factories.make_incident(ada)
    Notice.objects.all().delete()
    notices.tell([ada], kind="declared", key="k", now=NOW, incident=incident.pk)
    return ChatLine.objects.create(
        notice=Notice.objects.get(), state="failed", attempts=4, last_error="the chat said no"
    )


def test_an_administrator_sees_them_and_has_them_posted_again(olga, lost, browse):
    page = browse(olga, reverse("setup")).content.decode()
    assert "1 line to the chat failed" in page
    assert "the chat said no" in page

    browse(olga, reverse("setup_retry_lines"), {})

    lost.refresh_from_db()
    assert (lost.state, lost.attempts, lost.next_attempt_at) == ("queued", 0, NOW)
    assert AuditEvent.objects.get(verb="team_chat.retried").actor == olga
    assert "line to the chat failed" not in browse(olga, reverse("setup")).content.decode()


def test_nobody_else_has_them_posted(ada, lost):
    with pytest.raises(Refused):
        lost_lines.try_again(by=ada, now=NOW)

    assert ChatLine.objects.get().state == "failed"


def test_a_second_press_finds_nothing(olga, lost):
    lost_lines.try_again(by=olga, now=NOW)

    with pytest.raises(Refused, match="pressed first"):
        lost_lines.try_again(by=olga, now=NOW)


def test_what_is_older_than_two_weeks_rests(olga, lost):
    with pytest.raises(Refused):
        lost_lines.try_again(by=olga, now=NOW + timedelta(days=14))
