"""The page for builders: its parts work as they do on the real pages."""

from datetime import timedelta

from django.test import Client

from crisiscomms import clock
from tests.conftest import NOW
from tests.page_rules import check_page
from tests.visits import BACKEND


def test_a_form_sent_empty_comes_back_with_every_error_in_its_place(olga, browse):
    response = browse(olga, "/kit/", {"line": "kept"})
    page = response.content.decode()

    assert response.status_code == 422 and 'value="kept"' in page
    for name in ("reason", "number", "severity", "channel", "tiers", "agreed"):
        assert f'id="id_{name}_error"' in page


def test_a_table_asked_wrongly_answers_in_words(olga, browse):
    assert b"cannot be sorted" in browse(olga, "/kit/?sort=nonsense").content
    assert b"Nothing like this" in browse(olga, "/kit/?q=nobody-like-this").content


def test_a_press_says_what_happened_on_the_next_page(olga):
    client = Client()
    client.force_login(olga, backend=BACKEND)

    page = client.post("/kit/", {"press": "error"}, follow=True)

    check_page(page)
    assert b"Not sent: the mail relay" in page.content


def test_progress_counts_up_answers_nothing_new_and_stops(olga):
    client = Client()
    client.force_login(olga, backend=BACKEND)
    client.post("/kit/", {"press": "begin"})

    with clock.at(NOW + timedelta(seconds=2)):
        going = client.get("/kit/progress/").content.decode()
        mark = going.split('If-None-Match": "')[1].split('"')[0]
        same = client.get("/kit/progress/", headers={"If-None-Match": mark})
    with clock.at(NOW + timedelta(seconds=30)):
        over = client.get("/kit/progress/").content.decode()

    assert "800 of" in going and same.status_code == 304
    assert "hx-get" not in over and "rows read" in over
