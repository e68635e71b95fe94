"""The people and the record as lists: found by what administrators look for, paged, and taken out on the record."""

import ast
import csv
import io
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from crisiscomms import audit, people, record_table, setup_list_views
from crisiscomms.models import AuditEvent, User
from tests import factories
from tests.conftest import NOW
from tests.test_conventions import sources

DAY = timedelta(days=1)


def rows_of(response):
    return list(csv.reader(io.StringIO(response.getvalue().decode().removeprefix("\ufeff"), newline="")))


def rows(browse, user, url):
    response = browse(user, url)
    assert response.status_code == 200, response.content[:400]
    return response.context["view"].rows


@pytest.fixture
def team(olga):
    ada = factories.make_user("ada", roles=["product_marketing"])
    factories.make_user("gone", roles=["sales"], is_active=False)
    people.add_person(email="new@team.example", name="Nora New", roles=["sales"], by=olga, now=NOW)
    return ada


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Ada", "Nora New", "Olga", "Gone"]),
        ("sort=-name", ["Olga", "Nora New", "Gone", "Ada"]),
        ("q=NOR+new@", ["Nora New"]),
        ("role=sales", ["Nora New", "Gone"]),
        ("access=active", ["Ada", "Olga"]),
        ("access=invited", ["Nora New"]),
        ("access=left", ["Gone"]),
    ],
)
def test_people_are_found_by_words_role_and_access(query, names, team, olga, browse):
    assert [one.name for one in rows(browse, olga, f"/setup/people/?{query}")] == names

    file = rows_of(browse(olga, f"/setup/people/list.csv?{query}"))
    assert [line[0] for line in file[1:]] == names
    assert AuditEvent.objects.get(verb="people.exported").actor == olga


def test_a_refused_form_leaves_the_list_of_people_standing(team, olga, browse):
    response = browse(olga, "/setup/people/?role=sales", {"name": "Kept", "email": "no address"})

    page = response.content.decode()
    assert response.status_code == 422 and 'value="Kept"' in page and "Nora New" in page


@pytest.fixture
def entries(olga):
    """Five days, one entry each; the installation itself wrote the policy's."""
    ada = factories.make_user("ada", roles=["product_marketing"])
    acts = [
        ("person.added", olga),
        ("contact.erased", olga),
        ("contacts.exported", ada),
        ("policy.replaced", None),
        ("person.changed", ada),
    ]
    for number, (verb, by) in enumerate(acts):
        values = {"chain": audit.INSTALLATION, "verb": verb, "subject": "x", "text": f"{verb} {number}"}
        audit.record(**values, by=by, now=NOW - 10 * DAY + number * DAY)
    audit.record(chain="incident:1", verb="person.added", subject="x", text="elsewhere", by=olga, now=NOW)
    return ada


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("first=2026-11-07&last=2026-11-11", [4, 3, 2, 1, 0]),
        ("first=2026-11-07&last=2026-11-11&sort=at", [0, 1, 2, 3, 4]),
        ("kind=people&last=2026-11-11", [4, 0]),
        ("kind=contacts", [1]),
        ("kind=exports", [2]),
        ("kind=control&by=installation&last=2026-11-11", [3]),
        ("by=ADA", [4, 2]),
        ("by=ADA&first=2026-11-10", [4]),
        ("first=2026-11-09&last=2026-11-09", [2]),
        ("first=2027-01-01", []),
    ],
)
def test_the_record_is_found_by_kind_person_and_day(query, numbers, entries, olga, browse):
    query = query.replace("ADA", str(entries.pk))
    found = rows(browse, olga, f"/setup/record/?{query}")
    file = rows_of(browse(olga, f"/setup/record/list.csv?{query}"))
    # Taking a list out is itself an entry.
    file = [line for line in file if line[2] != f"Exported {len(found)} entries" and "1 entry" not in line[2]]

    assert [int(one.detail.text.split()[1]) for one in found] == numbers
    assert [line[2] for line in file[1:]] == [one.detail.text for one in found]
    assert AuditEvent.objects.latest("pk").verb == "record.exported"


def test_days_are_those_of_the_reader(olga, browse):
    User.objects.get_queryset().filter(pk=olga.pk).update(time_zone="Asia/Tokyo")
    late = NOW.replace(day=9, hour=16)
    audit.record(chain=audit.INSTALLATION, verb="person.added", subject="x", text="late", by=None, now=late)

    assert [one.detail.text for one in rows(browse, olga, "/setup/record/?first=2026-11-10&last=2026-11-10")] == [
        "late"
    ]
    assert rows(browse, olga, "/setup/record/?last=2026-11-09") == []


@pytest.mark.parametrize(
    "query",
    ["first=2026-11-09&last=2026-11-08", "first=0001-01-01", "last=9999-12-31", "by=99999", "kind=x", "after=x"],
)
def test_what_the_record_cannot_answer_is_said_in_its_place(query, olga, browse):
    response = browse(olga, f"/setup/record/?{query}")

    page = response.content.decode()
    assert response.status_code == 400 and 'role="alert"' in page
    assert "after" in query or "cc-field-error" in page
    assert "after" in query or browse(olga, f"/setup/record/list.csv?{query}").status_code == 400


def test_the_record_pages_by_key_and_keeps_its_filter(entries, olga, browse, monkeypatch):
    monkeypatch.setattr(setup_list_views, "RECORD", replace(record_table.RECORD, page_size=2))

    seen, query = [], "?last=2026-11-11"
    while query:
        view = browse(olga, f"/setup/record/{query}").context["view"]
        seen += [one.detail.text.split()[1] for one in view.rows]
        query = view.next if view.next_after else ""

    assert seen == ["4", "3", "2", "1", "0"]


def test_an_erased_entry_shows_and_exports_that_it_was_erased(entries, olga, browse):
    event = AuditEvent.objects.get(verb="contact.erased")
    audit.erase([event.pk], now=NOW)

    assert audit.ERASED in browse(olga, "/setup/record/?kind=contacts").content.decode()
    assert rows_of(browse(olga, "/setup/record/list.csv?kind=contacts"))[1][2] == audit.ERASED


def test_the_record_is_still_checked_on_a_press(entries, olga, browse):
    assert "The record is whole" in browse(olga, "/setup/record/?check=1").content.decode()


def verbs():
    """The literal verbs of what is recorded in the installation's own chain, here or by a helper of the file."""
    for path, tree in sources().items():
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        ours = [call for call in calls if "INSTALLATION" in ast.unparse(call)]
        helpers = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
                   and any(call in ast.walk(node) for call in ours)}  # fmt: skip
        for call in ours + [call for call in calls if getattr(call.func, "id", "") in helpers]:
            for text in re.findall(r"'([a-z_]+)\.[a-z_]*", ast.unparse(call)):
                yield path, text


def test_everything_that_is_recorded_belongs_to_a_kind():
    known = {word for _, words in record_table.KINDS.values() for word in words}
    found = set(verbs())

    assert {word for _, word in found} >= {"person", "change", "import", "product", "session", "retention"}
    assert {one for one in found if one[1] not in known} == set()
