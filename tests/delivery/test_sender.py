"""One mail per person, repeated never unasked, ended always: the sender against a real and ill-behaved server."""

import dataclasses
import re
import threading
import time
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import override_settings

from crisiscomms import celery, people, policy
from crisiscomms.models import AuditEvent, Notice
from crisiscomms.organisation import set_organisation
from delivery import actions, claims, sender, sweeping, tasks, team_mail
from delivery.channels import email as door
from delivery.models import Claim, DeliveryAttempt, Dispatch, Notification, Tally
from stakeholders.models import Contact
from tests import factories
from tests.conftest import NOW
from tests.delivery import ground
from tests.delivery.ground import SOON, order_mail, read, round_of_work, row_of, states, work_until_over

DAY = timedelta(days=1)


# The mail itself


def test_d7_every_mail_has_one_recipient_and_its_own_message_id(ada, ben, sink):
    ground.people("anna", "ben", "rcpt-550", "cleo")

    round_of_work_of = order_mail(ada, ben)
    round_of_work()

    assert states(round_of_work_of) == {"anna": "sent", "ben": "sent", "rcpt-550": "failed", "cleo": "sent"}
    assert [read(m)["To"].addresses[0].addr_spec for m in sink.mails] == [m.recipient for m in sink.mails]
    assert len({read(m)["Message-ID"] for m in sink.mails}) == 3
    assert not any(read(m)["Cc"] or read(m)["Bcc"] for m in sink.mails)


def test_a_mail_says_who_sends_it_where_replies_go_and_how_to_stop(ada, ben, sink):
    set_organisation(
        by=None,
        now=NOW,
        name="Northlight",
        from_name="Northlight",
        from_address="u@n.example",
        reply_to="help@n.example",
    )
    ground.people("anna")
    order_mail(ada, ben)
    round_of_work()

    mail = read(sink.mails[0])
    assert (mail["From"], mail["Reply-To"]) == ("Northlight <u@n.example>", "help@n.example")
    assert re.fullmatch(r"<http://localhost:8000/u/[^/>]+/>", mail["List-Unsubscribe"])
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Message-ID"].endswith("@n.example>")


def test_a_mail_has_a_text_and_an_html_part_that_say_the_same(ada, ben, sink):
    ground.people("anna", name="Bluegate")
    order_mail(ada, ben)
    round_of_work()

    mail = read(sink.mails[0])
    assert mail.get_content_type() == "multipart/alternative"
    for kind in ("plain", "html"):
        body = mail.get_body((kind,)).get_content()
        assert "Hello anna," in body
        assert "Some of the card payments at Bluegate fail" in body
        assert mail["List-Unsubscribe"].strip("<>") in body


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("America/New_York", "by 09:09 EST on 17 November"),
        ("Asia/Tokyo", "by 23:09 JST on 17 November"),
        ("Pacific/Auckland", "by 03:09 NZDT on 18 November"),
        ("", "by 15:09 CET on 17 November"),
        ("No/Such_Zone", "by 14:09 UTC on 17 November"),
    ],
)
def test_times_in_a_mail_are_in_the_zone_of_its_reader(ada, ben, sink, zone, words):
    set_organisation(by=None, now=NOW, name="Northlight", time_zone="Europe/Berlin")
    ground.people("anna", time_zone=zone)
    ground.people("other", name="Other", time_zone="Europe/London")
    order_mail(ada, ben, content={"next_update_at": (NOW + timedelta(hours=1)).isoformat()})

    round_of_work()

    text = {m.recipient: read(m).get_body(("plain",)).get_content() for m in sink.mails}
    assert words in text["anna@many.example"]
    assert "by 14:09 GMT on 17 November" in text["other@many.example"]


