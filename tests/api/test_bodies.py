"""What is sent: one strict parser, problems that name the field, and nothing that ends in a 500 (I7, I8)."""

import json
from datetime import timedelta

import pytest

from crisiscomms import clock
from crisiscomms.api.parsing import DEEPEST, LARGEST, read
from crisiscomms.api.problems import MEDIA_TYPE
from crisiscomms.models import AuditEvent
from incidents.models import Component, Incident
from tests import factories
from tests.api.asking import DECLARED, program, send
from tests.conftest import NOW

INCIDENTS = "/api/v1/incidents/"


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


UNREADABLE = {
    "not JSON": b"{title}",
    "cut off": b'{"title": "x"',
    "not UTF-8": b'{"title": "\xff"}',
    "a surrogate in UTF-8": b'{"title": "\xed\xa0\x80"}',
    "UTF-16": '{"title": "x"}'.encode("utf-16"),
    "NUL": b'{"title": "a\\u0000b"}',
    "NUL in a name": b'{"a\\u0000b": 1}',
    "lone surrogate": b'{"title": "\\ud800"}',
    "lone surrogate in a list": b'{"components": ["\\udfff"]}',
    "NaN": b'{"title": NaN}',
    "Infinity": b'{"title": -Infinity}',
    "a number without end": b'{"title": 1e999}',
    "digits without end": b'{"title": ' + b"9" * 10_000 + b"}",
    "a name twice": b'{"title": "a", "title": "b"}',
    "too deep": b'{"title": ' + nested(DEEPEST) + b"}",
    "far too deep": b'{"title": ' + nested(100_000) + b"}",
    "too large": b'{"title": "' + b"x" * LARGEST + b'"}',
}


@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE)
def test_i8_a_body_that_cannot_be_meant_is_a_bad_request(raw, ada):
    answer = program(ada).generic("POST", INCIDENTS, raw, "application/json")

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert answer.json()["code"] == "parse_error"
    assert not Incident.objects.exists()


def test_the_parser_takes_what_is_within_bounds():
    assert read(nested(DEEPEST)) is not None
    assert read(json.dumps({"name": "\U0001f600 é", "n": 1.5}).encode()) == {"name": "\U0001f600 é", "n": 1.5}


# Field → what it does not take. Each is answered with 422 and its name.
WRONG = [
    ("title", None),
    ("title", ""),
    ("title", 5),
    ("title", "x" * 161),
    ("title", "a\u202eb"),
    ("title", "a\nb"),
    ("kind", "fire"),
    ("kind", ["service_disruption"]),
    ("severity", True),
    ("summary", "x" * 4001),
    ("restricted", "true"),
    ("restricted", 1),
    ("discovered_at", "soon"),
    ("discovered_at", "2026-11-17T13:00:00"),
    ("discovered_at", "0001-01-01T00:00:00+14:00"),
    ("discovered_at", "9999-12-31T23:59:59-14:00"),
    ("discovered_at", "2026-13-45T00:00:00Z"),
    ("discovered_at", 1),
    ("components", {}),
    ("components", [1]),
    ("components", [{"component": "1", "state": "partial"}]),
    ("components", [{"component": 2**63, "state": "partial"}]),
    ("components", [{"component": 999, "state": "partial"}]),
    ("components", [{"component": True, "state": "partial"}]),
    ("components", [{"component": 1, "state": "working"}]),
    ("restrictd", True),
]


@pytest.mark.parametrize(("field", "value"), WRONG, ids=str)
def test_a_value_that_is_not_accepted_is_named(field, value, ada):
    answer = send(program(ada), INCIDENTS, {**DECLARED, field: value})

    assert answer.status_code == 422
    assert {error["field"].split(".")[0] for error in answer.json()["errors"]} == {field}
    assert not Incident.objects.exists()


@pytest.mark.parametrize("body", [[], "text", 5, None, [DECLARED]], ids=str)
def test_a_body_that_is_no_object_is_not_accepted(body, ada):
    assert send(program(ada), INCIDENTS, json.dumps(body)).status_code == 422


