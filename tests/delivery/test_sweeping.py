"""What is due is always found again in PostgreSQL; the broker only rings, and may be gone."""

import socket
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection

from crisiscomms import celery
from crisiscomms.models import AuditEvent, Notice
from delivery import sweeping, tasks
from delivery.models import Dispatch
from tests import factories
from tests.conftest import NOW
from tests.delivery import ground
from tests.delivery.ground import SOON, order_mail, round_of_work, states


@pytest.fixture
def broker():
    """Celery's broker is at `url` for the rest of this test."""

    def use(url: str) -> None:
        conf = celery.app.conf
        conf.broker_url = conf.broker_read_url = conf.broker_write_url = url
        # Not closed: kombu keeps one pool per address, and the usual one is needed again.
        celery.app._pool = celery.app.amqp._producer_pool = None

    before = celery.app.conf.broker_url
    yield use
    use(before)


@pytest.fixture
def hanging_server():
    """Takes connections and never says a word, as a stopped Redis does."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@pytest.fixture
def refusing_server():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"redis://127.0.0.1:{port}/0"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["hanging", "refusing"])
def test_d4_with_the_broker_gone_an_order_answers_in_time_and_is_committed(
    ada, ben, broker, kind, request, browse, sink, monkeypatch
):
    unheard = []
    monkeypatch.setattr(tasks, "log", SimpleNamespace(warning=lambda _, **said: unheard.append(said["error"])))
    ground.people("anna")
    incident = factories.make_incident(ada)
    message = factories.make_message(incident, ada)
    asked = factories.ask(message, ada)
    broker(request.getfixturevalue(f"{kind}_server"))
    began = time.monotonic()

    factories.approve(asked, ben)
    page = browse(ada, f"/messages/{message.pk}/send/order/", {})

    assert (page.status_code, unheard) == (302, ["OperationalError"])
    assert time.monotonic() - began < 6
    assert set(Dispatch.objects.values_list("state", flat=True)) == {"held"}
    tasks.sweep()
    round_of_work(NOW + timedelta(seconds=130))
    assert sink.counts == {"anna@many.example": 1}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_d3_what_a_flushed_redis_forgot_is_found_again_in_postgresql(ada, ben, sink):
    ground.people("anna", "greylist")
    dispatch = order_mail(ada, ben)
    queue = celery.app.connection_for_write().channel()
    for name in ("default", "delivery"):
        queue.queue_purge(name)
    queue.connection.client.close()

    round_of_work(SOON)
    round_of_work(SOON + timedelta(minutes=1))

    assert states(dispatch) == {"anna": "sent", "greylist": "sent"}
    assert Dispatch.objects.get(pk=dispatch.pk).state == "done"


def test_the_sweep_finds_only_what_has_work_now(ada, ben, sink):
    ground.people("anna", "greylist")
    held, due = order_mail(ada, ben, hold_seconds=120), order_mail(ada, ben)

    assert sweeping.sweep(now=SOON) == [due.pk]
    round_of_work()
    assert sweeping.sweep(now=SOON) == []
    assert sweeping.sweep(now=SOON + timedelta(seconds=30)) == [due.pk]
    assert held.pk in sweeping.sweep(now=NOW + timedelta(seconds=120))


def test_every_bell_of_the_sweep_carries_ids_only(ada, ben, monkeypatch):
    ground.people("anna")
    dispatch = order_mail(ada, ben)
    rung = []
    monkeypatch.setattr(tasks.deliver, "apply_async", lambda **said: rung.append(said))

    tasks.sweep()

    assert [said["kwargs"] for said in rung] == [{"dispatch_id": dispatch.pk}] * tasks.SENDERS
    assert all(said["retry"] is False for said in rung)


def test_a_dispatch_is_done_once_and_its_end_stands_in_the_record_with_the_counts(ada, ben, sink):
    ground.people("anna", "rcpt-550", "drop")
    dispatch = order_mail(ada, ben)

    for second in range(4):
        round_of_work(SOON + timedelta(seconds=second * 2))

    event = AuditEvent.objects.get(verb="dispatch.done")
    assert event.detail.data["tally"] == {
        "planned": 3,
        "sent": 1,
        "failed": 1,
        "unknown": 1,
        "skipped": 0,
        "cancelled": 0,
    }
    assert Notice.objects.get(kind="dispatch_trouble").context == {"dispatch": dispatch.pk}


def test_a_dispatch_without_trouble_tells_nobody(ada, ben, sink):
    ground.people("anna")
    order_mail(ada, ben)

    round_of_work()

    assert not Notice.objects.filter(kind__startswith="dispatch_").exists()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_release_once(ada, ben):
    ground.people("anna")
    incident = factories.make_incident(ada)
    message = factories.make_approved(incident, ada, ben)
    factories.order(message, ada)

    found = ground.at_once(4, lambda _: sweeping.sweep(now=SOON))

    assert not [one for one in found if isinstance(one, Exception)]
    assert AuditEvent.objects.filter(verb="dispatch.left").count() == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT state, count(*) FROM delivery_dispatch GROUP BY state ORDER BY state")
        assert cursor.fetchall() == [("done", 2), ("running", 1)]
