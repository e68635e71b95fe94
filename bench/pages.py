"""p50 and p95 of the pages people wait for, at 4 000 contacts, through the whole stack but the network."""

import statistics
from time import perf_counter
from typing import Any

from django.test import Client
from django.urls import reverse

from bench import ground
from crisiscomms import clock
from delivery import actions, sender, sweeping
from delivery.channels import email as door
from desk.demo import InboxSession

CONTACTS = 4_000
ROUNDS = 60
LIMIT_MS = 150


def run() -> dict[str, Any]:
    writer, boss = ground.people()
    ground.contacts(CONTACTS)
    incident, message = ground.approved_message(writer, boss)
    _, waiting = ground.approved_message(writer, boss)
    _deliver(writer, message)
    client = Client()
    client.force_login(writer, backend="allauth.account.auth_backends.AuthenticationBackend")
    pages = {
        "home": reverse("desk:home"),
        "room": reverse("desk:room", args=[incident.number]),
        "composer": reverse("messaging:compose", args=[waiting.pk]),
        "send_plan": reverse("delivery:send_plan", args=[waiting.pk]),
        "send_progress": reverse("delivery:send_plan", args=[message.pk]),
        "contacts": reverse("stakeholders:contacts"),
        "portal": reverse("portal:home"),
        "status": reverse("statuspage:home"),
    }
    figures: dict[str, Any] = {"name": "pages", "contacts": CONTACTS, "limit_ms": LIMIT_MS}
    for name, url in pages.items():
        p50, p95 = _time(client, url)
        figures |= {f"{name}_p50_ms": p50, f"{name}_p95_ms": p95, f"{name}_p95_of_limit": round(p95 / LIMIT_MS, 3)}
    return figures


def _deliver(writer: Any, message: Any) -> None:
    door._session = InboxSession()
    actions.order_dispatch(message_id=message.pk, by=writer, now=clock.now(), hold_seconds=0)
    for dispatch_id in sweeping.sweep(now=clock.now()):
        while sender.work(dispatch_id=dispatch_id):
            pass
    sweeping.sweep(now=clock.now())


def _time(client: Client, url: str) -> tuple[float, float]:
    """Milliseconds: median and the 95th of a hundred."""
    times = []
    for number in range(ROUNDS + 5):
        begun = perf_counter()
        response = client.get(url)
        if number >= 5:
            times.append((perf_counter() - begun) * 1000)
        assert response.status_code == 200, (url, response.status_code)
    return round(statistics.median(times), 1), round(statistics.quantiles(times, n=20)[18], 1)
