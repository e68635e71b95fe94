"""The list of incidents: found, sorted, paged, narrowed and exported by its address; nothing hidden is counted."""

import csv
import io
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from crisiscomms.models import AuditEvent
from desk import incident_table, views
from incidents import actions
from tests import factories
from tests.conftest import NOW

DAY = timedelta(days=1)


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(views, "INCIDENTS", replace(incident_table.INCIDENTS, page_size=2))


def declare(by, title, **fields):
    return factories.make_incident(by, title=title, **fields)


def page(browse, user, query="", code=200):
    response = browse(user, f"/incidents/{query}")
    assert response.status_code == code
    return response.content.decode()


def titles(html):
    return re.findall(r'rowheader"[^>]*>.*?<bdi>(.*?)</bdi>', html, re.DOTALL)


def next_page(html):
    return unescape(re.search(r'rel="next" href="([^"]+)"', html)[1])


def rows_of(response):
    text = b"".join(response.streaming_content).decode().removeprefix("\ufeff")
    return list(csv.reader(io.StringIO(text, newline="")))


def test_pages_go_on_where_they_ended_whatever_is_declared_meanwhile(ada, browse, small_pages):
    for title in ("One", "Two", "Three"):
        declare(ada, title)
    first = page(browse, ada, "?sort=-opened")
    declare(ada, "Meanwhile")

    second = page(browse, ada, next_page(first))

    assert (titles(first), titles(second)) == (["Three", "Two"], ["One"])
    assert 'rel="next"' not in second and "First page" in second


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("severity", ["Bad", "Middling", "Mild"]),
        ("-severity", ["Mild", "Middling", "Bad"]),
        ("opened", ["Mild", "Bad", "Middling"]),
        ("-opened", ["Middling", "Bad", "Mild"]),
        ("number", ["Mild", "Bad", "Middling"]),
        ("-next", ["Mild", "Middling", "Bad"]),
        ("next", ["Bad", "Middling", "Mild"]),
    ],
)
def test_every_order_holds_across_pages(order, expected, ada, browse, small_pages):
    mild = declare(ada, "Mild", severity="minor", now=NOW - 2 * DAY, discovered_at=NOW - 2 * DAY)
    declare(ada, "Bad", severity="critical", now=NOW - DAY, discovered_at=NOW - DAY)
    declare(ada, "Middling", severity="major")
    actions.stand_down(incident_id=mild.pk, reason="nothing is due any more", by=ada, now=NOW)

    first = page(browse, ada, f"?sort={order}")

    assert titles(first) + titles(page(browse, ada, next_page(first))) == expected


def test_a_heading_says_its_order_and_turns_it_around(ada, browse):
    declare(ada, "One")

    html = page(browse, ada, "?sort=opened&severity=major")

    assert re.search(r'aria-sort="ascending"><a class="cc-sort" href="\?severity=major&amp;sort=-opened"', html)
    assert html.count('aria-sort="none"') == 4


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("phase=open", ["Keys leaked", "Card payments fail"]),
        ("phase=closed", ["Nothing after all"]),
        ("severity=critical", ["Keys leaked"]),
        ("kind=security_incident", ["Keys leaked"]),
        ("q=fail+CARD", ["Card payments fail"]),
        ("q=everybody", ["Keys leaked"]),
        ("q=nothing+else", []),
        ("q=100%25", []),
    ],
)
def test_filters_find_and_count(query, expected, ada, browse):
    declare(ada, "Card payments fail")
    closed = declare(ada, "Nothing after all")
    actions.stand_down(incident_id=closed.pk, reason="test", by=ada, now=NOW)
    declare(ada, "Keys leaked", severity="critical", kind="security_incident", summary="Seen by everybody")

    html = page(browse, ada, f"?{query}&sort=-number")

    assert titles(html) == expected
    assert f"{len(expected)} incident" in html and ("Nothing like this" in html) == (not expected)


def test_a_number_finds_its_incident_in_any_spelling(ada, browse):
    incident = declare(ada, "One")

    for asked in (incident.ref, incident.ref.lower(), str(incident.number)):
        assert titles(page(browse, ada, f"?q={asked}")) == ["One"]


def test_hidden_ones_are_neither_shown_nor_counted_nor_exported(ada, cleo, browse):
    outsider = factories.make_user("sam", roles=["product_marketing"])
    declare(ada, "Open to all")
    declare(ada, "Whispered", restricted=True)

    html, file = page(browse, outsider, "?q="), browse(outsider, "/incidents/list.csv")

    assert titles(html) == ["Open to all"] and "1 incident</h2>" in html
    assert "Whispered" not in str(rows_of(file))
    assert browse(cleo, "/incidents/list.csv").status_code == 404


def test_the_file_holds_what_is_filtered_defused_in_full_and_is_recorded(ada, browse):
    declare(ada, "=cmd()", severity="critical", is_exercise=True)
    declare(ada, "Other")

    response = browse(ada, "/incidents/list.csv?severity=critical&col=lead")
    head, *lines = rows_of(response)

    assert head == [column.label for column in incident_table.INCIDENTS.columns]
    assert len(lines) == 1 and lines[0][0].endswith("=cmd()") and lines[0][-1] == "exercise"
    assert "attachment" in response["Content-Disposition"]
    assert AuditEvent.objects.get(verb="incidents.exported").detail.text == "Exported 1 incident"


def test_a_cell_that_begins_a_formula_is_defused(ada, browse):
    declare(ada, "One")
    ada.name = "=1+1"
    ada.save(update_fields=["name"])

    assert rows_of(browse(ada, "/incidents/list.csv"))[1][4] == "'=1+1"


def test_columns_are_chosen_in_the_address_and_stay_with_every_link(ada, browse, small_pages):
    for title in ("One", "Two", "Three"):
        declare(ada, title)

    html = page(browse, ada, "?col=kind&col=nonsense&sort=number")
    further = page(browse, ada, next_page(html))

    for one in (html, further):
        assert re.findall(r'data-label="([^"]+)"', one)[:1] == ["Kind"] and 'data-label="Severity"' not in one
    assert "nonsense" not in html


@pytest.mark.parametrize(
    "query", ["after=x", "after=x:y:z", "sort=lead", "sort=--number", "phase=nowhere", "severity=9", "q=" + "x" * 101]
)
def test_what_cannot_be_asked_is_refused_in_words(query, ada, browse):
    declare(ada, "One")

    html = page(browse, ada, f"?{query}", code=400)

    assert 'role="alert"' in html and "Show the whole list" in html and titles(html) == []


def test_a_place_in_one_order_is_no_place_in_another(ada, browse, small_pages):
    for title in ("One", "Two", "Three"):
        declare(ada, title)
    link = next_page(page(browse, ada, "?sort=number"))

    page(browse, ada, link.replace("sort=number", "sort=-opened"), code=400)


def test_a_bad_filter_is_no_reason_to_export_everything(ada, browse):
    declare(ada, "One")

    assert browse(ada, "/incidents/list.csv?phase=nowhere").status_code == 400