@pytest.mark.parametrize(
    "fields",
    [
        {"first_name": "Eve\r\nBcc: spy@evil.example"},
        {"last_name": "Eve\u2028Subject: x"},
        {"address": "eve@many.example>\r\nRCPT TO:<spy@evil.example"},
        {"address": "eve at nowhere"},
    ],
)
def test_i5_one_bad_row_fails_alone_and_says_why(ada, ben, sink, fields):
    ground.people("anna", "eve", "ben")
    Contact.objects.filter(first_name="eve").update(**fields)

    dispatch = order_mail(ada, ben)
    round_of_work()

    bad = dispatch.notifications.exclude(state="sent").get()
    assert (bad.state, bool(bad.reason)) == ("failed", True)
    assert sink.counts == {"anna@many.example": 1, "ben@many.example": 1}
    assert not any(b"evil.example" in m.raw for m in sink.mails)


# D6: what the server says, by recipient


@pytest.mark.parametrize("local", ["rcpt-550", "data-554"])
def test_d6_a_5xx_fails_at_once_with_code_and_words_and_touches_nobody_else(ada, ben, sink, local):
    ground.people("anna", local, "ben")

    dispatch = order_mail(ada, ben)
    round_of_work()

    row = row_of(dispatch, local)
    attempt = row.tries.get()
    assert (row.state, row.reason, attempt.code, attempt.outcome) == ("failed", "said so", int(local[-3:]), "failed")
    assert sink.counts == {"anna@many.example": 1, "ben@many.example": 1}


@pytest.mark.parametrize("local", ["rcpt-451", "data-451", "rcpt-421", "data-421"])
def test_d6_a_4xx_is_tried_with_growing_gaps_until_a_visible_end(ada, ben, sink, local):
    ground.people("anna", local, "ben")

    dispatch = order_mail(ada, ben)
    work_until_over(dispatch)

    row = row_of(dispatch, local)
    moments = [one.at for one in row.tries.order_by("number")]
    gaps = [int((b - a).total_seconds()) for a, b in pairwise(moments)]
    assert gaps == policy.current("delivery")["retry_gaps_seconds"] == sorted(set(gaps))
    assert (row.state, row.reason) == ("failed", "Given up after 6 tries: said so")
    assert {one.code for one in row.tries.all()} == {int(local[-3:])}
    assert sink.counts == {"anna@many.example": 1, "ben@many.example": 1}
    assert Notification.objects.exclude(pk=row.pk).filter(attempts=1).count() == 2


def test_d6_a_greylisted_person_is_reached_the_second_time(ada, ben, sink):
    ground.people("anna", "greylist")

    dispatch = order_mail(ada, ben)
    round_of_work()
    assert states(dispatch) == {"anna": "sent", "greylist": "retry"}
    round_of_work(SOON + timedelta(seconds=29))
    assert states(dispatch)["greylist"] == "retry"
    round_of_work(SOON + timedelta(seconds=30))

    assert states(dispatch)["greylist"] == "sent"
    assert sink.counts == {"anna@many.example": 1, "greylist@many.example": 1}


def test_d6_a_server_that_is_down_is_tried_again_and_ends_visibly(ada, ben):
    ground.people("anna", "ben")
    dispatch = order_mail(ada, ben)

    with override_settings(MAIL_SERVER=closed_server()):
        work_until_over(dispatch)

    assert states(dispatch) == {"anna": "failed", "ben": "failed"}
    assert {row.attempts for row in dispatch.notifications.all()} == {6}
    assert Notice.objects.get(kind="dispatch_trouble").person == ada


def test_a_server_that_refuses_our_password_stops_the_dispatch_and_fails_nobody(ada, ben, sink):
    ground.people("anna", "ben")
    sink.rules.login = ("crisis", "secret")
    dispatch = order_mail(ada, ben)

    with override_settings(MAIL_SERVER=dataclasses.replace(settings.MAIL_SERVER, username="crisis", password="wrong")):
        door.reset_session()
        round_of_work()
        door.reset_session()

    dispatch.refresh_from_db()
    assert (dispatch.state, "The mail server refuses us" in dispatch.why) == ("stopped", True)
    assert {row.state: row.attempts for row in dispatch.notifications.all()} == {"queued": 0}
    assert Notice.objects.filter(kind="dispatch_stopped", person=ada).exists()


