"""The database may only be read (O3): the public reads on, a write is answered with words, nothing is half done."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from delivery import sender, sweeping
from delivery.models import Notification
from incidents.models import Incident
from tests import factories
from tests.conftest import NOW
from tests.delivery.ground import SOON, order_mail
from tests.visits import sign_in


@pytest.fixture
def read_only():
    """As a standby answers, in the test's own connection."""

    class Switch:
        def on(self):
            with connection.cursor() as cursor:
                cursor.execute("SET default_transaction_read_only = on")

        def off(self):
            with connection.cursor() as cursor:
                cursor.execute("SET default_transaction_read_only = off")

    switch = Switch()
    yield switch
    switch.off()
    cache.clear()


FORM = {"title": "Logins fail", "kind": "service_disruption", "severity": "major"}


@pytest.mark.django_db(transaction=True)
def test_o3_a_database_that_only_reads_serves_the_public_and_answers_writes_with_503(ada, read_only):
    component = factories.make_component()
    client = sign_in(ada, raise_request_exception=False)
    stranger = Client(raise_request_exception=False)
    form = {**FORM, "discovered_at": "2026-11-17T14:00", f"component_{component.pk}": "partial"}
    read_only.on()

    assert stranger.get("/status/").status_code == 200
    assert client.get("/").status_code == 200
    answer = client.post("/incidents/declare/", form)

    assert answer.status_code == 503
    assert "not available for the moment" in answer.content.decode()
    assert answer.headers["X-Request-ID"] in answer.content.decode()
    read_only.off()
    assert not Incident.objects.exists()
    assert client.post("/incidents/declare/", form).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_o3_workers_wait_send_nothing_meanwhile_and_go_on(ada, ben, sink, read_only):
    factories.make_contacts(5)
    dispatch = order_mail(ada, ben)
    sweeping.sweep(now=NOW)
    read_only.on()

    with pytest.raises(Exception, match="read-only"):
        sender.work(dispatch_id=dispatch.pk, now=lambda: SOON)
    assert not sink.mails
    read_only.off()
    sender.work(dispatch_id=dispatch.pk, now=lambda: SOON)

    assert set(Notification.objects.values_list("state", flat=True)) == {"sent"}
    assert len(sink.mails) == 5


def test_a_fault_of_ours_stays_a_500_with_a_number_to_quote(monkeypatch, db):
    def broken(*_, **__):
        raise RuntimeError("lena@bluegate.example")

    monkeypatch.setattr("statuspage.queries.page", broken)

    answer = Client(raise_request_exception=False).get("/status/")

    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] in answer.content.decode()
    assert "bluegate" not in answer.content.decode()
