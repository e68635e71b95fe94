"""Liveness asks nothing of anybody; readiness says which part is not there."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from crisiscomms import clock, due, heartbeats, tasks
from crisiscomms.models import Notice
from tests import factories
from tests.conftest import NOW


@pytest.fixture
def beating(db):
    all_beat(NOW)
    yield
    cache.clear()


@pytest.fixture
def no_database(monkeypatch):
    def refuse(self):
        raise OperationalError("connection refused")

    with monkeypatch.context() as while_asked:
        while_asked.setattr(BaseDatabaseWrapper, "ensure_connection", refuse)
        while_asked.setattr(BaseDatabaseWrapper, "cursor", refuse)
        yield


@pytest.fixture
def no_redis(settings):
    settings.CACHES = {**settings.CACHES}
    settings.CACHES["default"] = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}


def all_beat(moment):
    for name in (*heartbeats.LIMITS, heartbeats.BEAT):
        heartbeats.mark(name, now=moment)


def ready(client):
    response = client.get("/readyz")
    return response.status_code, response.json()


def parts(client):
    """The yes and no of each part."""
    status, found = ready(client)
    return status, {name: found[name] for name in ("database", "broker", "workers", "beat", "work")}


WELL = {"database": True, "broker": True, "workers": True, "beat": True, "work": True}


def test_alive_without_a_database(client, no_database):
    assert (client.get("/healthz").status_code, client.get("/healthz").content) == (200, b"ok")


def test_ready_when_all_parts_are(client, beating):
    assert parts(client) == (200, WELL)
    assert ready(client)[1]["why"] == []


@pytest.mark.parametrize("queue", heartbeats.LIMITS)
def test_every_queue_has_to_answer_by_itself(client, beating, queue):
    limit = heartbeats.LIMITS[queue]
    heartbeats.mark(queue, now=NOW - timedelta(seconds=limit - 1))
    assert parts(client) == (200, WELL)

    heartbeats.mark(queue, now=NOW - timedelta(seconds=limit + 1))

    assert parts(client) == (503, {**WELL, "workers": False})
    assert ready(client)[1]["why"] == [f"No sign of life from queue {queue} for {limit + 1} s; the limit is {limit} s."]


def test_workers_that_live_do_not_hide_that_beat_is_dead(client, beating):
    cache.delete(f"heartbeat:{heartbeats.BEAT}")
    tasks.heartbeat(queue="default", from_beat=False)

    assert parts(client) == (503, {**WELL, "beat": False})


def test_no_heartbeat_at_all_is_not_ready(client, db):
    cache.clear()

    assert parts(client) == (503, {**WELL, "workers": False, "beat": False})


def test_without_redis_it_says_so(client, db, no_redis):
    assert parts(client) == (503, {**WELL, "broker": False, "workers": False, "beat": False})


def test_without_a_database_it_says_so_and_does_not_break(client, beating, no_database):
    status, found = ready(client)

    assert (status, found["database"], found["broker"], found["work"]) == (503, False, True, False)
    assert "The database does not answer." in found["why"]


def test_the_heartbeats_are_set_by_their_task(client, db):
    cache.clear()

    for queue in heartbeats.LIMITS:
        tasks.heartbeat(queue=queue)

    assert ready(client)[0] == 200


def test_work_that_waits_too_long_is_named_with_its_age(client, beating, ada):
    """The worker answers and beat knocks, and still the clock stands: only what is due can tell."""
    incident = factories.make_incident(ada)
    deadline = incident.deadlines.open().order_by("next_action_at").first()

    Notice.objects.all().delete()
    with clock.at(deadline.next_action_at + timedelta(seconds=119)):
        all_beat(clock.now())
        assert parts(client) == (200, WELL)
    with clock.at(deadline.next_action_at + timedelta(seconds=125)):
        all_beat(clock.now())
        status, found = ready(client)

    assert (status, found["work"]) == (503, False)
    assert found["due"]["deadlines"] == {"oldest_s": 125, "limit_s": 120}
    assert "Deadlines: due for 125 s; the limit is 120 s." in found["why"]


def test_every_kind_of_due_work_is_looked_at(client, beating):
    assert set(ready(client)[1]["due"]) == due.kinds()
    assert due.kinds() >= {"deadlines", "notifications", "holds", "notices", "approvals", "imports"}


def test_readiness_names_nobody(client, beating, ada):
    factories.make_incident(ada)
    factories.make_contact()

    found = client.get("/readyz").content.decode()

    assert not any(word in found for word in ("@", "Ada", "Lena", "Bluegate", "Card payments"))


@pytest.mark.parametrize(
    ("token", "given", "keys"),
    [
        ("", "", set()),
        ("figures-0123456789", "", set()),
        ("figures-0123456789", "Bearer wrong", set()),
        ("figures-0123456789", "Bearer figures-0123456789", {"ages", "due", "why"}),
    ],
)
def test_how_late_something_is_is_for_those_who_may_read_the_figures(client, beating, settings, token, given, keys):
    settings.LOCAL, settings.METRICS_TOKEN = False, token

    found = client.get("/readyz", headers={"Authorization": given}).json()

    assert set(found) == {*WELL, *keys}


@pytest.mark.parametrize("url", ["/healthz", "/readyz", "/metrics"])
def test_they_can_only_be_asked(client, db, url):
    assert client.post(url).status_code == 405