def test_declaring_does_what_the_page_does(ada):
    component = factories.make_component()
    body = {**DECLARED, "summary": "Since noon.", "components": [{"component": component.pk, "state": "outage"}]}

    answer = send(program(ada), INCIDENTS, body)

    incident = Incident.objects.get()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"http://testserver/api/v1/incidents/{incident.number}/"
    assert answer.json() == program(ada).get(answer.headers["Location"]).json()
    assert answer.json()["components"][0] == {
        "component": component.pk,
        "name": "Card payments",
        "product": "Payments API",
        "state": "outage",
        "began_at": "2026-11-17T13:09:00Z",
    }
    assert (incident.discovered_at, incident.lead, incident.deadlines.count()) == (NOW, ada, 2)


@pytest.mark.parametrize(
    ("moment", "status"),
    [("2026-11-17T13:09:30Z", 201), ("2026-11-17T14:20:00+01:00", 422), ("2024-01-01T00:00Z", 422)],
)
def test_a_clock_a_little_ahead_is_forgiven_and_the_future_is_refused(moment, status, ada):
    answer = send(program(ada), INCIDENTS, {**DECLARED, "discovered_at": moment})

    assert answer.status_code == status
    assert [incident.discovered_at for incident in Incident.objects.all()] == ([NOW] if status == 201 else [])


def test_a_retired_component_takes_no_new_incident(ada):
    component = factories.make_component()
    Component.objects.filter(pk=component.pk).update(retired_at=NOW)

    answer = send(program(ada), INCIDENTS, {**DECLARED, "components": [{"component": component.pk, "state": "outage"}]})

    assert answer.json()["errors"][0]["field"] == "components"


def test_a_twice_named_component_is_refused(ada):
    one = {"component": Component.objects.create(name="a", product=factories.make_component().product).pk}

    answer = send(
        program(ada), INCIDENTS, {**DECLARED, "components": [{**one, "state": s} for s in ("outage", "partial")]}
    )

    assert answer.json()["errors"][0]["field"] == "components"


# Problems


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("GET", "incidents/99/", {}, 404, "not_found"),
        ("GET", "incidents/9999999999/", {}, 404, "not_found"),
        ("GET", "nothing/here/", {}, 404, "not_found"),
        ("PUT", "incidents/", {}, 405, "method_not_allowed"),
        ("OPTIONS", "incidents/", {}, 405, "method_not_allowed"),
        ("GET", "incidents/", {"headers": {"Accept": "text/html"}}, 406, "not_acceptable"),
        ("POST", "incidents/", {"content_type": "text/plain"}, 415, "unsupported_media_type"),
        ("POST", "incidents/", {"content_type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        ("POST", "incidents/", {"content_type": "multipart/form-data; boundary=x"}, 415, "unsupported_media_type"),
        ("GET", "incidents/%00/", {}, 400, "bad_request"),
        ("GET", "incidents/?q=%FF", {}, 400, "bad_request"),
        ("GET", "incidents/?severty=major", {}, 400, "bad_query"),
        ("GET", "me/?x=1", {}, 400, "bad_query"),
        ("GET", "incidents/?limit=1000", {}, 400, "parse_error"),
    ],
)
def test_every_refusal_is_a_problem(method, path, options, status, code, ada):
    kind = options.pop("content_type", "application/json")

    answer = program(ada).generic(method, f"/api/v1/{path}", b"title=x", kind, **options)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    body = answer.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, "about:blank")
    assert body["title"]
    assert body["detail"].endswith((".", "…"))


