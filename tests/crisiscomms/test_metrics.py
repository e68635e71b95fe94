"""Figures for Prometheus: whose they are, what they say, and that several web processes tell them together."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from prometheus_client.parser import text_string_to_metric_families

from delivery import sweeping
from tests import factories
from tests.conftest import NOW

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-of-the-operators-0123456789"


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    """Another test may have started the site as the web server does, which shares its counts through files."""
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)


def figures(client, **headers):
    """Sample name and labels → value."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}


@pytest.mark.parametrize(
    ("is_local", "token", "given", "code"),
    [
        (True, "", "", 200),
        (False, "", "", 404),
        (False, "", "Bearer ", 404),
        (False, TOKEN, "", 404),
        (False, TOKEN, "Bearer wrong", 404),
        (False, TOKEN, f"Bearer {TOKEN}ä", 404),
        (False, TOKEN, f"Basic {TOKEN}", 404),
        (False, TOKEN, f"Bearer {TOKEN}", 200),
        (True, TOKEN, "", 404),
    ],
)
def test_they_are_for_the_operators_only(client, db, settings, is_local, token, given, code):
    settings.LOCAL, settings.METRICS_TOKEN = is_local, token

    assert client.get("/metrics", headers={"Authorization": given}).status_code == code


def test_requests_are_counted_by_route_and_code_never_by_address(client, ada):
    before = figures(client)
    client.get("/approve/some-secret-token/")
    client.get("/status/?q=lena")
    after = figures(client)

    def more(*key):
        return after.get(key, 0) - before.get(key, 0)

    assert more("crisiscomms_requests_total", "404", "GET", "messaging:approve_link") == 1
    assert more("crisiscomms_requests_total", "200", "GET", "statuspage:home") == 1
    assert more("crisiscomms_request_seconds_count", "statuspage:home") == 1
    assert not [key for key in after if "secret" in str(key) or "lena" in str(key)]


def test_a_verb_of_a_strangers_own_makes_no_series_of_its_own(client, db):
    client.generic("BREW" * 20, "/healthz")

    assert ("crisiscomms_requests_total", "405", "healthz", "other") in figures(client)


def test_they_tell_what_was_sent_what_is_late_and_what_waits(client, ada, ben):
    factories.make_contacts(3)
    incident = factories.make_incident(ada)
    factories.order(factories.make_approved(incident, ada, ben, channels=["email"]), ada)
    sweeping.sweep(now=NOW)

    found = figures(client)

    assert found["crisiscomms_notifications", "queued"] == 3
    assert found["crisiscomms_dispatches", "email", "running"] == 1
    assert found["crisiscomms_incidents_live",] == 1
    assert found["crisiscomms_deadlines_open", "pending"] >= 1
    assert found["crisiscomms_notices", "failed"] == 0
    assert found["crisiscomms_import_rows", "rejected"] == 0
    assert ("crisiscomms_queue_length", "delivery") in found
    assert ("crisiscomms_due_seconds", "deadlines") in found
    assert found["crisiscomms_web_memory_bytes",] > 1_000_000


def test_without_a_database_the_requests_are_still_told(client, monkeypatch):
    def refuse(self):
        raise OperationalError("connection refused")

    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", refuse)
    monkeypatch.setattr(BaseDatabaseWrapper, "cursor", refuse)

    found = figures(client)

    assert ("crisiscomms_queue_length", "delivery") in found
    assert ("crisiscomms_due_seconds", "deadlines") not in found


COUNT = "import django; django.setup(); from crisiscomms import figures; figures.count(route='r', method='GET', code=200, seconds=0.1)"
TELL = "import django; django.setup(); from crisiscomms import figures; print(figures._requests().decode())"


@pytest.mark.slow
def test_any_web_process_answers_for_all_of_its_server(tmp_path):
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "crisiscomms.settings"}

    for code in (COUNT, COUNT):
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True)
    told = subprocess.run([sys.executable, "-c", TELL], cwd=ROOT, env=env, check=True, capture_output=True, text=True)

    assert 'crisiscomms_requests_total{code="200",method="GET",route="r"} 2.0' in told.stdout
    # Those two have ended: their memory is nobody's any more. The one that tells has answered nothing yet.
    assert told.stdout.count("crisiscomms_web_memory_bytes{") == 1
