"""The public page and its feed: released material only, the same bytes for everybody, from the moment on and not before."""

from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.test import Client

from crisiscomms import clock
from crisiscomms.organisation import set_organisation
from delivery import actions as delivery
from delivery import sweeping
from delivery.models import Dispatch
from incidents import actions as incidents
from incidents.models import Component, Incident
from tests import factories
from tests.conftest import NOW

ATOM = {"a": "http://www.w3.org/2005/Atom"}
HOME, FEED = "/status/", "/status/history.atom"


@pytest.fixture
def incident(ada):
    return factories.make_incident(ada)


@pytest.fixture
def published(ada, ben, incident):
    return publish(factories.make_approved(incident, ada, ben), ada)


def publish(message, by, now=NOW):
    factories.order(message, by, now=now)
    sweeping.sweep(now=now)
    return Dispatch.objects.get(message=message, channel="status")


def page(browse, url=HOME):
    return browse(None, url).content.decode()


def entries(browse):
    root = ElementTree.fromstring(browse(None, FEED).content)
    return [
        {name: entry.findtext(f"a:{name}", namespaces=ATOM) for name in ("title", "id", "updated", "summary")}
        for entry in root.findall("a:entry", ATOM)
    ]


def test_with_nothing_to_tell_everything_works(db, browse):
    factories.make_component()

    assert "Everything works" in page(browse) and "None yet" in page(browse)
    assert entries(browse) == []


def test_an_update_is_public_with_its_promise_and_components(published, incident, browse):
    home = page(browse)

    for words in ("Some card payments fail", "Next update by 14:09 UTC", "Partly failing", "Card payments"):
        assert words in home, words
    assert published.released_at.isoformat() in home
    assert "Some card payments fail" in page(browse, f"/status/incidents/{incident.ref}/")


def test_nothing_of_the_inside_shows(ada, ben, incident, browse):
    Incident.objects.filter(pk=incident.pk).update(title="Internal title", summary="Internal guess")
    publish(factories.make_approved(incident, ada, ben, recognize="For customers only", say=["For sellers only"]), ada)

    for url in (HOME, FEED, f"/status/incidents/{incident.ref}/"):
        found = page(browse, url)
        for words in ("Internal", "customers only", "sellers only", "Ada", "Ben", "team.example"):
            assert words not in found, (url, words)


@pytest.mark.parametrize("state", ["declared", "draft", "approved", "held", "taken_back", "stopped"])
def test_what_is_not_released_is_absent_everywhere_X6(ada, ben, incident, browse, state):
    if state != "declared":
        message = factories.make_message(incident, ada)
    if state not in ("declared", "draft"):
        factories.approve(factories.ask(message, ada), ben)
    if state in ("held", "taken_back", "stopped"):
        dispatches = factories.order(message, ada, hold_seconds=120)
    if state == "taken_back":
        delivery.take_back(message_id=message.pk, by=ada, now=NOW)
    if state == "stopped":
        for one in dispatches:
            delivery.stop_dispatch(dispatch_id=one.pk, reason="Not yet", by=ada, now=NOW)
    sweeping.sweep(now=NOW)

    assert "card payments" not in page(browse).replace("Card payments", "").lower()
    assert "Partly failing" not in page(browse) and incident.ref not in page(browse)
    assert entries(browse) == []
    assert browse(None, f"/status/incidents/{incident.ref}/").status_code == 404


def test_it_appears_at_its_moment_and_not_before_X6(published, incident, browse):
    moment = NOW + timedelta(minutes=7)
    Dispatch.objects.filter(pk=published.pk).update(released_at=moment)
    mark = browse(None, HOME).headers["ETag"]

    with clock.at(moment - timedelta(seconds=1)):
        assert incident.ref not in page(browse) and entries(browse) == []
        assert browse(None, f"/status/incidents/{incident.ref}/").status_code == 404
    with clock.at(moment):
        assert incident.ref in page(browse) and len(entries(browse)) == 1
        assert Client().get(HOME, headers={"If-None-Match": mark}).status_code == 200


@pytest.mark.parametrize("flag", ["restricted", "is_exercise"])
def test_a_wall_that_goes_up_later_takes_it_off_the_page_X6(published, incident, browse, flag):
    Incident.objects.filter(pk=incident.pk).update(**{flag: True})

    assert incident.ref not in page(browse) and "Partly failing" not in page(browse) and entries(browse) == []
    assert browse(None, f"/status/incidents/{incident.ref}/").status_code == 404