def closed_server():
    import socket

    from crisiscomms.environment import MailServer

    with socket.create_server(("127.0.0.1", 0)) as closed:
        return MailServer("smtp", "127.0.0.1", closed.getsockname()[1])


def test_the_failed_and_only_those_are_tried_again_when_a_person_asks(ada, ben, sink):
    ground.people("anna", "rcpt-550")
    dispatch = order_mail(ada, ben)
    round_of_work()
    sink.rules.behave = lambda _: "ok"

    assert actions.retry_failed(dispatch_id=dispatch.pk, by=ada, now=SOON) == 1
    round_of_work()

    assert sink.counts == {"anna@many.example": 1, "rcpt-550@many.example": 1}
    assert Tally.objects.get(dispatch=dispatch).sent == 2


# D8: nobody knows whether it arrived


@pytest.mark.parametrize("severity", ["major", "minor"])
def test_d8_without_an_answer_it_waits_for_a_person(ada, ben, sink, severity):
    ground.people("anna", "drop", "ben")

    dispatch = order_mail(ada, ben, severity=severity)
    work_until_over(dispatch)
    work_until_over(dispatch, start=NOW + DAY)

    assert states(dispatch) == {"anna": "sent", "drop": "unknown", "ben": "sent"}
    assert row_of(dispatch, "drop").tries.get().outcome == "unknown"
    assert sink.counts["drop@many.example"] == 1
    assert "1 without an answer" in AuditEvent.objects.get(verb="dispatch.done").detail.text


def test_d8_a_critical_one_goes_again_with_the_same_message_id_marked_possibly_twice(ada, ben, sink):
    ground.people("anna", "drop", "ben")
    seen = []
    sink.rules.behave = lambda who: "drop" if who.startswith("drop") and not seen and not seen.append(1) else "ok"

    dispatch = order_mail(ada, ben, severity="critical")
    work_until_over(dispatch)

    row = row_of(dispatch, "drop")
    assert (row.state, row.possibly_twice) == ("sent", True)
    assert [one.outcome for one in row.tries.order_by("number")] == ["unknown", "sent"]
    twice = [read(m)["Message-ID"] for m in sink.mails if m.recipient.startswith("drop")]
    assert len(twice) == 2 and len(set(twice)) == 1
    assert sink.counts["anna@many.example"] == sink.counts["ben@many.example"] == 1
    assert (
        "1 were sent again after no answer, possibly twice" in AuditEvent.objects.get(verb="dispatch.done").detail.text
    )


def test_d8_a_critical_one_that_is_never_answered_ends_where_people_see_it(ada, ben, sink):
    ground.people("drop")

    dispatch = order_mail(ada, ben, severity="critical")
    work_until_over(dispatch)

    row = row_of(dispatch, "drop")
    assert (row.state, row.possibly_twice, row.attempts) == ("failed", True, 6)


@pytest.mark.parametrize(("again", "mails", "words"), [(True, 2, "possibly twice"), (False, 1, "counted as handed")])
def test_d8_a_person_settles_what_is_unknown_and_the_record_says_which_way(ada, ben, sink, again, mails, words):
    ground.people("anna", "drop")
    dispatch = order_mail(ada, ben)
    work_until_over(dispatch)
    sink.rules.behave = lambda _: "ok"

    actions.settle_unknown(dispatch_id=dispatch.pk, send_again=again, by=ada, now=NOW + DAY)
    round_of_work(NOW + DAY)

    assert (states(dispatch)["drop"], sink.counts["drop@many.example"]) == ("sent", mails)
    assert len({read(m)["Message-ID"] for m in sink.mails if m.recipient.startswith("drop")}) == 1
    event = AuditEvent.objects.get(verb="dispatch.settled")
    assert (event.actor, words in event.detail.text) == (ada, True)
    assert sink.counts["anna@many.example"] == 1


