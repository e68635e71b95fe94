"""Mails to the team: told once, worded at the last moment, never in each other's way, no secret at rest."""

import json
import re
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from django.core import serializers
from django.test import override_settings

from crisiscomms import notices
from crisiscomms.models import Notice, User
from delivery import actions, team_mail
from incidents.models import Incident
from messaging.models import ApprovalLink
from tests import factories
from tests.conftest import NOW
from tests.delivery import ground
from tests.delivery.ground import SOON, order_mail, read
from tests.delivery.test_sender import closed_server


def tell(incident, *people, key="k"):
    return notices.tell(people, kind="declared", key=key, now=NOW, incident=incident.pk)


def send(now=SOON):
    return team_mail.send_due(now=lambda: now)


def send_until_over(start=SOON):
    """The moments of each try."""
    now, moments = start, []
    for _ in range(20):
        moments.append(now)
        send(now)
        following = Notice.objects.exclude(next_attempt_at=None).order_by("next_attempt_at").first()
        if following is None:
            return moments
        now = following.next_attempt_at
    raise AssertionError("it never ends")


@pytest.fixture
def incident(ada):
    """Declared, and everybody has been told of it already."""
    made = factories.make_incident(ada)
    Notice.objects.all().delete()
    return made


def test_nobody_is_told_the_same_twice(ada, incident, sink):
    dora = factories.make_user("dora", roles=["support"])
    assert (tell(incident, ada, ada, dora), tell(incident, ada, dora)) == (2, 0)
    send()
    assert tell(incident, ada, dora) == 0
    send(NOW + timedelta(days=1))

    assert sink.counts == {"ada@team.example": 1, "dora@team.example": 1}


def test_declaring_tells_the_team_by_mail(ada, sink):
    incident = factories.make_incident(ada)
    send()

    mail = next(read(m) for m in sink.mails if m.recipient == "ada@team.example")
    assert incident.ref in mail["Subject"]
    assert incident.title in mail.get_body(("plain",)).get_content()
    assert (mail["Auto-Submitted"], mail["List-Unsubscribe"]) == ("auto-generated", None)


def test_a_mail_says_what_is_true_when_it_leaves(ada, incident, sink):
    tell(incident, ada)

    Incident.objects.filter(pk=incident.pk).update(title="Only refunds fail")
    send()

    assert "Only refunds fail" in read(sink.mails[0])["Subject"]


def test_what_is_over_is_not_told_any_more(ada, ben, sink):
    ground.people("anna")
    dispatch = ground.release(order_mail(ada, ben))
    actions.stop_dispatch(dispatch_id=dispatch.pk, reason="No longer approved", by=None, now=NOW)
    actions.resume_dispatch(dispatch_id=dispatch.pk, by=ada, now=NOW)

    send()

    assert Notice.objects.get(kind="dispatch_stopped").state == "skipped"
    assert not any("was stopped" in read(m)["Subject"] for m in sink.mails)


def test_what_stopped_is_told_with_its_reason(ada, ben, sink):
    ground.people("anna")
    dispatch = ground.release(order_mail(ada, ben))
    actions.stop_dispatch(dispatch_id=dispatch.pk, reason="Ben no longer holds the right", by=None, now=NOW)

    send()

    mail = next(read(m) for m in sink.mails if "was stopped" in read(m)["Subject"])
    assert mail["To"].addresses[0].addr_spec == "ada@team.example"
    assert "Ben no longer holds the right" in mail.get_body(("plain",)).get_content()


@pytest.mark.parametrize("local", ["rcpt-451", "data-451"])
def test_d6_a_colleague_who_is_not_taken_yet_is_tried_with_growing_gaps_until_a_visible_end(
    policies, incident, sink, local
):
    tell(incident, factories.make_user(local, roles=["support"]))

    moments = send_until_over()

    gaps = [int((b - a).total_seconds()) for a, b in pairwise(moments)]
    notice = Notice.objects.get()
    assert gaps == [15, 60, 300, 900, 3600]
    assert (notice.state, notice.attempts, notice.last_error) == ("failed", 6, "said so")