def test_a_fault_of_ours_is_a_problem_that_tells_nothing(ada, monkeypatch):
    monkeypatch.setattr("incidents.api.incidents.Incidents.get_queryset", lambda self: 1 / 0)

    answer = program(ada, raise_request_exception=False).get(INCIDENTS)

    assert (answer.status_code, answer.headers["Content-Type"]) == (500, MEDIA_TYPE)
    assert "division" not in answer.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        *("phase=x", "severity=Critical", "kind=1", "live=maybe", "live=1", "declared_since=yesterday"),
        *("declared_since=2026-11-17T13:00:00", "declared_until=0001-01-01T00:00:00Z", "limit=0", "limit=-1"),
        *("phase=", "live=", "declared_since=", "limit=%C2%B2", "cursor=abc", "cursor=", "order=title"),
    ],
)
def test_a_filter_takes_its_own_type_only(query, ada):
    answer = program(ada).get(f"{INCIDENTS}?{query}")

    assert answer.status_code == 400, answer.content
    assert query.split("=")[0] in answer.content.decode()


def test_filters_find_what_they_say(ada):
    found = factories.make_incident(ada, severity="critical")
    factories.make_incident(ada, kind="product_quality")
    client = program(ada)

    for query in (
        "severity=critical",
        "kind=service_disruption",
        "severity=critical&live=true&phase=initial_response",
        "severity=critical&declared_since=2026-11-17T13:09:00Z&declared_until=2026-11-17T14:09:01%2B01:00",
    ):
        assert [row["number"] for row in client.get(f"{INCIDENTS}?{query}").json()["results"]] == [found.number], query
    for query in ("live=false", "declared_since=2026-11-17T13:09:01Z", "declared_until=2026-11-17T13:09:00Z"):
        assert client.get(f"{INCIDENTS}?{query}").json()["results"] == [], query


def test_contacts_are_found_as_on_their_page(ada):
    one = factories.make_contact("lena@bluegate.example", factories.make_account("Bluegate", tier=1))
    factories.make_contact("odo@other.example", first_name="Odo", last_name="Quill", unsubscribed_at=NOW)
    client = program(ada)

    for query in ("q=oster", "q=bluegate", "tier=1", "state=reachable", f"account={one.accounts.get().pk}"):
        rows = client.get(f"/api/v1/contacts/?{query}").json()["results"]
        assert [row["email"] for row in rows] == ["lena@bluegate.example"], query
    assert [row["name"] for row in client.get("/api/v1/accounts/?q=blue&tier=1").json()["results"]] == ["Bluegate"]
    assert client.get("/api/v1/contacts/?account=x").json()["errors"][0]["field"] == "account"


def test_too_many_requests_of_one_token_wait_and_those_of_another_do_not(ada, settings):
    settings.API_REQUESTS_PER_MINUTE = 2
    client = program(ada)

    answers = [client.get("/api/v1/me/") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2].headers["Retry-After"]) <= 60
    assert answers[2].json()["code"] == "throttled"
    assert program(ada).get("/api/v1/me/").status_code == 200


def test_without_redis_nobody_is_locked_out(ada, settings, monkeypatch):
    settings.API_REQUESTS_PER_MINUTE = 1
    monkeypatch.setattr("crisiscomms.throttle.cache.incr", lambda key: 1 / 0)
    client = program(ada)

    assert [client.get("/api/v1/me/").status_code for _ in range(3)] == [200, 200, 200]


def test_reading_the_contacts_is_on_the_record_once_a_day_for_each_token(ada):
    factories.make_contact()
    client, other = program(ada), program(ada)
    for one in (client, client, other):
        assert one.get("/api/v1/contacts/").status_code == 200
    with clock.at(NOW + timedelta(days=1)):
        client.get("/api/v1/contacts/")

    taken = AuditEvent.objects.filter(verb="contacts.exported", actor=ada)
    assert taken.count() == 3 and "a program" in taken.select_related("detail")[0].detail.text


def test_what_is_sent_without_the_last_slash_is_named_and_not_lost_on_a_redirect(ada):
    client = program(ada)

    answer = send(client, INCIDENTS.rstrip("/"), DECLARED)

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, MEDIA_TYPE)
    assert answer.json()["detail"] == "Addresses of the API end with a slash: /api/v1/incidents/"
    assert client.get(INCIDENTS.rstrip("/")).status_code == 301
    assert "slash" not in send(client, "/api/v1/nothing", DECLARED).json()["detail"]