# D9: a server that takes the mail and never answers


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_d9_a_hanging_server_frees_the_slot_in_time_and_does_not_hold_up_the_team(ada, ben, sink, monkeypatch):
    ground.people("hang", "anna")
    dispatch = ground.release(order_mail(ada, ben), SOON)
    began = time.monotonic()

    def slot():
        try:
            sender.work(dispatch_id=dispatch.pk, now=lambda: SOON)
        finally:
            connection.close()

    with ground.own_sessions(monkeypatch), override_settings(MAIL_TIMEOUT_SECONDS=2):
        thread = threading.Thread(target=slot)
        thread.start()
        sink.wait_for(lambda: sink.counts["hang@many.example"] == 1)
        team_mail.send_due(now=lambda: SOON)
        assert thread.is_alive(), "the team had to wait for the hanging mail"
        thread.join(10)

    assert time.monotonic() - began < 8
    assert not Notice.objects.exclude(state__in=["sent", "skipped"]).exists()
    assert states(dispatch) == {"hang": "unknown", "anna": "queued"}


def test_d9_sends_approvals_and_alerts_have_queues_of_their_own():
    routes = celery.app.conf.task_routes
    queues = [routes[name]["queue"] for name in ("delivery.tasks.deliver", "delivery.tasks.send_notices")]

    assert len({*queues, routes["incidents.tasks.tick"]["queue"], routes["delivery.tasks.sweep"]["queue"]}) == 4


# D10: the same work, again and at once


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_d10_the_same_task_at_once_in_8_workers_and_again_a_day_later_sends_once(ada, ben, sink, monkeypatch):
    factories.make_contacts(300)
    ground.set_policy(batch=20)
    monkeypatch.setattr(sender, "SMALLEST_BATCH", 20)
    monkeypatch.setattr(sender, "GROUP", 5)
    monkeypatch.setattr(sender, "WRITE_BACK", 8)
    dispatch = ground.release(order_mail(ada, ben), SOON)

    with ground.own_sessions(monkeypatch):
        found = ground.at_once(8, lambda _: sender.work(dispatch_id=dispatch.pk, now=lambda: SOON))
    assert found == [False] * 8
    assert Counter(sink.counts.values()) == {1: 300}

    for moment in (SOON, NOW + DAY):
        sweeping.sweep(now=moment)
        sender.work(dispatch_id=dispatch.pk, now=lambda moment=moment: moment)
    assert (len(sink.mails), DeliveryAttempt.objects.count()) == (300, 300)
    assert set(dispatch.notifications.values_list("attempts", flat=True)) == {1}


def test_d10_a_task_that_comes_twice_after_the_end_does_nothing(ada, ben, sink):
    ground.people("anna")
    dispatch = order_mail(ada, ben)
    round_of_work()

    for _ in range(3):
        tasks.deliver(dispatch_id=dispatch.pk)

    assert sink.counts == {"anna@many.example": 1}
    assert AuditEvent.objects.filter(verb="dispatch.done").count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a6_workers_that_find_out_at_once_stop_it_once_and_tell_once(ada, ben, sink):
    factories.make_contacts(5)
    dispatch = ground.release(order_mail(ada, ben), SOON)
    people.change_person(
        person_id=ben.pk,
        roles=["sales"],
        is_active=True,
        by=factories.make_user("olga", roles=["administrator"]),
        now=NOW,
    )

    found = ground.at_once(4, lambda _: sender.work(dispatch_id=dispatch.pk, now=lambda: SOON))

    assert (found, sink.mails) == ([False] * 4, [])
    assert Notice.objects.filter(kind="dispatch_stopped").count() == 1


def test_a6_an_approver_who_loses_the_right_in_mid_batch_stops_the_next_batch(ada, ben, sink, monkeypatch):
    factories.make_contacts(12)
    ground.set_policy(batch=4)
    olga = factories.make_user("olga", roles=["administrator"])
    dispatch = ground.release(order_mail(ada, ben), SOON)
    sent = sink.mails
    monkeypatch.setattr(
        sender,
        "judged",
        lambda *args, original=sender.judged, **fields: (
            people.change_person(person_id=ben.pk, roles=["sales"], is_active=True, by=olga, now=SOON),
            original(*args, **fields),
        )[1],
    )

    round_of_work()

    dispatch.refresh_from_db()
    assert (dispatch.state, len(sent), "no longer holds the right" in dispatch.why) == ("stopped", 4, True)
    assert Tally.objects.get(dispatch=dispatch).queued == 8


