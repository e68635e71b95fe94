"""A list opens as it was left: an address with parameters wins, starting again forgets, typed words are not kept."""

import pytest

from tests import factories
from tests.visits import sign_in


@pytest.fixture
def client(ada):
    factories.make_contact("lena@bluegate.example", factories.make_account("Bluegate", tier=1))
    return sign_in(ada)


def test_a_bare_address_leads_to_the_filter_the_order_and_the_columns_of_the_last_look(client):
    client.get("/contacts/?tier=1&sort=-name&col=phone&after=")

    answer = client.get("/contacts/")

    assert answer.url == "/contacts/?tier=1&sort=-name&col=phone"
    assert 'data-label="Phone"' in client.get(answer.url).content.decode()


def test_an_address_with_parameters_wins_and_is_the_one_that_is_kept(client):
    client.get("/contacts/?tier=1&col=phone")

    page = client.get("/contacts/?state=reachable").content.decode()

    assert 'data-label="E-mail"' in page and 'data-label="Phone"' not in page
    assert client.get("/contacts/").url == "/contacts/?state=reachable"


def test_starting_again_forgets(client):
    page = client.get("/contacts/?tier=1").content.decode()

    assert 'href="/contacts/?again=1">Start again' in page
    assert client.get("/contacts/?again=1").url == "/contacts/"
    fresh = client.get("/contacts/")
    assert fresh.status_code == 200 and "Start again" not in fresh.content.decode()


def test_words_that_were_typed_are_not_kept(client):
    client.get("/contacts/?tier=1")
    client.get("/contacts/?q=lena&tier=1")

    assert client.get("/contacts/").url == "/contacts/?tier=1"
    assert "lena" not in str(dict(client.session))


def test_what_is_refused_is_not_kept_and_neither_is_another_list_or_browser(client, ada):
    client.get("/contacts/?tier=9")
    assert client.get("/contacts/").status_code == 200

    client.get("/contacts/?tier=1")
    assert client.get("/contacts/accounts/").status_code == 200
    assert sign_in(ada).get("/contacts/").status_code == 200


def test_a_filter_that_is_gone_since_can_be_left(client):
    client.get("/contacts/accounts/?tier=1")
    session = client.session
    session["table:accounts"] = "region=Gone"
    session.save()

    page = client.get("/contacts/accounts/", follow=True)

    assert page.status_code == 400 and 'href="/contacts/accounts/?again=1"' in page.content.decode()
    assert client.get("/contacts/accounts/?again=1", follow=True).status_code == 200
