"""p50 and p95 of the pages people wait for, through the whole stack but the network.

With 4 000 contacts; BENCH_VOLUME=full measures after years of use: 1 000 incidents, 100 000 contacts, a million mails.
"""

import os
import statistics
import sys
from time import perf_counter
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bench import ground, volume
from crisiscomms import clock
from delivery import actions, sender, sweeping
from delivery.channels import email as door
from desk.demo import InboxSession
from stakeholders.models import Account, Contact

FULL = os.environ.get("BENCH_VOLUME") == "full"
CONTACTS = 4_000
# The machine's own noise lasts for seconds or minutes: each page has a burst in every pass, and the quietest is told.
PASSES, ROUNDS = 5, int(os.environ.get("BENCH_ROUNDS", "20"))
LIMIT_MS = 150


def run() -> dict[str, Any]:
    writer, boss = ground.people()
    if FULL:
        volume.fill(writer, boss, now=clock.now())
    else:
        ground.contacts(CONTACTS)
    incident, message = ground.approved_message(writer, boss)
    _, waiting = ground.approved_message(writer, boss)
    if not FULL:
        _deliver(writer, message)
    sent = volume.an_incident()["message"] if FULL else message.pk
    number = volume.an_incident()["number"] if FULL else incident.number
    client = Client()
    client.force_login(writer, backend="allauth.account.auth_backends.AuthenticationBackend")
    figures: dict[str, Any] = {"name": "pages", "contacts": Contact.objects.count(), "limit_ms": LIMIT_MS}
    pages = _pages(number, waiting.pk, sent)
    queries_of = {name: _queries(client, url) for name, url in pages.items()}
    bursts: dict[str, list[tuple[float, float]]] = {name: [] for name in pages}
    for _ in range(PASSES):
        for name, url in pages.items():
            bursts[name].append(_burst(client, url))
    for name, queries in queries_of.items():
        p50, p95 = min(bursts[name], key=lambda one: one[1])
        print(f"{name}: p50 {p50} ms, p95 {p95} ms, {queries} queries", file=sys.stderr, flush=True)
        figures |= {f"{name}_p50_ms": p50, f"{name}_p95_ms": p95, f"{name}_queries": queries}
        figures |= {f"{name}_p95_of_limit": round(p95 / LIMIT_MS, 3)}
    return figures


def _pages(number: int, waiting: int, sent: int) -> dict[str, str]:
    found = {
        "home": reverse("desk:home"),
        "incidents": reverse("desk:incidents"),
        "room": reverse("desk:room", args=[number]),
        "composer": reverse("messaging:compose", args=[waiting]),
        "send_plan": reverse("delivery:send_plan", args=[waiting]),
        "send_progress": reverse("delivery:send_plan", args=[sent]),
        "contacts": reverse("stakeholders:contacts"),
        "contacts_search": reverse("stakeholders:contacts") + "?q=number+42",
        "accounts": reverse("stakeholders:accounts"),
        "account": reverse("stakeholders:account", args=[Account.objects.earliest("pk").pk]),
        "recovery": reverse("recovery:overview"),
        "portal": reverse("portal:home"),
        "status": reverse("statuspage:home"),
        "status_history": reverse("statuspage:history"),
        "ready": reverse("readyz"),
        "metrics": reverse("metrics"),
    }
    return found


def _deliver(writer: Any, message: Any) -> None:
    door._session = InboxSession()
    actions.order_dispatch(message_id=message.pk, by=writer, now=clock.now(), hold_seconds=0)
    for dispatch_id in sweeping.sweep(now=clock.now()):
        while sender.work(dispatch_id=dispatch_id):
            pass
    sweeping.sweep(now=clock.now())


def _queries(client: Client, url: str) -> int:
    """How many it takes; the first look also fills what is kept in memory."""
    with CaptureQueriesContext(connection) as asked:
        client.get(url)
    return len(asked)


def _burst(client: Client, url: str) -> tuple[float, float]:
    """Milliseconds: the median and the 95th of a hundred."""
    times = []
    for _ in range(ROUNDS):
        begun = perf_counter()
        response = client.get(url)
        times.append((perf_counter() - begun) * 1000)
        # Readiness says 503 here: no worker is running.
        assert response.status_code in (200, 503), (url, response.status_code)
    return round(statistics.median(times), 1), round(statistics.quantiles(times, n=20)[18], 1)