# Leases and what kills a worker


def claim(dispatch, now=SOON, *, on_wire=False, sent=0):
    """What a worker has done when it dies: claimed, maybe begun to write, and maybe had the first answers."""
    lease = claims.lease_end(now, 60)
    taken = claims.claim(dispatch_id=dispatch.pk, now=now, lease=lease)
    if on_wire:
        upto = taken.rows[sent - 1].id if sent else 0
        assert claims.begin(taken, upto=taken.rows[-1].id, sent_upto=upto, lease=lease)
    return taken


def test_a_lease_that_ends_before_the_wire_is_simply_taken_up_again(ada, ben, sink):
    ground.people("anna")
    dispatch = ground.release(order_mail(ada, ben), SOON)
    claim(dispatch)

    round_of_work(SOON + timedelta(seconds=59))
    assert states(dispatch) == {"anna": "claimed"}
    round_of_work(SOON + timedelta(seconds=61))

    assert (states(dispatch), row_of(dispatch, "anna").possibly_twice) == ({"anna": "sent"}, False)
    assert sink.counts == {"anna@many.example": 1}


@pytest.mark.parametrize(("severity", "state", "mails"), [("critical", "sent", 1), ("major", "unknown", 0)])
def test_a_lease_that_ends_on_the_wire_follows_the_policy(ada, ben, sink, severity, state, mails):
    ground.people("anna")
    dispatch = ground.release(order_mail(ada, ben, severity=severity), SOON)
    claim(dispatch, on_wire=True)

    round_of_work(SOON + timedelta(seconds=61))

    row = row_of(dispatch, "anna")
    assert (row.state, row.possibly_twice, len(sink.mails)) == (state, True, mails)
    assert row.tries.order_by("pk").first().outcome == "unknown"


def test_a_claim_takes_no_more_than_its_limit_however_it_is_planned(ada, ben):
    factories.make_contacts(30)
    dispatch = ground.release(order_mail(ada, ben), SOON)
    with connection.cursor() as cursor:
        # The worst plan: the due rows are looked for anew for each row of the table.
        for choice in ("hashagg", "hashjoin", "mergejoin", "sort", "material", "memoize", "indexscan", "bitmapscan"):
            cursor.execute(f"SET LOCAL enable_{choice} = off")

    taken = claims.claim(dispatch_id=dispatch.pk, now=SOON, lease=SOON, most=4)

    assert (len(taken.rows), Tally.objects.get(dispatch=dispatch).claimed) == (4, 4)


def test_what_the_server_had_taken_when_its_worker_died_counts_as_sent(ada, ben, sink):
    """Answers are written to their rows in lots; until then the claim says how far the server had taken them."""
    ground.people("anna", "bert", "cleo", "dora")
    dispatch = ground.release(order_mail(ada, ben), SOON)
    taken = claim(dispatch, on_wire=True, sent=2)
    assert claims.begin(taken, upto=taken.rows[2].id, sent_upto=taken.rows[1].id, lease=SOON + timedelta(seconds=60))

    round_of_work(SOON + timedelta(seconds=61))

    ended = [str(row.state) for row in dispatch.notifications.order_by("pk")]
    assert (ended, len(sink.mails)) == (["sent", "sent", "unknown", "sent"], 1)
    tries = DeliveryAttempt.objects.filter(notification__in=[row.id for row in taken.rows[:2]])
    assert {(one.outcome, one.number) for one in tries} == {("sent", 1)}
    assert not Claim.objects.exists()


