"""Lists of many: no page reads, counts or sorts more of them than it shows and a person needs to know."""

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crisiscomms import audit, tables
from crisiscomms.models import AuditEvent
from stakeholders.models import Contact
from tests.visits import sign_in

MANY = 40_000
CONTACTS = """
    INSERT INTO stakeholders_contact (email, address, external_id, first_name, last_name, title, phone, language,
        marketing_opt_out, unsubscribed_at, suppressed_at, suppressed_reason, updated_at)
    SELECT a, a, '', 'First', 'Last' || md5(n::text), '', '', '', n %% 9000 = 0, CASE WHEN n %% 9001 = 0 THEN now() END,
        CASE WHEN n %% 9002 = 0 THEN now() END, CASE WHEN n %% 9002 = 0 THEN 'bounced' ELSE '' END, now()
    FROM generate_series(1, %s) n, LATERAL (SELECT 'p' || n || '@many.example') x(a)
"""
EVENTS = """
    INSERT INTO crisiscomms_auditevent (chain, number, at, recorded_at, actor_id, verb, subject, publishable,
        detail_digest, previous, digest)
    SELECT 'installation', 1000 + n, timestamptz '2020-01-01' + n * interval '1 hour', now(), %s,
        CASE WHEN n = 7 THEN 'retention.applied' ELSE 'person.changed' END, 'x', false, '', '', ''
    FROM generate_series(1, %s) n
"""
DETAILS = """
    INSERT INTO crisiscomms_auditdetail (event_id, text, data)
    SELECT id, 'Ada now has the role', '{}' FROM crisiscomms_auditevent WHERE subject = 'x'
"""
SIGNALS = """
    INSERT INTO incidents_signal (by_id, external_id, fingerprint, title, text, link, status, values, happened_at,
        received_at, seen_count, last_seen_at, reason)
    SELECT %s, '', n::text, 'Errors ' || n, '', '', 'firing', '{}', at, at, 1, at, ''
    FROM generate_series(1, %s) n, LATERAL (SELECT timestamptz '2020-01-01' + n * interval '1 minute') x(at)
"""
LOOKS = {
    "signals": ["", "?sort=received", "?status=firing", "?place=free", "?source=people"],
    "contacts": ["", "?sort=-name", "?sort=email", "?state=unsubscribed", "?state=stopped", "?state=opted_out"],
    "setup/record": ["", "?sort=at", "?kind=upkeep", "?kind=people", "?by=installation", "?first=2020-01-02&last=2020-01-03"],
}  # fmt: skip


@pytest.fixture
def many(ada, olga):
    with connection.cursor() as cursor:
        cursor.execute(CONTACTS, [MANY])
        cursor.execute(EVENTS, [ada.pk, MANY])
        cursor.execute(DETAILS)
        cursor.execute(SIGNALS, [ada.pk, MANY])
        cursor.execute(
            "ANALYZE incidents_signal, stakeholders_contact, crisiscomms_auditevent, crisiscomms_auditdetail"
        )


def most_read(sql: str) -> int:
    """The most rows that one step of a query looks at, as PostgreSQL ran it."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        found = cursor.fetchone()[0]
    plan = json.loads(found) if isinstance(found, str) else found
    return _read(plan[0]["Plan"])


def _read(step: dict[str, Any]) -> int:
    here = step["Actual Rows"] + step.get("Rows Removed by Filter", 0) + step.get("Rows Removed by Join Filter", 0)
    return int(max([here * step["Actual Loops"], *(_read(one) for one in step.get("Plans", []))]))


@pytest.mark.slow
def test_no_look_at_a_long_list_reads_all_of_it(many, ada, olga):
    read = {}
    for page, queries in LOOKS.items():
        client = sign_in(olga)
        for query in queries:
            with CaptureQueriesContext(connection) as asked:
                answer = client.get(f"/{page}/{query}")
            assert answer.status_code == 200
            after = answer.context["view"].next if answer.context["view"].next_after else ""
            with CaptureQueriesContext(connection) as further:
                client.get(f"/{page}/{after}")
            for one in [*asked.captured_queries, *further.captured_queries]:
                if re.match(r"SELECT .*(stakeholders_contact|auditevent|incidents_signal)", one["sql"], re.DOTALL):
                    read[page, query, one["sql"][-300:]] = most_read(one["sql"])

    assert Contact.objects.count() == MANY and AuditEvent.objects.filter(chain=audit.INSTALLATION).count() >= MANY
    assert len(read) > 40
    assert {where: rows for where, rows in read.items() if rows > tables.COUNTED + 100} == {}


@pytest.mark.slow
def test_a_long_list_says_that_there_are_more_than_it_counted(many, ada, browse):
    page = browse(ada, "/contacts/").content.decode().replace("\u2009", " ").replace("\u202f", " ")

    assert "More than 10 000 contacts</h2>" in page and "50 of more than 10 000 contacts on this page" in page
    assert "<dd>more than 10 000</dd>" in page and "<dd>4<small>" in page
