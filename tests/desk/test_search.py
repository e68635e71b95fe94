"""Search finds what somebody may open, by the beginnings of words, and nothing else can be inferred from it."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from crisiscomms import clock, search
from incidents.models import Incident
from stakeholders.models import Contact
from tests import factories
from tests.conftest import NOW
from tests.visits import sign_in
from tests.world import CANARY, World, furnish, make_world

EVERYBODY = ["workshop", "other", "asked", "not_asked", "sales", "administrator"]


def found(user, text):
    """(group, title, address) of every hit."""
    groups = search.find(search.ask(by=user, text=text, now=NOW))
    return [(group.key, hit.title, hit.url) for group in groups for hit in group.hits]


def titles(user, text):
    return [title for _, title, _ in found(user, text)]


@pytest.fixture
def world(policies, settings, tmp_path) -> World:
    furnish(settings, tmp_path)
    return make_world()


def bare(page, word):
    """A page without what differs with every answer, and without the words that were asked for."""
    text = re.sub(r'(x-csrftoken": "|name="csrfmiddlewaretoken" value=")[^"]*', "", page.content.decode())
    return text.replace(f'value="{word}"', "").replace(f"<bdi>{word}</bdi>", "")


@pytest.mark.parametrize("name", ["desk:search", "desk:search_live"])
def test_a_seller_cannot_tell_a_secret_from_nonsense(name, world):
    seller = sign_in(world.people["sales"])

    def answer(word):
        return bare(seller.get(reverse(name), {"q": word}), word)

    assert answer(CANARY) == answer("Nonsense9")
    assert answer(f"INC-{world.hidden['number']}") == answer("INC-9999")
    assert answer(str(world.hidden["number"])) == answer("9999")
    assert answer("payments") != answer("Nonsense9")


def test_an_executive_who_was_not_asked_finds_no_secret(world):
    asked_about = world.people["not_asked"]

    for word in (CANARY, f"{CANARY} subject", "vault", "drill", f"{CANARY.lower()}@bluegate.example"):
        assert [hit for hit in found(asked_about, word) if hit[0] != "go"] == [], word


def test_the_workshop_outside_of_a_restricted_incident_finds_nothing_of_it(world):
    number = world.hidden["number"]

    for text in (f"INC-{number}", str(number), f"{CANARY} behind", f"{CANARY} subject", "explain"):
        hits = found(world.people["other"], text)
        assert not [hit for hit in hits if f"INC-{number}" in hit[1] + hit[2]], text
        assert not {f"/messages/{world.hidden['message_id']}/"} & {url for *_, url in hits}, text
    assert f"/incidents/INC-{number}/" in [url for *_, url in found(world.people["workshop"], f"INC-{number}")]


@pytest.mark.parametrize("who", EVERYBODY)
def test_whatever_is_found_can_be_opened(who, world):
    client = sign_in(world.people[who])
    urls = {
        url
        for text in (CANARY, "pay", "12", "1", "hold", "the", "re", "se")
        for *_, url in found(world.people[who], text)
    }

    answers = {url: client.get(url.split("#")[0]).status_code for url in urls if not url.startswith("mailto:")}

    assert {url: code for url, code in answers.items() if code not in (200, 302)} == {}


def test_an_executive_finds_what_was_asked_and_not_the_drafts_after_it(ada, ben):
    incident = factories.make_incident(ada)
    asked = factories.ask(factories.make_message(incident, ada, subject="Cards fail, frozen"), ada)
    factories.make_message(incident, ada, kind="update", subject="Cards fail, secret draft")

    assert ("messages", "Cards fail, frozen", f"/approvals/{asked.pk}/") in found(ben, "cards frozen")
    assert [hit for hit in found(ben, "secret draft") if hit[0] == "messages"] == []
    assert "Cards fail, secret draft" in titles(ada, "secret draft")


def test_a_seller_finds_no_contact_no_account_and_no_colleague(cleo):
    factories.make_contact("lena@bluegate.example", factories.make_account("Bluegate Retail"))

    assert found(cleo, "lena") == found(cleo, "bluegate") == found(cleo, "cleo@team.example") == []
    assert titles(cleo, "portal") == ["Sales portal"]


@pytest.mark.parametrize(
    "text",
    [
        "lena",
        "LENA",
        "ost",
        "lena osterwick",
        "osterwick le",
        "lena@bluegate.example",
        "bluegate",
        "lena@blue",
        " lena\x00 ",
    ],
)
def test_a_contact_is_found_by_the_beginnings_of_all_words(text, ada):
    contact = factories.make_contact()

    assert ("contacts", "Lena Osterwick") in [hit[:2] for hit in found(ada, text)]
    assert found(ada, f"{text} nobody") == []
    assert contact.accounts.get().pk


@pytest.mark.parametrize(
    "text", ["ÉLODIE", "élo", "e\u0301lodie", "Ångström", "a\u030angstro\u0308m", "straße", "STRASSE"]
)
def test_accents_and_capitals_are_no_obstacle_however_they_are_composed(text, ada):
    factories.make_contact(first_name="E\u0301lodie", last_name="Ångström", title="", email="e@x.example")

    expected = [] if text.lower().startswith("str") else [("contacts", "E\u0301lodie Ångström")]
    assert [hit[:2] for hit in found(ada, text)] == expected


@pytest.mark.parametrize("form", ["INC-{}", "inc-{}", "inc {}", "INC{}", "{}", " {} "])
def test_an_incident_is_found_by_its_number(form, ada):
    incident = factories.make_incident(ada)
    factories.make_incident(ada, title=f"Another, {incident.number} times worse")

    assert found(ada, form.format(incident.number))[0][2] == f"/incidents/INC-{incident.number}/"


def test_who_was_erased_is_not_found(ada):
    factories.make_contact("erased:0123456789@x", factories.make_account("Harbour"), first_name="Gone", last_name="")

    assert found(ada, "gone") == found(ada, "erased") == []


def test_words_of_the_summary_find_an_incident(ada):
    incident = factories.make_incident(ada, summary="A change to connection limits was rolled back.")

    assert ("incidents", f"{incident.ref} {incident.title}") in [
        hit[:2] for hit in found(ada, "limits connect rolled-back")
    ]


BAD = ["", " ", "a", "'", "':*", "a & | !", "\\", "\x00", "\ud800", "\ud800ab", "%", "x" * 5000, "a b " * 500, "<b>", "٣٤", "²", "9" * 40,
       "INC-999999999", "🧯", "\u202e", "ﷺ" * 100, "::*", "ab'cd", "'''", "%s %(x)s"]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_nothing_that_can_be_typed_breaks_it(text, ada, olga):
    for person in (ada, olga):
        assert isinstance(found(person, text), list)
        assert len(search.ask(by=person, text=text, now=NOW).text) <= 100 * 18


def test_a_page_says_what_was_looked_for_and_what_to_do(ada, browse):
    assert "Nothing found for" in browse(ada, "/search/?q=nowhere").content.decode()
    assert "at least two letters" in browse(ada, "/search/?q=x").content.decode()
    assert "Declare incident" in browse(ada, "/search/live/", htmx=True).content.decode()


def test_at_most_eight_of_each_kind(ada):
    factories.make_contacts(12)
    assert len(found(ada, "many.example")) == 8


def test_who_asks_without_end_is_told_to_wait_and_others_are_not(ada, ben, monkeypatch):
    monkeypatch.setattr("desk.search_views.PER_MINUTE", 2)
    client = sign_in(ada)

    # A moment of its own: the real minute may end in between.
    with clock.at(NOW):
        codes = [client.get("/search/live/?q=pay").status_code for _ in range(3)]
        words = client.get("/search/?q=pay").content.decode()

    assert (codes, "very often" in words) == ([200, 200, 429], True)
    assert sign_in(ben).get("/search/?q=pay").status_code == 200


def test_the_palette_offers_only_what_the_person_may_do(ada, cleo, olga, browse):
    factories.make_incident(ada)

    def offers(person):
        return browse(person, "/search/live/", htmx=True).content.decode()

    assert "Draft an update" in offers(ada) and "Import contacts" in offers(olga)
    assert "Declare" not in offers(cleo) and "Draft" not in offers(cleo) and "Import" not in offers(cleo)
    factories.make_incident(ada, discovered_at=NOW - timedelta(minutes=3))
    assert "Draft an update" not in offers(ada)


@pytest.mark.parametrize(
    ("found", "columns", "index"),
    [
        (Contact.objects.all(), ("first_name", "last_name", "address"), "contact_words"),
        (Incident.objects.all(), ("title", "summary"), "incident_words"),
    ],
)
def test_long_lists_are_searched_by_their_index(found, columns, index, ada):
    asked = search.ask(by=ada, text="lena ost", now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")

    assert index in search.holding(asked, found, *columns).explain()