def test_a_worker_that_comes_back_after_its_lease_changes_nothing_of_the_next_ones(ada, ben):
    ground.people("anna")
    dispatch = ground.release(order_mail(ada, ben), SOON)
    late = claim(dispatch)
    sweeping.sweep(now=SOON + timedelta(seconds=61))
    claim(dispatch, SOON + timedelta(seconds=61), on_wire=True)
    outcome = claims.Outcome(late.rows[0].id, "failed", "failed", "late", SOON)

    assert not claims.begin(late, upto=late.rows[-1].id, sent_upto=0, lease=SOON)
    claims.write_back(late, [outcome])
    claims.end(late, [outcome], untried=[late.rows[0].id], again=SOON)

    assert (states(dispatch), row_of(dispatch, "anna").attempts) == ({"anna": "claimed"}, 2)
    assert (DeliveryAttempt.objects.count(), Claim.objects.count()) == (0, 1)


def test_d2_a_row_that_kills_its_worker_ends_failed_while_the_others_go_on(ada, ben):
    ground.people("poison")
    factories.make_contacts(250, name="Bulk")
    dispatch = ground.release(order_mail(ada, ben), SOON)
    now, deaths = SOON, 0

    for _ in range(60):
        taken = claim(dispatch, now)
        if taken is None:
            now += timedelta(seconds=61)
            sweeping.expire_leases(dispatch=dispatch, now=now)
        elif any(row.address.startswith("poison") for row in taken.rows):
            deaths += 1
        else:
            done = [claims.Outcome(row.id, "sent", "sent", "", now, 250) for row in taken.rows]
            claims.end(taken, done, untried=[], again=now)

    poison = row_of(dispatch, "poison")
    assert (deaths, poison.state, "Its worker ended each time" in poison.reason) == (6, "failed", True)
    assert Tally.objects.get(dispatch=dispatch).sent == 250


def test_d5_what_is_known_to_be_sent_is_kept_while_the_database_is_away(ada, ben, sink, monkeypatch):
    # The test's own transaction needs its connection; test_faults_processes restarts a real server.
    monkeypatch.setattr(sender, "close_old_connections", lambda: None)
    factories.make_contacts(3)
    dispatch = ground.release(order_mail(ada, ben), SOON)
    away = []

    def now():
        if len(sink.mails) == 3 and len(away) < 2:
            away.append(True)
            raise OperationalError("the server closed the connection")
        return SOON

    sender.work(dispatch_id=dispatch.pk, now=now)

    assert (len(away), set(states(dispatch).values())) == (2, {"sent"})


def test_what_is_known_to_be_sent_is_kept_when_the_worker_breaks_in_mid_group(ada, ben, sink, monkeypatch):
    ground.people("anna", "ben", "cleo", "poison", "eve")
    dispatch = ground.release(order_mail(ada, ben), SOON)

    def envelope(batch, row, now, original=sender.Batch.envelope):
        if row.address.startswith("poison"):
            raise RuntimeError("out of memory")
        return original(batch, row, now)

    monkeypatch.setattr(sender.Batch, "envelope", envelope)
    with pytest.raises(RuntimeError):
        sender.work(dispatch_id=dispatch.pk, now=lambda: SOON)
    monkeypatch.undo()
    work_until_over(dispatch, start=SOON + timedelta(seconds=61))

    assert (states(dispatch)["anna"], states(dispatch)["ben"], states(dispatch)["poison"]) == (
        "sent",
        "sent",
        "unknown",
    )
    assert max(sink.counts.values()) == 1


def test_the_others_of_a_dispatch_are_not_touched_by_a_person_it_cannot_reach(ada, ben, sink):
    ground.people("drop", "rcpt-421", "cut", "rcpt-550", *(f"p{number}" for number in range(40)))

    dispatch = order_mail(ada, ben)
    work_until_over(dispatch)

    assert {local: state for local, state in states(dispatch).items() if not local.startswith("p")} == {
        "drop": "unknown",
        "rcpt-421": "failed",
        "cut": "failed",
        "rcpt-550": "failed",
    }
    assert all(sink.counts[f"p{number}@many.example"] == 1 for number in range(40))
    assert Dispatch.objects.get(pk=dispatch.pk).state == "done"
    assert Tally.objects.get(dispatch=dispatch).adds_up
