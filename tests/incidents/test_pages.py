"""Declaring and the presses of the room, as a browser sends them."""

from datetime import timedelta

import pytest

from crisiscomms import audit
from crisiscomms.models import AuditEvent
from incidents.models import Component, Incident, Product
from tests import factories
from tests.conftest import NOW

GOOD = {
    "title": "Card payments fail",
    "kind": "service_disruption",
    "severity": "critical",
    "discovered_at": "2026-11-17T14:00",
    "summary": "One in twenty",
    "component_state": "outage",
}


@pytest.fixture
def incident(ada):
    return factories.make_incident(ada)


def press(browse, user, incident, what, **data):
    return browse(user, f"/incidents/{incident.ref}/{what}/", data)


def room(browse, user, incident):
    return browse(user, f"/incidents/{incident.ref}/").content.decode()


def test_declaring_by_the_form_opens_the_room(ada, browse):
    component = factories.make_component()

    response = browse(ada, "/incidents/declare/", {**GOOD, "components": [component.pk]})

    incident = Incident.objects.get()
    assert (response.status_code, response.url) == (302, f"/incidents/{incident.ref}/")
    # Ada's clock stands in Berlin: 14:00 there is 13:00 UTC, nine minutes before the press.
    assert incident.discovered_at == NOW - timedelta(minutes=9)
    assert incident.component_states.get().state == "outage"


def test_declaring_a_restricted_one_with_a_component(ada, browse):
    data = {**GOOD, "components": [factories.make_component().pk], "restricted": "on"}

    assert browse(ada, "/incidents/declare/", data).status_code == 302
    assert Incident.objects.get().restricted


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"title": ""}, "Please fill this in"),
        ({"title": "x" * 161}, "160 characters at most"),
        ({"title": "Two\u2028lines"}, "line break"),
        ({"discovered_at": "2026-11-17T14:30"}, "future"),
        ({"discovered_at": "2024-01-01T10:00"}, "more than a year back"),
        ({"discovered_at": "yesterday"}, "Enter a valid date"),
        ({"severity": "awful"}, "Choose one of those offered"),
        ({"components": ["999"]}, "Choose one of those offered"),
        ({"components": ["one; DROP"]}, "not a valid value"),
    ],
)
def test_a_wrong_answer_says_what_and_keeps_what_was_typed_I5(ada, browse, wrong, words):
    response = browse(ada, "/incidents/declare/", {**GOOD, "summary": "Kept as typed", **wrong})

    page = response.content.decode()
    assert response.status_code == 422 and words in page and "Kept as typed" in page
    assert not Incident.objects.exists()


def test_a_nul_in_a_field_is_refused(ada, browse):
    assert browse(ada, "/incidents/declare/", {**GOOD, "title": "a\x00b"}).status_code == 400


@pytest.mark.parametrize("answers", ["severity=minor", "severity=%27", "discovered_at=x", "restricted=on", ""])
def test_the_consequences_follow_every_answer_and_survive_nonsense(ada, browse, answers):
    response = browse(ada, f"/incidents/declare/consequences/?{answers}", htmx=True)

    assert response.status_code == 200 and b"Ada" in response.content


@pytest.mark.parametrize("who", ["cleo", "ben"])
def test_the_declare_page_is_not_there_for_others(request, browse, who):
    person = request.getfixturevalue(who)

    assert browse(person, "/incidents/declare/").status_code == 404
    assert browse(person, "/incidents/declare/", GOOD).status_code == 404
    assert not Incident.objects.exists()


def test_the_presses_of_the_room_do_what_they_say(ada, browse, incident):
    component = incident.component_states.get().component

    press(browse, ada, incident, "milestone", kind="verified")
    press(browse, ada, incident, "component", component=component.pk, state="outage")
    press(browse, ada, incident, "severity", severity="critical")
    press(browse, ada, incident, "phase", to="management", waive_reason="Nobody affected yet")

    incident.refresh_from_db()
    assert (incident.severity, incident.phase) == ("critical", "management")
    assert incident.milestones.get().by == ada
    assert incident.component_states.open().get().state == "outage"
    assert incident.waivers.get().reason == "Nobody affected yet"


@pytest.mark.parametrize(
    ("what", "data", "words"),
    [
        ("phase", {"to": "management"}, "cannot end yet"),
        ("phase", {"to": "moon"}, "Choose one of those offered"),
        ("stand-down", {"reason": ""}, "Say why."),
        ("severity", {"severity": "awful"}, "Choose one of those offered"),
        ("milestone", {"kind": "acknowledged"}, "noted by itself"),
        ("component", {"component": "x", "state": "outage"}, "Choose one of those offered"),
    ],
)
def test_a_press_that_cannot_be_leads_back_with_words_and_changes_nothing(client, ada, incident, what, data, words):
    client.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")

    response = client.post(f"/incidents/{incident.ref}/{what}/", data, follow=True)

    incident.refresh_from_db()
    assert response.status_code == 200 and words in response.content.decode()
    assert (incident.phase, incident.severity, incident.milestones.count()) == ("initial_response", "major", 0)


