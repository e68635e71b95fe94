"""What a token may is said for each house: it opens its own, and nothing else says yes."""

import pytest

from crisiscomms.api import permissions, token_pages
from crisiscomms.models import ApiToken, TokenScope
from tests import factories
from tests.api.asking import DECLARED, program, send
from tests.routes import routes

LISTS = {
    "incidents": ["/api/v1/incidents/", "/api/v1/products/", "/api/v1/components/"],
    "stakeholders": ["/api/v1/contacts/", "/api/v1/accounts/"],
    "messages": ["/api/v1/incidents/{}/messages/"],
    "delivery": ["/api/v1/incidents/{}/dispatches/"],
}


@pytest.mark.parametrize("house", [*LISTS, "recovery"])
def test_a_scope_of_one_house_opens_it_and_is_refused_with_words_elsewhere(house, ada):
    client, incident = program(ada, f"{house}:read"), factories.make_incident(ada)

    for other, urls in LISTS.items():
        for url in urls:
            answer = client.get(url.format(incident.number))
            assert answer.status_code == (200 if other == house else 403), url
            if other != house:
                assert answer.headers["Content-Type"] == "application/problem+json"
                assert f"no scope “{other}:read”" in answer.json()["detail"]
    assert client.get("/api/v1/me/").json()["token"]["scopes"] == [f"{house}:read"]
    assert client.get("/api/v1/").status_code == 200


@pytest.mark.parametrize(
    ("scopes", "code"),
    [
        (["incidents:write"], 201),
        (["write"], 201),
        (["incidents:read", "messages:write"], 403),
        (["read"], 403),
        (["messages:write", "stakeholders:write", "delivery:write", "recovery:write"], 403),
    ],
    ids=str,
)
def test_writing_needs_the_scope_of_the_house_that_is_written_in(scopes, code, ada):
    assert send(program(ada, *scopes), "/api/v1/incidents/", DECLARED).status_code == code


def test_writing_is_not_reading(ada):
    assert program(ada, "incidents:write").get("/api/v1/incidents/").status_code == 403


@pytest.mark.parametrize("scopes", [("read",), ("read", "write")])
def test_a_token_from_before_opens_all_houses(scopes, ada):
    client, number = program(ada, *scopes), factories.make_incident(ada).number

    assert {client.get(url.format(number)).status_code for urls in LISTS.values() for url in urls} == {200}


def test_every_resource_belongs_to_a_house():
    views = {
        pattern.callback.cls.__module__.partition(".")[0]
        for name, pattern in routes()
        if name.startswith("api:") and hasattr(pattern.callback, "cls")
    }

    assert views <= {*permissions.HOUSES, permissions.OWN}


def test_every_scope_has_its_box_on_the_page(ada, browse):
    page = browse(ada, "/account/tokens/").content.decode()

    assert {scope.rpartition(":")[0] for scope in TokenScope.values} == set(token_pages.HOUSES)
    for scope in TokenScope.values:
        assert f'value="{scope}"' in page
    made = browse(
        ada, "/account/tokens/", {"name": "Board", "scopes": ["incidents:read", "recovery:read"], "days": "9"}
    )
    assert "Incidents: read, Recovery: read" in made.content.decode()


@pytest.mark.parametrize("scope", ["incidents", "incidents:", ":read", "incidents:admin", "crisiscomms:read"])
def test_the_page_takes_no_scope_that_is_none(scope, ada, browse):
    answer = browse(ada, "/account/tokens/", {"name": "Board", "scopes": [scope], "days": "9"})

    assert (answer.status_code, ApiToken.objects.count()) == (422, 0)
