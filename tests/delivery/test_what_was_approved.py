"""What was approved is what leaves, in the order it was meant, whatever the incident does meanwhile."""

from datetime import timedelta
from functools import partial

import pytest

from crisiscomms import clock
from crisiscomms.refusal import Refused
from delivery import actions, sender, sweeping
from delivery.models import Dispatch
from incidents import actions as incidents
from statuspage import queries as public
from tests import factories
from tests.conftest import NOW

LATER = NOW + timedelta(seconds=1)


def _send_all(now=LATER):
    for dispatch_id in sweeping.sweep(now=now):
        sender.work(dispatch_id=dispatch_id, now=lambda: now)
    sweeping.sweep(now=now)


def test_a_component_named_after_the_approval_asks_for_a_new_one_A5(ada, ben):
    factories.make_contacts(3)
    incident = factories.make_incident(ada)
    message = factories.make_approved(incident, ada, ben)
    ledger = factories.make_component("Ledger core", "Ledger")
    incidents.set_component_state(incident=incident, component=ledger, state="outage", by=ada, now=NOW)

    with pytest.raises(Refused, match="names other components"):
        factories.order(message, ada)


def test_published_words_do_not_follow_the_incident_afterwards_X6(ada, ben, sink):
    factories.make_contacts(3)
    incident = factories.make_incident(ada)
    text = "{{ components }} fail since {{ began_at }}."
    factories.order(factories.make_approved(incident, ada, ben, public_body=text), ada)
    _send_all()
    hidden = factories.make_component("Secret core", "Ledger")
    incidents.set_component_state(incident=incident, component=hidden, state="outage", by=ada, now=LATER)

    update = public.public_incidents(LATER + timedelta(minutes=1))[0].updates[0]

    assert "Card payments fail" in update.html and "Secret core" not in update.html


def test_an_older_message_does_not_arrive_after_a_newer_one(ada, ben, sink):
    factories.make_contacts(3)
    incident = factories.make_incident(ada)
    older = factories.make_approved(incident, ada, ben)
    newer = factories.make_approved(incident, ada, ben, subject="All is well again")
    factories.order(newer, ada)
    _send_all()

    with pytest.raises(Refused, match="this one is older"):
        factories.order(older, ada)

    assert sorted(sink.counts.values()) == [1, 1, 1]


def test_a_slow_server_never_gives_one_mail_to_two_workers_D8(ada, ben, monkeypatch):
    """Past half of its lease a run begins no further mail of the group and gives the rest back."""
    factories.make_contacts(10)
    incident = factories.make_incident(ada, severity="critical")
    factories.order(factories.make_approved(incident, ada, ben), ada)
    sweeping.sweep(now=LATER)
    dispatch = Dispatch.objects.get(channel="email")
    written = []

    class Slow:
        def send_many(self, mails):
            for mail in mails:
                written.append(mail.recipient)
                monkeypatch.setattr(sender.time, "monotonic", partial(float, sender.time.monotonic() + 60))
                yield sender.Result(mail.key, "sent", 250, "taken")

        def close(self):
            return None

    monkeypatch.setattr(sender.door, "_session", Slow())
    sender.work(dispatch_id=dispatch.pk, now=lambda: LATER)

    dispatch.tally.refresh_from_db()
    assert written == written[:1] and (dispatch.tally.sent, dispatch.tally.queued) == (1, 9)


def test_the_clock_is_met_by_what_left_and_not_by_the_end_of_the_hold(ada, ben, sink):
    factories.make_contacts(3)
    incident = factories.make_incident(ada)
    factories.order(factories.make_approved(incident, ada, ben, channels=["email"]), ada)
    waiting = sweeping.sweep(now=LATER)
    assert incident.deadlines.get(kind="acknowledge").state == "pending"

    sender.work(dispatch_id=waiting[0], now=lambda: LATER)
    sweeping.sweep(now=LATER)

    assert incident.deadlines.get(kind="acknowledge").state == "met"


def test_the_public_opens_early_only_with_a_reason_on_the_record(ada, ben):
    factories.make_contacts(3, tier=1)
    incident = factories.make_incident(ada, kind="product_quality")
    factories.order(factories.make_approved(incident, ada, ben), ada)
    sweeping.sweep(now=LATER)
    page = Dispatch.objects.get(channel="status")
    assert page.state == "locked" and "3 people" in page.why

    with pytest.raises(Refused, match="Say why"):
        actions.open_early(dispatch_id=page.pk, reason=" ", by=ada, now=LATER)
    actions.open_early(dispatch_id=page.pk, reason="The press has it.", by=ada, now=LATER)

    with clock.at(LATER + timedelta(seconds=1)):
        assert public.public_incidents(clock.now())[0].updates
