"""Home and the room: what waits for whom, in order, and live regions that do not swap for nothing."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from crisiscomms import clock
from crisiscomms.models import AuditEvent
from delivery import sweeping
from desk import queries
from incidents import deadlines
from tests import factories
from tests.conftest import NOW


@pytest.fixture
def incident(ada):
    return factories.make_incident(ada)


def text_of(response):
    return response.content.decode()


def test_home_lists_what_waits_for_me_by_due_time(ada, browse):
    late = factories.make_incident(ada, title="The older one", discovered_at=NOW - timedelta(minutes=100))
    factories.make_incident(ada, title="The newer one")

    page = text_of(browse(ada, "/"))

    assert "4 things need you, 1 is late" in page
    needs = queries.needs_of(ada)
    assert needs[0].ref == late.ref and needs == sorted(needs, key=lambda need: need.due_at)


def test_an_executive_finds_the_decision_and_it_goes_once_they_decided(ada, ben, incident, browse):
    request = factories.ask(factories.make_message(incident, ada), ada)
    page = text_of(browse(ben, "/"))
    assert "1 thing needs you" in page and f"/approvals/{request.pk}/" in page

    factories.approve(request, ben)

    assert "Nothing needs you" in text_of(browse(ben, "/"))


def test_another_persons_clocks_are_not_mine(ada, olga, incident, browse):
    assert "Nothing needs you now" in text_of(browse(olga, "/"))


def test_a_seller_lands_in_the_portal_and_a_stranger_at_the_door(cleo, browse):
    assert browse(cleo, "/").url == "/portal/"
    assert browse(None, "/").url.startswith("/account/login/")


def test_an_administrator_sees_what_is_left_to_set_up(olga, browse):
    page = text_of(browse(olga, "/"))
    assert "Before the first message" in page and "Import your contacts" in page


def test_navigation_shows_each_role_its_houses(ada, cleo, olga, browse):
    workshop, seller, admin = (text_of(browse(person, "/portal/")) for person in (ada, cleo, olga))

    for link in ("/contacts/", "/incidents/", "/recovery/"):
        assert f'href="{link}"' in workshop and f'href="{link}"' not in seller
    assert 'href="/setup/"' in admin and 'href="/setup/"' not in workshop + seller
    assert 'href="/incidents/declare/"' in workshop and 'href="/incidents/declare/"' not in seller


@pytest.mark.parametrize("where", ["/live/", "room", "timeline", "/portal/live/"])
def test_a_live_region_answers_304_until_something_changes(ada, incident, where):
    base = f"/incidents/{incident.ref}/"
    url = {"room": f"{base}live/", "timeline": f"{base}timeline/"}.get(where, where)
    client = Client()
    client.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")

    first = text_of(client.get(url, headers={"HX-Request": "true"}))
    mark = first.split('"If-None-Match": "')[1].split('"')[0]
    again = client.get(url, headers={"If-None-Match": mark})
    other = client.get(url, headers={"If-None-Match": "another"})

    assert mark and (again.status_code, again.content) == (304, b"")
    assert other.status_code == 200


def test_a_live_region_changes_when_the_incident_does(ada, incident, browse):
    url = f"/incidents/{incident.ref}/live/"
    before = text_of(browse(ada, url, htmx=True))

    deadlines.waive(incident=incident, kind="acknowledge", reason="Nobody affected", by=ada, now=NOW)

    assert text_of(browse(ada, url, htmx=True)) != before


def test_the_room_tells_the_whole_incident(ada, ben, incident, browse):
    factories.make_contacts(3)
    message = factories.make_approved(incident, ada, ben)
    factories.order(message, ada)
    sweeping.sweep(now=NOW)

    page = text_of(browse(ada, f"/incidents/{incident.ref}/"))

    for words in (incident.title, "Acknowledged", "Published", "Released", "Partly failing", "0 of 3", "Ben"):
        assert words in page, words


@pytest.mark.parametrize("who", ["ada", "ben"])
def test_every_link_in_the_room_opens_for_whoever_sees_it(who, ada, ben, incident, browse, request):
    sent = factories.make_message(incident, ada)
    factories.approve(factories.ask(sent, ada), ben)
    waiting = factories.ask(factories.make_message(incident, ada, kind="update"), ada)
    person = request.getfixturevalue(who)

    page = text_of(browse(person, f"/incidents/{incident.ref}/"))

    links = {link for link in re.findall(r'href="(/[^"#]*)"', page) if not link.startswith("/static/")}
    assert {link: browse(person, link).status_code for link in links if "sign-out" not in link} == dict.fromkeys(
        links, 200
    )
    assert (f"/approvals/{waiting.pk}/" in links) == (person == ben)


def test_the_timeline_is_the_record_newest_first_and_shortened(ada, incident, browse):
    for turn in range(20):
        state = "outage" if turn % 2 else "degraded"
        browse(
            ada,
            f"/incidents/{incident.ref}/component/",
            {"component": incident.component_states.first().component_id, "state": state},
        )

    page = text_of(browse(ada, f"/incidents/{incident.ref}/timeline/", htmx=True))
    everything = text_of(browse(ada, f"/incidents/{incident.ref}/timeline/?all=1", htmx=True))

    events = AuditEvent.objects.filter(chain=incident.ref).count()
    assert (page.count("cc-entry"), everything.count("cc-entry")) == (15, events)
    assert "Declared:" not in page and everything.index("is down") < everything.index("Declared:")


def test_what_was_typed_is_inert_in_the_room_I6(ada, browse):
    incident = factories.make_incident(ada, title="<script>alert(1)</script> {{ 7|add:7 }}", summary="<img src=x>")

    page = text_of(browse(ada, f"/incidents/{incident.ref}/"))

    assert "<script>alert" not in page and "<img src=x" not in page and "{{ 7|add:7 }}" in page


def test_who_may_not_lead_finds_no_button_for_it(incident, browse):
    sam = factories.make_user("sam", roles=["support"])

    page = text_of(browse(sam, f"/incidents/{incident.ref}/"))

    assert "Note a milestone" in page
    # It is offered without the right, and says what that means.
    assert page.count("not your decision") == 3
    assert page.count("You may not") == 3 and page.count('name="break_glass"') == 3


def test_the_list_has_live_ones_before_closed_ones(ada, browse):
    from incidents import actions

    closed = factories.make_incident(ada, title="Was a false alarm")
    actions.stand_down(incident_id=closed.pk, reason="test", by=ada, now=NOW)
    factories.make_incident(ada, title="Still going on", discovered_at=NOW - timedelta(days=1), now=NOW)

    page = text_of(browse(ada, "/incidents/"))

    assert page.index("Still going on") < page.index("Was a false alarm") and "stood down" in page


@pytest.mark.parametrize("minutes", [0, 89, 91, 60 * 24 * 40])
def test_home_and_room_stand_at_any_hour(ada, incident, browse, minutes):
    with clock.at(NOW + timedelta(minutes=minutes)):
        assert browse(ada, "/").status_code == 200
        assert browse(ada, f"/incidents/{incident.ref}/").status_code == 200


@pytest.mark.parametrize("number", ["0", "999999999", "9999999999", "x"])
def test_a_room_that_does_not_exist_is_missing(ada, browse, number):
    assert browse(ada, f"/incidents/INC-{number}/").status_code == 404
