"""The whole cut once, by its actions, over a real SMTP server."""

from datetime import timedelta

from crisiscomms import clock
from delivery import sender, sweeping
from delivery.models import Dispatch
from tests import factories
from tests.conftest import NOW


def test_the_cut_from_declaration_to_a_met_promise(ada, ben, sink, browse):
    factories.make_contacts(30)
    incident = factories.make_incident(ada)
    message = factories.make_approved(incident, ada, ben)
    factories.order(message, ada)

    for dispatch_id in sweeping.sweep(now=NOW + timedelta(seconds=1)):
        sender.work(dispatch_id=dispatch_id, now=lambda: NOW + timedelta(seconds=1))
    sweeping.sweep(now=NOW + timedelta(seconds=2))

    tally = Dispatch.objects.get(channel="email").tally
    assert (tally.sent, tally.planned, tally.adds_up) == (30, 30, True)
    assert sorted(sink.counts.values()) == [1] * 30
    assert incident.deadlines.get(kind="acknowledge").state == "met"
    assert incident.deadlines.open().get(kind="update").due_at == NOW + timedelta(hours=1)
    with clock.at(NOW + timedelta(seconds=3)):
        assert "Some card payments fail" in browse(None, "/status/").content.decode()
