"""Pages by key: nothing twice, nothing left out, whatever is written meanwhile."""

from itertools import chain

import pytest

from crisiscomms import audit
from stakeholders.models import Contact
from tests import factories
from tests.api.asking import program
from tests.conftest import NOW


def flat(pages):
    return list(chain.from_iterable(pages))


def walk(client, url, way="next"):
    pages = []
    while url:
        page = client.get(url).json()
        pages.append([row["id"] for row in page["results"]])
        url = page[way]
    return pages


@pytest.fixture
def people(ada):
    """Seven contacts; three share a last name, so that the key decides between them."""
    names = ["Ames", "Birk", "Birk", "Birk", "Cole", "Dean", "Eder"]
    return [factories.make_contact(f"p{n}@x.example", last_name=name).pk for n, name in enumerate(names)]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_a_walk_through_all_pages_gives_every_row_once_in_order(limit, people, ada):
    pages = walk(program(ada), f"/api/v1/contacts/?limit={limit}")

    assert flat(pages) == people
    assert all(len(page) <= limit for page in pages)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_way_back_gives_the_same_pages(limit, people, ada):
    client = program(ada)
    url = f"/api/v1/contacts/?limit={limit}"
    while following := client.get(url).json()["next"]:
        url = following

    back = walk(client, client.get(url).json()["previous"], way="previous")

    assert sorted(flat(back)) == people[: len(flat(back))]
    assert len(flat(back)) == len(people) - len(client.get(url).json()["results"])
    assert client.get(f"/api/v1/contacts/?limit={limit}").json()["previous"] is None


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_three_columns_are_walked_as_one_key(limit, ada):
    made = [("Zinc", 1), ("Alder", 2), ("Birch", 2), ("Zinc 2", 2), ("Alder 3", 3), ("Birch 3", 3)]
    ids = [factories.make_account(name, tier=tier).pk for name, tier in reversed(made)][::-1]

    assert flat(walk(program(ada), f"/api/v1/accounts/?limit={limit}")) == ids


def test_what_is_written_or_removed_meanwhile_moves_no_row(people, ada):
    client = program(ada)
    first = client.get("/api/v1/contacts/?limit=3").json()

    earlier = factories.make_contact("new@x.example", last_name="Aaron").pk
    later = factories.make_contact("late@x.example", last_name="Zorn").pk
    Contact.objects.filter(pk=people[2]).delete()
    rest = flat(walk(client, first["next"]))

    assert [row["id"] for row in first["results"]] + rest == [*people, later]
    assert earlier not in rest


def test_the_newest_first_does_not_show_the_new_on_an_old_page(ada):
    for _ in range(4):
        factories.make_incident(ada)
    client = program(ada)
    first = client.get("/api/v1/incidents/?limit=2").json()

    factories.make_incident(ada)
    second = client.get(first["next"]).json()

    numbers = [row["number"] for page in (first, second) for row in page["results"]]
    assert numbers == [4, 3, 2, 1]


def test_a_moment_is_a_place_too(ada):
    incident = factories.make_incident(ada)
    for number in range(5):
        audit.record(chain=incident.chain, verb="x.y", subject="s", text=str(number), by=ada, now=NOW)
    client = program(ada)

    pages = [f"/api/v1/incidents/{incident.number}/{part}/?limit=1" for part in ("deadlines", "timeline")]

    assert len(flat(walk(client, pages[0]))) == 2
    timeline = client.get(pages[1].replace("limit=1", "limit=200")).json()["results"]
    assert [row["number"] for row in timeline] == list(range(len(timeline), 0, -1))


def test_a_cursor_is_good_for_its_own_list_only(people, ada):
    client = program(ada)
    cursor = client.get("/api/v1/contacts/?limit=1").json()["next"].split("cursor=")[1].split("&")[0]

    codes = {client.get(f"/api/v1/{name}/?cursor={cursor}").status_code for name in ("accounts", "products")}
    codes |= {client.get(f"/api/v1/contacts/?cursor={cursor[:-1]}").status_code}

    assert codes == {400}


def test_a_page_costs_the_same_however_many_rows_it_has(people, ada, django_assert_max_num_queries):
    for _ in range(5):
        factories.make_incident(ada)
    client = program(ada)
    client.get("/api/v1/me/")
    # The first reading of contacts of a day stands on the record.
    client.get("/api/v1/contacts/")

    with django_assert_max_num_queries(9):
        assert len(client.get("/api/v1/incidents/").json()["results"]) == 5
    with django_assert_max_num_queries(9):
        assert len(client.get("/api/v1/contacts/").json()["results"]) == 7