def test_a_component_that_is_not_public_stays_inside(published, browse):
    Component.objects.update(is_public=False)

    assert "Partly failing" not in page(browse)


def test_the_worst_released_state_counts_and_it_ends_when_it_works_again(published, ada, incident, browse):
    component = Component.objects.get()
    incidents.set_component_state(incident=incident, component=component, state="outage", by=ada, now=NOW)
    assert "At least one part is down" in page(browse)

    incidents.set_component_state(incident=incident, component=component, state="working", by=ada, now=NOW)

    assert "part is down" not in page(browse)


def test_resolved_is_public_only_once_the_public_was_told(published, ada, ben, incident, browse):
    Incident.objects.filter(pk=incident.pk).update(phase="resolution", resolved_at=NOW)
    url = f"/status/incidents/{incident.ref}/"
    assert "Resolved" not in page(browse, url) and "Next update by" in page(browse, url)

    later = NOW + timedelta(minutes=5)
    text = {"public_title": "Card payments work again", "public_body": "All work.", "rebuild": "Bye."}
    message = factories.make_message(incident, ada, kind="resolved", now=later, next_update_at=None, say=[], **text)
    factories.approve(factories.ask(message, ada, now=later), ben, now=later)
    publish(message, ada, now=later)

    with clock.at(later):
        assert "Resolved" in page(browse, url) and "Next update by" not in page(browse)
        assert "Everything works" in page(browse) or "Past incidents" in page(browse)
        assert "None yet" not in page(browse)


def test_the_feed_is_well_formed_and_holds_every_update_newest_first(published, ada, ben, incident, browse):
    later = NOW + timedelta(minutes=5)
    second = factories.make_approved(
        incident, ada, ben, now=later, public_title="R&D <b>of</b> us", public_body="x < y"
    )
    publish(second, ada, now=later)

    with clock.at(later):
        response = browse(None, FEED)
        found = entries(browse)

    assert response.headers["Content-Type"].startswith("application/atom+xml")
    assert [entry["title"] for entry in found] == ["R&D <b>of</b> us", "Some card payments fail"]
    assert len({entry["id"] for entry in found}) == 2 and all(one["id"].startswith("urn:uuid:") for one in found)
    assert [entry["updated"] for entry in found] == [later.isoformat(), NOW.isoformat()]
    assert "x &lt; y" in found[0]["summary"]


def test_a_control_character_that_slipped_in_does_not_break_the_feed(ada, ben, incident, browse):
    set_organisation(by=None, now=NOW, name="Fernhollow", support_text="Call\x0bus \x08now")
    publish(factories.make_approved(incident, ada, ben, public_body="Reach {{ support }}"), ada)

    assert "us" in entries(browse)[0]["summary"]


def test_the_same_bytes_for_everybody_and_304_when_nothing_changed(published, ada, incident):
    member = Client()
    member.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")
    for url in (HOME, f"/status/incidents/{incident.ref}/"):
        first = Client().get(url)
        again = Client().get(url, headers={"If-None-Match": first.headers["ETag"]})

        assert member.get(url).content == first.content
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert not first.cookies and first.headers["Cache-Control"] == "public, max-age=15"
        assert Client().get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_new_update_is_a_new_mark(published, ada, ben, incident):
    mark = Client().get(HOME).headers["ETag"]
    publish(factories.make_approved(incident, ada, ben, kind="update", public_title="News"), ada)

    assert Client().get(HOME, headers={"If-None-Match": mark}).status_code == 200


@pytest.mark.parametrize(
    ("zone", "local"), [("Europe/Berlin", "14:09 CET"), ("Australia/Lord_Howe", "00:09"), ("UTC", "13:09 UTC")]
)
def test_times_are_the_organisations_with_utc_beside_them(published, browse, zone, local):
    set_organisation(by=None, now=NOW, name="Fernhollow", time_zone=zone)

    home = page(browse)

    assert local in home and "13:09 UTC" in home


def test_older_than_ninety_days_leaves_the_page_but_its_own_address_stays(published, incident, browse):
    with clock.at(NOW + timedelta(days=91)):
        assert incident.ref not in page(browse)
        assert browse(None, f"/status/incidents/{incident.ref}/").status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
@pytest.mark.parametrize("url", [HOME, "/status/incidents/INC-1/"])
def test_it_can_only_be_read(db, method, url):
    assert getattr(Client(), method)(url).status_code == 405
