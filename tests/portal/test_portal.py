"""The sales portal: the newest released talking points of live incidents, and nothing else by any address (X5)."""

from datetime import timedelta

import pytest

from crisiscomms import clock
from delivery import actions as delivery
from delivery import sweeping
from delivery.models import Dispatch
from incidents import actions as incidents
from incidents.models import Incident
from portal import queries
from tests import factories
from tests.conftest import NOW

WINDOWS = ("/portal/", "/portal/live/", "/portal/?q=payments")


@pytest.fixture
def incident(ada):
    return factories.make_incident(ada)


def release(message, by, now=NOW):
    factories.order(message, by, now=now)
    sweeping.sweep(now=now)


def portal(browse, user, url="/portal/"):
    return browse(user, url, htmx=url == "/portal/live/").content.decode()


def test_released_talking_points_are_there_with_copy_buttons(ada, ben, cleo, incident, browse):
    release(factories.make_approved(incident, ada, ben), ada)

    page = portal(browse, cleo)

    line = "Some card payments fail. You will hear from us by 14:09 UTC on 17 November."
    assert f'data-cc-copy-text="{line}"' in page
    assert 'data-cc-copy-text="Our engineers are confirming it."' in page
    assert "Released version 1" in page and incident.ref in page


@pytest.mark.parametrize("state", ["draft", "in_review", "approved", "held", "taken_back"])
def test_nothing_unreleased_shows_in_any_window_X5(ada, ben, cleo, incident, browse, state):
    message = factories.make_message(incident, ada, say=["Secret line about payments"])
    if state != "draft":
        request = factories.ask(message, ada)
    if state in ("approved", "held", "taken_back"):
        factories.approve(request, ben)
    if state in ("held", "taken_back"):
        factories.order(message, ada, hold_seconds=120)
        sweeping.sweep(now=NOW)
    if state == "taken_back":
        delivery.take_back(message_id=message.pk, by=ada, now=NOW)

    for url in WINDOWS:
        page = portal(browse, cleo, url)
        assert "Secret line" not in page and incident.ref not in page
    assert queries.cards(NOW) == []


def test_only_the_newest_release_of_each_incident_shows(ada, ben, cleo, incident, browse):
    other = factories.make_incident(ada)
    release(factories.make_approved(other, ada, ben, say=["The other incident"]), ada)
    release(factories.make_approved(incident, ada, ben, say=["The old line"]), ada)
    later = NOW + timedelta(minutes=10)
    release(factories.make_approved(incident, ada, ben, now=later, kind="update", say=["The new line"]), ada, now=later)

    with clock.at(later):
        page = portal(browse, cleo)

    assert "The new line" in page and "The old line" not in page
    assert page.index("The new line") < page.index("The other incident")


@pytest.mark.parametrize("how", ["stood_down", "closed", "restricted", "exercise"])
def test_over_or_withdrawn_it_is_gone(ada, ben, cleo, incident, browse, how):
    release(factories.make_approved(incident, ada, ben), ada)
    assert "Some card payments fail" in portal(browse, cleo)

    rows = Incident.objects.filter(pk=incident.pk)
    if how == "stood_down":
        incidents.stand_down(incident_id=incident.pk, reason="A false alarm", by=ada, now=NOW)
    elif how == "closed":
        rows.update(phase="closed", closed_at=NOW, resolved_at=NOW)
    else:
        rows.update(restricted=how == "restricted", is_exercise=how == "exercise")

    for url in WINDOWS:
        assert "Some card payments fail" not in portal(browse, cleo, url)


def test_nothing_shows_before_its_moment_X6(ada, ben, cleo, incident, browse):
    release(factories.make_approved(incident, ada, ben), ada)
    Dispatch.objects.filter(channel="portal").update(released_at=NOW + timedelta(minutes=5))

    assert incident.ref not in portal(browse, cleo)
    with clock.at(NOW + timedelta(minutes=5)):
        assert incident.ref in portal(browse, cleo)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("payments", True),
        ("PAYMENTS fail", True),
        ("confirming", True),
        ("refunds", False),
        ("payments refunds", False),
    ],
)
def test_search_looks_in_all_that_may_be_said(ada, ben, cleo, incident, browse, query, found):
    release(factories.make_approved(incident, ada, ben), ada)

    page = portal(browse, cleo, f"/portal/?q={query}")

    assert (incident.ref in page) == found
    assert ("Nothing released about" in page) != found


@pytest.mark.parametrize("query", ["%3Cmarquee%3E", "x" * 500, "%F0%9F%92%A5", '"><marquee>', "%25_"])
def test_any_search_words_are_only_words(ada, ben, cleo, incident, browse, query):
    release(factories.make_approved(incident, ada, ben), ada)

    page = portal(browse, cleo, f"/portal/?q={query}")

    assert "Nothing released about" in page and "<marquee>" not in page


def test_what_stands_in_a_talking_point_is_inert_I6(ada, ben, cleo, incident, browse):
    bad = '"><script>alert(1)</script>'
    release(factories.make_approved(incident, ada, ben, say=[bad], public_body=bad), ada)

    page = portal(browse, cleo)

    assert "<script>alert" not in page and "alert(1)&lt;/script&gt;" in page


def test_a_seller_reads_no_names_notes_or_audiences_X5(ada, cleo, incident, browse):
    boss = factories.make_user("Quillfeather", roles=["executive"])
    incident.summary = "Internal guess: the cache"
    incident.save()
    release(factories.make_approved(incident, ada, boss, recognize="Only for customers"), ada)

    page = portal(browse, cleo)

    for words in ("Quillfeather", "Internal guess", "Only for customers"):
        assert words not in page


def test_everybody_who_signs_in_may_read_it_and_strangers_may_not(ada, ben, browse):
    for person in (ada, ben):
        assert browse(person, "/portal/").status_code == 200
    for url in WINDOWS:
        assert browse(None, url).url.startswith("/account/login/")
