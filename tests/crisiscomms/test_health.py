"""Liveness asks nothing of anybody; readiness says which part is not there."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from crisiscomms import tasks
from tests.conftest import NOW


@pytest.fixture
def beating(db):
    cache.set(tasks.KEY, NOW.timestamp(), timeout=600)
    yield
    cache.delete(tasks.KEY)


@pytest.fixture
def no_database(monkeypatch):
    def refuse(self):
        raise OperationalError("connection refused")

    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", refuse)
    monkeypatch.setattr(BaseDatabaseWrapper, "cursor", refuse)


@pytest.fixture
def no_redis(settings):
    settings.CACHES = {**settings.CACHES}
    settings.CACHES["default"] = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}


def ready(client):
    response = client.get("/readyz")
    return response.status_code, response.json()


def test_alive_without_a_database(client, no_database):
    assert (client.get("/healthz").status_code, client.get("/healthz").content) == (200, b"ok")


def test_ready_when_all_parts_are(client, beating):
    assert ready(client) == (200, {"database": True, "broker": True, "workers": True})


@pytest.mark.parametrize(("age", "workers"), [(89, True), (91, False), (3600, False)])
def test_workers_count_while_their_heart_beat_lately(client, beating, age, workers):
    cache.set(tasks.KEY, (NOW - timedelta(seconds=age)).timestamp(), timeout=600)

    assert ready(client)[1]["workers"] is workers


def test_no_heartbeat_at_all_is_not_ready(client, db):
    cache.delete(tasks.KEY)

    assert ready(client) == (503, {"database": True, "broker": True, "workers": False})


def test_without_redis_it_says_so(client, db, no_redis):
    assert ready(client) == (503, {"database": True, "broker": False, "workers": False})


def test_without_a_database_it_says_so_and_does_not_break(client, no_database):
    status, parts = ready(client)

    assert status == 503 and parts["database"] is False and parts["broker"] is True


def test_the_heartbeat_is_set_by_its_task(client, db):
    cache.delete(tasks.KEY)

    tasks.heartbeat()

    assert ready(client)[0] == 200


@pytest.mark.parametrize("url", ["/healthz", "/readyz"])
def test_they_can_only_be_asked(client, db, url):
    assert client.post(url).status_code == 405
