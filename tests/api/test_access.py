"""Whose token gets which answer from which address of the API (faults, X1 to X6)."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from django.urls import reverse

from delivery.models import Dispatch
from incidents.models import (
    CompetitorReaction,
    Deadline,
    Fact,
    HaltItem,
    Incident,
    Mention,
    OutwardActivity,
    RecordExport,
    ResponseTask,
    Signal,
)
from messaging.models import Message
from stakeholders.models import Account, Contact
from tests.api.asking import program, send
from tests.routes import arguments_of, routes
from tests.visits import answer_of, sign_in
from tests.world import CANARY, World, furnish, make_world

pytestmark = pytest.mark.slow
# Columns: no token; tokens with both scopes of sales, an executive who was not asked, one who was, product marketing
# that leads it, administrator, and product marketing outside of the team of a restricted incident (about that one).
WHO = ("nobody", "sales", "not_asked", "asked", "workshop", "administrator", "other")
TABLE = """
front_page  GET   401  200  200  200  200  200  200
me          GET   401  200  200  200  200  200  200
incidents   GET   401  404  200  200  200  200  200
incidents   POST  401  404  403  403  422  422  422
incident    GET   401  404  404  200  200  200  404
deadlines   GET   401  404  404  200  200  200  404
all_deadlines  GET   401  404  200  200  200  200  200
deadline    GET   401  404  404  200  200  200  404
deadline_snooze  POST  401  404  404  403  422  422  404
deadline_waive  POST  401  404  404  403  422  422  404
deadline_take  POST  401  404  404  422  422  422  404
timeline    GET   401  404  404  200  200  200  404
watch_items POST  401  404  403  403  422  422  422
abilities   GET   401  404  404  200  200  200  404
decisions   GET   401  404  404  200  200  200  404
decisions   POST  401  404  404  422  422  422  404
disclosure  POST  401  404  404  422  422  422  404
incident_declare     POST  401  404  404  422  422  422  404
incident_phase       POST  401  404  404  422  422  422  404
incident_severity    POST  401  404  404  422  422  422  404
incident_stand-down  POST  401  404  404  422  422  422  404
incident_milestones  POST  401  404  404  422  422  422  404
incident_ticks       POST  401  404  404  422  422  422  404
incident_components  POST  401  404  404  422  422  422  404
facts       GET   401  404  404  200  200  200  404
facts       POST  401  404  404  403  422  422  404
fact        GET   401  404  404  200  200  200  404
fact        POST  401  404  404  403  422  422  404
fact_confirm   POST  401  404  404  403  422  422  404
fact_withdraw  POST  401  404  404  403  422  422  404
team        GET   401  404  404  200  200  200  404
roles       GET   401  404  404  200  200  200  404
roles       POST  401  404  404  403  422  422  404
hand_over_role POST  401  404  404  403  422  422  404
on_duty     GET   401  404  200  200  200  200  200
record      GET   401  404  404  200  200  200  404
documents   GET   401  404  404  200  200  200  404
documents   POST  401  404  404  403  422  422  404
exports     GET   401  404  404  200  200  200  404
exports     POST  401  404  404  403  202  202  404
export      GET   401  404  404  200  200  200  404
archive     GET   401  404  404  404  200  200  404
archive_pdf GET   401  404  404  404  200  200  404
products    GET   401  404  404  404  200  200  200
components  GET   401  404  404  404  200  200  200
signals     GET   401  404  404  404  200  200  200
signals     POST  401  404  404  404  422  422  422
signal      GET   401  404  404  404  200  200  404
outward     GET   401  404  404  404  200  200  200
outward     POST  401  404  404  404  422  422  422
outward_activity GET   401  404  404  404  200  200  200
outward_activity PUT   401  404  404  404  422  422  422
halt_items  GET   401  404  404  200  200  200  404
halt_items  POST  401  404  404  403  422  422  404
halt_act    POST  401  404  404  403  422  422  404
mentions    GET   401  404  404  404  200  200  200
mentions    POST  401  404  404  404  422  422  422
mention     GET   401  404  404  200  200  200  404
mention     POST  401  404  404  403  422  422  404
mention     PATCH 401  404  404  403  422  422  404
competitors GET   401  404  404  200  200  200  404
competitors POST  401  404  404  403  422  422  404
competitor  GET   401  404  404  200  200  200  404
competitor  POST  401  404  404  403  422  422  404
competitor  PATCH 401  404  404  403  422  422  404
competitor_tasks POST  401  404  404  403  422  422  404
response_task POST  401  404  404  403  422  422  404
playbooks   GET   401  404  200  200  200  200  200
playbook    GET   401  404  200  200  200  200  200
plan        GET   401  404  404  200  200  200  404
accounts    GET   401  404  404  404  200  200  200
account     GET   401  404  404  404  200  200  200
contacts    GET   401  404  404  404  200  200  200
contact     GET   401  404  404  404  200  200  200
messages    GET   401  404  404  404  200  200  404
message     GET   401  404  404  404  200  200  404
versions    GET   401  404  404  404  200  200  404
dispatches  GET   401  404  404  404  200  200  404
dispatch    GET   401  404  404  404  200  200  404
"""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
def world(policies, settings, tmp_path) -> World:
    furnish(settings, tmp_path)
    return make_world()


def expected() -> dict[tuple[str, str], dict[str, int]]:
    rows = (line.split() for line in TABLE.strip().splitlines())
    return {(name, method): dict(zip(WHO, map(int, codes), strict=True)) for name, method, *codes in rows}


def resources() -> dict[str, Any]:
    found = {name.removeprefix("api:"): pattern for name, pattern in routes() if name.startswith("api:")}
    return {name: pattern for name, pattern in found.items() if name not in ("schema", "docs")}


def url_of(name: str, things: dict[str, Any]) -> str:
    return reverse(f"api:{name}", kwargs={key: things[key] for key in arguments_of(resources()[name])})


def test_x1_every_address_of_the_api_stands_in_the_table():
    assert {name for name, _ in expected()} == set(resources())


def test_x1_every_token_gets_the_answers_of_the_table(world):
    wrong = {}
    for who in WHO:
        client, things = program(world.people.get(who)), world.hidden if who == "other" else world.open
        for name in resources():
            for method in METHODS:
                answer = ask(client, method, url_of(name, things))
                wanted = expected().get((name, method), dict.fromkeys(WHO, 405) | {"nobody": 401})[who]
                if answer.status_code != wanted:
                    wrong[who, name, method] = (answer.status_code, wanted)

    assert wrong == {}


def ask(client: Any, method: str, url: str) -> Any:
    return answer_of(client, method, url) if method == "GET" else client.generic(method, url, b"{}", "application/json")


@pytest.mark.parametrize(("scope", "open_to"), [("read", {"GET"}), ("write", {"POST", "PUT", "PATCH", "DELETE"})])
def test_x4_a_scope_lets_its_own_methods_through_and_no_other(scope, open_to, world):
    client = program(world.people["administrator"], scope)

    refused = {
        (name, method)
        for name in resources()
        for method in METHODS
        if ask(client, method, url_of(name, world.open)).status_code == 403
    }

    assert refused == {(name, method) for name in resources() for method in METHODS if method not in open_to}


def test_a_session_is_no_key_to_the_api(world):
    client = sign_in(world.people["administrator"])

    answers = [ask(client, method, url_of(name, world.open)) for name in resources() for method in METHODS]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}
    assert {answer.headers["Content-Type"] for answer in answers} == {"application/problem+json"}


# X2, X5, X6: what is hidden cannot be read or inferred


def every_address() -> Iterator[str]:
    """Each address with every id that exists, and one that does not."""
    ids = {
        "number": Incident.objects.values_list("number", flat=True),
        "message_id": Message.objects.values_list("pk", flat=True),
        "dispatch_id": Dispatch.objects.values_list("pk", flat=True),
        "deadline_id": Deadline.objects.values_list("pk", flat=True),
        "account_id": Account.objects.values_list("pk", flat=True),
        "fact_id": Fact.objects.values_list("pk", flat=True),
        "contact_id": Contact.objects.values_list("pk", flat=True),
        "signal_id": Signal.objects.values_list("pk", flat=True),
        "activity_id": OutwardActivity.objects.values_list("pk", flat=True),
        "item_id": HaltItem.objects.values_list("pk", flat=True),
        "mention_id": Mention.objects.values_list("pk", flat=True),
        "reaction_id": CompetitorReaction.objects.values_list("pk", flat=True),
        "plan": ["service_disruption-major"],
        "export_id": RecordExport.objects.values_list("pk", flat=True),
        "response_id": ResponseTask.objects.values_list("pk", flat=True),
    }
    for name, pattern in resources().items():
        wanted = sorted(arguments_of(pattern))
        every = product(*([*ids[key], 999_999] if key != "plan" else ids[key] for key in wanted))
        yield from (url_of(name, dict(zip(wanted, chosen, strict=True))) for chosen in every)


@pytest.mark.parametrize("who", ["sales", "nobody"])
def test_x5_nothing_unreleased_reaches_a_seller_or_a_stranger(who, world):
    client = program(world.people.get(who))

    leaks = [url for url in every_address() if CANARY.lower() in str(client.get(url).content.decode()).lower()]

    assert leaks == []


def test_x5_the_crawl_would_see_a_leak(world):
    client = program(world.people["administrator"])

    assert sum(CANARY in client.get(url).content.decode() for url in every_address()) > 10


def test_x6_hidden_and_missing_look_alike_to_the_last_byte(world):
    client = program(world.people["other"])
    for name, key in [
        ("incident", "number"),
        ("signal", "signal_id"),
        ("message", "message_id"),
        ("dispatch", "dispatch_id"),
    ]:
        hidden, missing = (client.get(url_of(name, {key: one})) for one in (world.hidden[key], 999_999))

        assert (hidden.status_code, hidden.content) == (404, missing.content)


def test_x2_a_list_a_filter_and_a_cursor_show_no_hidden_incident(world):
    outsider, leader = program(world.people["other"]), program(world.people["workshop"])
    hidden = world.hidden["number"]
    queries = ["", "?kind=service_disruption", "?live=true", "?severity=major", "?limit=1"]

    seen = {query: numbers(outsider, f"/api/v1/incidents/{query}") for query in queries}

    assert [query for query, found in seen.items() if hidden in found] == []
    assert hidden in numbers(leader, "/api/v1/incidents/")
    # A place in the list of somebody who sees more gives no row to who sees less.
    cursor = leader.get("/api/v1/incidents/?limit=1").json()["next"]
    assert hidden not in numbers(outsider, cursor)


def numbers(client: Any, url: str | None) -> list[int]:
    found = []
    while url:
        page = client.get(url).json()
        found += [row["number"] for row in page["results"]]
        url = page["next"]
    return found


def test_two_people_of_one_role_cannot_read_each_others_restricted_incident(world):
    mine = send(
        program(world.people["other"]),
        "/api/v1/incidents/",
        {"title": "Mine", "kind": "security_incident", "severity": "minor", "restricted": True},
    ).json()["number"]
    pairs = [("workshop", mine, 404), ("other", mine, 200), ("workshop", world.hidden["number"], 200)]

    for who, number, code in [*pairs, ("other", world.hidden["number"], 404)]:
        client = program(world.people[who])
        parts = ("", "deadlines/", "facts/", "timeline/", "messages/", "dispatches/", "team/", "roles/")
        codes = {client.get(f"/api/v1/incidents/{number}/{part}").status_code for part in parts}
        assert codes == {code}, (who, number)


def test_the_front_page_lists_what_one_has_business_with(world):
    names = {who: set(program(world.people[who]).get("/api/v1/").json()) for who in ("sales", "asked", "workshop")}

    assert names["sales"] == {"me"}
    assert names["asked"] == {"me", "incidents", "deadlines", "on_duty", "playbooks"}
    assert names["workshop"] == names["asked"] | {
        *("products", "components", "accounts", "contacts"),
        *("outward", "mentions", "signals"),
    }