@pytest.mark.parametrize("what", ["phase", "stand-down", "severity", "milestone", "component", "deadlines/1/waive"])
def test_a_press_on_a_hidden_incident_looks_missing_and_a_get_is_none(ada, cleo, browse, incident, what):
    url = f"/incidents/{incident.ref}/{what}/"

    assert browse(cleo, url, {}).status_code == 404
    assert browse(ada, url).status_code == 405
    assert browse(None, url, {}).url.startswith("/account/login/")


def test_waiving_a_clock_needs_a_leader_and_a_reason(ada, browse, incident):
    sam = factories.make_user("sam", roles=["support"])
    clock = incident.deadlines.get(kind="acknowledge")
    what = f"deadlines/{clock.pk}/waive"

    for person, reason in [(sam, "Not needed"), (ada, "")]:
        press(browse, person, incident, what, reason=reason)
        clock.refresh_from_db()
        assert clock.state == "pending"
    press(browse, ada, incident, what, reason="Nobody affected")

    clock.refresh_from_db()
    assert (clock.state, clock.waived_reason) == ("waived", "Nobody affected")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("phase", {"to": "management", "waive_reason": "x"}),
        ("stand-down", {"reason": "x"}),
        ("severity", {"severity": "minor"}),
        ("milestone", {"kind": "verified"}),
        ("component", {"state": "outage"}),
        ("deadlines/0/waive", {"reason": "x"}),
    ],
)
def test_every_press_works_without_a_transaction_around_it(ada, browse, incident, what, data):
    clock = incident.deadlines.get(kind="acknowledge")
    before = AuditEvent.objects.count()

    data = {**data, "component": incident.component_states.get().component_id}
    response = press(browse, ada, incident, what.replace("0", str(clock.pk)), **data)

    assert response.status_code == 302 and AuditEvent.objects.count() > before
    assert list(audit.faults(incident.ref)) == []


def test_a_clock_of_another_incident_cannot_be_waived_through_this_one_X3(ada, browse, incident):
    other = factories.make_incident(ada).deadlines.get(kind="acknowledge")

    press(browse, ada, incident, f"deadlines/{other.pk}/waive", reason="By mistake")

    other.refresh_from_db()
    assert other.state == "pending"


@pytest.mark.parametrize(
    ("what", "data", "words"),
    [
        ("milestone", {"kind": "verified"}, "Noted: verified."),
        ("phase", {"to": "management", "waive_reason": "Known enough"}, "The phase is management now."),
        ("severity", {"severity": "critical", "reason": "It spreads"}, "The severity is critical now."),
        ("stand-down", {"reason": "A wrong gauge"}, "Stood down, with your reason."),
    ],
)
def test_a_press_says_that_it_worked(client, ada, incident, what, data, words):
    client.force_login(ada)

    page = client.post(f"/incidents/{incident.ref}/{what}/", data, follow=True)

    assert words in page.content.decode()


def test_the_room_of_what_was_stood_down_says_so_and_asks_for_nothing(ada, browse, incident):
    press(browse, ada, incident, "stand-down", reason="A wrong gauge, seen by two people")

    page = room(browse, ada, incident)
    assert "Closed, stood down" in page
    assert "by Ada: <bdi>A wrong gauge, seen by two people</bdi>" in page
    assert "No message was written." in page
    assert "Press one to put it off" not in page


def test_a_clock_whose_place_is_the_room_leads_from_the_room_to_its_own_page(ada, browse, incident):
    """Without a draft the next word is written from the room; a link from there to there did nothing."""
    clock = incident.deadlines.get(kind="acknowledge")

    page = room(browse, ada, incident)

    assert f'<a href="/incidents/{incident.ref}/deadlines/{clock.pk}/">Open the clock<span' in page
    assert "Open the draft" not in page


def test_what_was_pressed_stands_in_the_room_and_the_record_is_whole(ada, browse, incident):
    press(browse, ada, incident, "stand-down", reason="A <b>test</b> alarm")

    page = room(browse, ada, incident)
    assert "A &lt;b&gt;test&lt;/b&gt; alarm" in page and "Stand the incident down" not in page
    assert list(audit.faults(incident.ref)) == []


def test_products_are_the_administrators(olga, ada, browse):
    assert browse(ada, "/setup/products/").status_code == 404

    browse(olga, "/setup/products/", {"add_product": "1", "p-name": "Payments API"})
    product = Product.objects.get()
    browse(olga, "/setup/products/", {"add_component": "1", "c-product": product.pk, "c-name": "Refunds"})
    again = browse(olga, "/setup/products/", {"add_component": "1", "c-product": product.pk, "c-name": "Refunds"})

    assert again.status_code == 422 and Component.objects.get().name == "Refunds"
    assert "Refunds" in browse(olga, "/setup/products/").content.decode()