def test_d6_a_greylisted_colleague_is_told_the_second_time_and_a_refused_one_fails_at_once(ada, incident, sink):
    grey, gone = (factories.make_user(name, roles=["support"]) for name in ("greylist", "rcpt-550"))
    tell(incident, ada, grey, gone)

    send()
    assert Counter(Notice.objects.values_list("state", flat=True)) == {"sent": 1, "queued": 1, "failed": 1}
    send(SOON + timedelta(seconds=15))

    assert sink.counts == {"ada@team.example": 1, "greylist@team.example": 1}
    assert Notice.objects.get(person=gone).last_error == "said so"


def test_with_the_server_down_nothing_is_lost(ada, incident, sink):
    tell(incident, ada, factories.make_user("pia", roles=["support"]))
    with override_settings(MAIL_SERVER=closed_server()):
        team_mail.door.reset_session()
        send()
        team_mail.door.reset_session()
    assert set(Notice.objects.values_list("state", "attempts")) == {("queued", 1)}

    send(SOON + timedelta(seconds=15))

    assert sink.counts == {"ada@team.example": 1, "pia@team.example": 1}


def test_d8_a_colleague_without_an_answer_is_told_once_more_and_no_third_time(policies, incident, sink):
    tell(incident, factories.make_user("drop", roles=["support"]))

    send_until_over()

    assert sink.counts == {"drop@team.example": 2}


@pytest.mark.parametrize("when", ["before it is told", "before it leaves"])
def test_x8_somebody_without_access_gets_no_mail(ada, incident, sink, when):
    if when == "before it is told":
        User.objects.filter(pk=ada.pk).update(is_active=False)
        ada.refresh_from_db()
    tell(incident, ada)
    User.objects.filter(pk=ada.pk).update(is_active=False)

    send()

    assert sink.mails == []
    assert not Notice.objects.exclude(state="skipped").exists()


def test_i5_one_that_cannot_be_made_fails_alone(ada, dora, incident, sink):
    User.objects.filter(pk=dora.pk).update(name="Dora\r\nBcc: spy@evil.example", roles=["support"])
    broken = factories.make_user("eve", roles=["support"])
    tell(incident, dora, broken, ada)
    Notice.objects.filter(person=broken).update(kind="dispatch_stopped", context={"dispatch": 0})

    send_until_over()

    assert sink.counts == {"ada@team.example": 1}
    failed = Notice.objects.filter(state="failed")
    assert {notice.person for notice in failed} == {dora, broken}
    assert all("could not be made" in notice.last_error for notice in failed)


def test_a_worker_that_died_with_notices_in_hand_delays_them_only(ada, incident, sink):
    tell(incident, ada)
    team_mail._claim(SOON)

    send(SOON + timedelta(seconds=59))
    assert sink.mails == []
    send(SOON + timedelta(seconds=60))

    assert sink.counts == {"ada@team.example": 1}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_d10_many_workers_at_once_tell_everybody_once(ada, sink, monkeypatch):
    incident = factories.make_incident(ada)
    Notice.objects.all().delete()
    tell(incident, *(factories.make_user(f"p{number}", roles=["support"]) for number in range(120)))

    with ground.own_sessions(monkeypatch):
        ground.at_once(4, lambda _: send())

    assert Counter(sink.counts.values()) == {1: 120}
    assert set(Notice.objects.values_list("state", flat=True)) == {"sent"}


def test_a11_the_link_of_an_approval_stands_in_the_mail_and_in_no_table(ada, ben, sink):
    factories.ask(factories.make_message(factories.make_incident(ada), ada), ada)
    send()

    text = next(read(m) for m in sink.mails if m.recipient == "ben@team.example").get_body(("plain",)).get_content()
    token = re.search(r"/approve/([^/\s]{20,})/", text).group(1)
    rows = [*Notice.objects.all(), *ApprovalLink.objects.all()]
    assert rows
    assert token not in json.dumps(serializers.serialize("python", rows), default=str)


def test_a_restricted_incident_is_not_told_in_words(ada, sink):
    incident = factories.make_incident(ada, restricted=True, title="Keys of customers were copied")
    send()

    assert sink.mails
    assert not any(b"Keys of customers" in m.raw for m in sink.mails)
    assert all(incident.ref in read(m)["Subject"] for m in sink.mails)
