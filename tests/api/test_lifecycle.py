"""Programs move incidents by the same actions and rights as people."""

import pytest
from django.urls import reverse

from incidents.models import Incident
from tests import factories
from tests.api.asking import program, send


@pytest.fixture
def incident(ada):
    return factories.make_incident(ada)


def post(person, name, incident, **body):
    return send(program(person), reverse(f"api:{name}", args=[incident.number]), body)


def test_a_program_watches_and_declares_under_one_number(ada):
    body = {"title": "Payouts are slow", "kind": "product_quality", "severity": "minor"}
    watched = send(program(ada), reverse("api:watch_items"), body, **{"Idempotency-Key": "a"})
    again = send(program(ada), reverse("api:watch_items"), body, **{"Idempotency-Key": "a"})
    assert (watched.status_code, watched.json()["phase"], watched.json()["declared_at"]) == (201, "pre_crisis", None)
    assert again.json()["number"] == watched.json()["number"] and Incident.objects.count() == 1

    item = Incident.objects.get()
    answer = post(ada, "incident_declare", item, **{**body, "severity": "major"})

    assert (answer.status_code, answer.json()["phase"]) == (200, "initial_response")


def test_every_act_has_its_address(ada, incident):
    component = incident.component_states.get().component_id
    for name, body in (
        ("incident_milestones", {"kind": "verified"}),
        ("incident_components", {"component": component, "state": "outage"}),
        ("incident_severity", {"severity": "critical", "reason": "It spreads"}),
        ("disclosure", {"level": "selective", "seen": "", "reason": "x", "break_glass": "Legal sleeps"}),
        ("incident_phase", {"to": "management", "reason": "Nobody can be reached by mail"}),
        ("incident_stand-down", {"reason": "A drill"}),
    ):
        answer = post(ada, name, incident, **body)
        assert answer.status_code == 200, (name, answer.content)

    incident.refresh_from_db()
    assert (incident.severity, incident.disclosure, incident.stood_down) == ("critical", "selective", True)
    listed = program(ada).get(reverse("api:decisions", args=[incident.number])).json()
    assert [one["kind"] for one in listed["results"]] == ["stand_down", "phase", "disclosure", "severity", "protocol"]
    assert [one["is_break_glass"] for one in listed["results"]] == [False, False, True, False, False]


def test_what_one_may_not_says_who_may(incident):
    support = factories.make_user("sam", roles=["support"])

    answer = post(support, "incident_severity", incident, severity="minor")

    assert answer.status_code == 403 and "Product marketing, Product" in answer.json()["detail"]


def test_abilities_say_why_not(incident):
    support = factories.make_user("sam", roles=["support"])

    answers = program(support).get(reverse("api:abilities", args=[incident.number])).json()

    by_key = {one["key"]: one for one in answers}
    assert by_key["milestone"]["may"] and not by_key["move"]["may"]
    assert by_key["move"]["may_break_glass"] and "Executive" in by_key["move"]["why_not"]


def test_a_component_that_is_not_there_is_named(ada, incident):
    answer = post(ada, "incident_components", incident, component=999_999, state="outage")

    assert answer.status_code == 422 and "component" in str(answer.json())


def test_a_decision_is_noted_once_per_key(ada, incident):
    url, body = reverse("api:decisions", args=[incident.number]), {
        "kind": "timing", "question": "When?", "options": ["Now", "Later"], "choice": "Now", "reason": "It hurts",
    }  # fmt: skip
    client = program(ada)

    first, second = (send(client, url, body, **{"Idempotency-Key": "k"}) for _ in range(2))

    assert (first.status_code, first.json()["options"]) == (201, ["Now", "Later"])
    assert second.json()["id"] == first.json()["id"] and incident.decisions.filter(kind="timing").count() == 1
