"""Pages cost the same with many incidents as with few: no query for each row."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crisiscomms import clock
from desk.incident_table import INCIDENTS
from incidents.models import Incident
from statuspage import queries as status
from tests import factories
from tests.conftest import NOW
from tests.delivery.ground import release
from tests.visits import sign_in

PAGES = ["/", "/incidents/", "/incidents/INC-1/", "/portal/", "/status/", "/contacts/", "/recovery/"]


def publish(ada, ben, count):
    for number in range(count):
        incident = factories.make_incident(ada, title=f"Case {number}")
        message = factories.make_approved(incident, ada, ben, channels=["status", "portal"])
        for dispatch in factories.order(message, ada):
            release(dispatch)
        factories.make_message(incident, ada, kind="update")


@pytest.mark.slow
def test_no_page_asks_more_often_when_there_are_more_incidents(ada, ben, django_assert_max_num_queries):
    client, asked = sign_in(ada), {}
    publish(ada, ben, 3)
    for url in PAGES:
        client.get(url)
        with django_assert_max_num_queries(60) as few:
            assert client.get(url).status_code == 200
        asked[url] = len(few)
    publish(ada, ben, 4)

    for url in PAGES:
        with django_assert_max_num_queries(asked[url]):
            client.get(url)


def test_the_status_page_makes_no_words_that_it_does_not_show(ada, ben, monkeypatch):
    publish(ada, ben, 2)
    Incident.objects.update(phase="closed", closed_at=NOW, stood_down=True)
    made = []
    monkeypatch.setattr("messaging.mail.public_body_html", lambda *_: made.append(1) or "")

    page = status.page(NOW + timedelta(seconds=1))

    assert len(page.past) == 2 and [one.first_title for one in page.past] and made == []


def test_the_status_page_shows_the_newest_of_many_and_says_how_many_there_are(ada, ben, browse, monkeypatch):
    monkeypatch.setattr("statuspage.queries.PAST_SHOWN", 2)
    publish(ada, ben, 3)
    Incident.objects.update(phase="closed", closed_at=NOW, stood_down=True)

    with clock.at(NOW + timedelta(seconds=1)):
        page = browse(None, "/status/").content.decode()

    assert "The newest 2 of 3 in the last 90 days" in page and page.count("1 update,") == 2


def test_the_list_of_incidents_pages_by_key_open_ones_first(ada, browse, monkeypatch):
    monkeypatch.setattr("desk.views.INCIDENTS", replace(INCIDENTS, page_size=2))
    for number in range(5):
        with clock.at(NOW + timedelta(minutes=number)):
            factories.make_incident(ada, title=f"Case {number}", components={}, now=NOW + timedelta(minutes=number))
    Incident.objects.filter(number__in=[2, 5]).update(phase="closed", closed_at=NOW, stood_down=True)

    seen, url = [], "/incidents/"
    while url:
        view = browse(ada, url).context["view"]
        seen += [one.number for one in view.rows]
        url = f"/incidents/{view.next}" if view.next_after else ""

    assert seen == [4, 3, 1, 5, 2]
