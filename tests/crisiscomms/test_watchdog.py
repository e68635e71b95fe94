"""The outside watchdog hears from us only while the clock really moves."""

import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from django.core.cache import cache

from crisiscomms import clock, heartbeats, tasks
from incidents import tasks as incident_tasks
from tests import factories
from tests.conftest import NOW


@pytest.fixture
def watchdog(settings):
    heard = []

    class Watchdog(BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    cache.clear()
    with HTTPServer(("127.0.0.1", 0), Watchdog) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        settings.HEARTBEAT_URL = f"http://127.0.0.1:{server.server_port}/ping"
        yield heard
        server.shutdown()


def test_it_is_pinged_after_the_clock_moved(watchdog, policies):
    incident_tasks.tick()

    tasks.ping_watchdog()

    assert watchdog == ["/ping"]


def test_it_is_not_pinged_while_nobody_looks_at_the_deadlines(watchdog, policies):
    """Beat and workers may live: what counts is that deadlines are handled."""
    tasks.heartbeat()
    tasks.ping_watchdog()
    heartbeats.mark(heartbeats.CLOCK, now=NOW - timedelta(seconds=61))
    tasks.ping_watchdog()

    assert watchdog == []


def test_it_is_not_pinged_while_a_due_deadline_stays_unhandled(watchdog, ada):
    due = factories.make_incident(ada).deadlines.open().earliest("next_action_at").next_action_at

    with clock.at(due + timedelta(minutes=3)):
        heartbeats.mark(heartbeats.CLOCK, now=clock.now())
        tasks.ping_watchdog()

    assert watchdog == []


@pytest.mark.slow
def test_one_that_never_answers_costs_a_few_seconds_and_raises_nothing(settings, policies):
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as deaf:
        settings.HEARTBEAT_URL = f"http://127.0.0.1:{deaf.server_port}/"
        incident_tasks.tick()
        begun = time.monotonic()

        tasks.ping_watchdog()

    assert time.monotonic() - begun < 6
