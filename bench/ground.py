"""A database of its own for a run, and one company to measure on."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test.utils import setup_databases, teardown_databases

from crisiscomms import clock
from crisiscomms.models import User
from desk import defaults
from incidents import actions as incidents
from incidents.models import Component, Incident, Product
from messaging import actions as messaging
from messaging.content import Content
from messaging.models import Message


@contextmanager
def database() -> Iterator[None]:
    """A fresh, migrated database with the shipped policies; dropped afterwards."""
    old = setup_databases(verbosity=0, interactive=False)
    try:
        defaults.load(now=clock.now())
        yield
    finally:
        teardown_databases(old, verbosity=0)


def people() -> tuple[User, User]:
    """Who writes and who approves."""
    now = clock.now()
    fields: dict[str, Any] = {"time_zone": "Europe/Berlin", "date_joined": now}
    writer = User.objects.create_user("writer@bench.example", "x", name="Writer", roles=["product_marketing"], **fields)
    boss = User.objects.create_user("boss@bench.example", "x", name="Boss", roles=["executive"], **fields)
    return writer, boss


def contacts(count: int) -> None:
    """People in accounts of eight, one in ten accounts tier 1; made set-based in the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO stakeholders_account (external_id, name, name_key, kind, value, tier, region, time_zone,
                   products, owner_email, updated_at)
               SELECT 'b' || n, 'Account ' || n, 'account ' || n, 'customer', 'standard', 1 + least(n %% 10, 2), 'EMEA',
                   (ARRAY['Europe/Berlin', 'America/New_York', 'Asia/Singapore'])[1 + n %% 3], ARRAY['Payments API'], '', now()
               FROM generate_series(1, %s) n""",
            [max(count // 8, 1)],
        )
        cursor.execute(
            """INSERT INTO stakeholders_contact (email, address, external_id, first_name, last_name, title, phone, language,
                   marketing_opt_out, suppressed_reason, updated_at)
               SELECT 'p' || n || '@bench.example', 'p' || n || '@bench.example', '', 'Robin', 'Number ' || n, '', '', 'en',
                   false, '', now() FROM generate_series(1, %s) n""",
            [count],
        )
        cursor.execute(
            """INSERT INTO stakeholders_membership (contact_id, account_id, is_main)
               SELECT c.id, a.id, true FROM stakeholders_contact c
               JOIN stakeholders_account a ON a.external_id = 'b' || (1 + (substring(c.address FROM 2 FOR position('@' IN c.address) - 2))::int %% %s)""",
            [max(count // 8, 1)],
        )
        cursor.execute("ANALYZE")


def approved_message(writer: User, boss: User) -> tuple[Incident, Message]:
    """A declared incident with an approved holding statement from the starter template."""
    now = clock.now()
    product, _ = Product.objects.get_or_create(name="Payments API")
    component, _ = Component.objects.get_or_create(product=product, name="Card payments")
    incident = incidents.declare_incident(
        title="Card payments fail", kind="service_disruption", severity="major",
        discovered_at=now - timedelta(minutes=1), components={component.pk: "partial"}, by=writer, now=now,
    )  # fmt: skip
    message = messaging.start_message(incident_id=incident.pk, kind="holding", by=writer, now=now)
    content = Content.from_data(message.working)
    messaging.edit_message(message_id=message.pk, content=content, by=writer, now=now)
    request = messaging.request_approval(message_id=message.pk, by=writer, now=now)
    messaging.decide(
        request_id=request.pk, person=boss, verdict="approved", fingerprint=request.version.fingerprint,
        proof="session", now=now,
    )  # fmt: skip
    message.refresh_from_db()
    return incident, message
