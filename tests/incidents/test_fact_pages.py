"""The fact sheet over HTTP: read, answered, corrected, asked; and what others may not see of it."""

from datetime import timedelta

import pytest

from incidents import actions
from incidents.models import Deadline, Fact
from tests import factories
from tests.api.asking import program, send
from tests.conftest import NOW

LATER = NOW + timedelta(hours=3)


@pytest.fixture
def suri(policies):
    return factories.make_user("suri", roles=["product"])


@pytest.fixture
def incident(ada, suri):
    return factories.make_incident(ada)


def get(incident, key="cause"):
    return Fact.objects.get(incident=incident, key=key)


def url(incident, fact=None, tail=""):
    return f"/incidents/INC-{incident.number}/facts/" + (f"{fact.pk}/{tail}" if fact else tail)


def saying(fact, **fields):
    return {"seen": fact.version, "value": "A failover", "confidence": "believed", "source": "Log", **fields}


def test_the_sheet_shows_every_question_and_whom_to_ask(ada, browse, incident):
    page = browse(ada, url(incident)).content.decode()

    assert "0 of 8 known" in page and "The cause" in page and "Ask Product" in page
    assert "Needed before the full explanation" in page


def test_a_form_opens_in_its_row_and_saves_without_a_script(ada, browse, incident):
    fact = get(incident)
    opened = browse(ada, url(incident, fact, "change/")).content.decode()
    assert f'action="{url(incident, fact, "change/")}#fact-{fact.pk}"' in opened
    # The sheet rests while something is typed.
    assert "hx-trigger" not in opened.split('id="sheet"')[1].split(">")[0]

    answer = browse(ada, url(incident, fact, "change/"), saying(fact))

    assert (answer.status_code, answer.url) == (302, f"{url(incident)}#fact-{fact.pk}")
    assert "A failover" in browse(ada, url(incident)).content.decode()


def test_who_was_overtaken_sees_both_and_may_save_on_purpose(ada, suri, browse, incident):
    fact = get(incident)
    actions.change_fact(fact_id=fact.pk, **saying(fact, value="High load"), by=suri, now=NOW)

    answer = browse(ada, url(incident, fact, "change/"), saying(fact, value="My typed value"))

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "My typed value" in page and "High load" in page and "Suri</bdi> was first" in page
    assert 'name="seen" value="2"' in page
    assert get(incident).value == "High load"
    assert browse(ada, url(incident, fact, "change/"), saying(get(incident))).status_code == 302


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        *[(field, bad) for field in ("value", "source", "reason") for bad in ("a\nb", "a\u202eb", "x" * 401)],
        ("confidence", "certain"),
        ("embargo_until", "soon"),
        ("embargo_until", "2026-11-17T10:00"),
        ("seen", "x"),
    ],
)
def test_i5_what_does_not_fit_is_said_in_place_and_what_was_typed_is_kept(field, bad, ada, browse, incident):
    data = saying(get(incident), reason="My reason", source="My source", value="My value") | {field: bad}

    answer = browse(ada, url(incident, get(incident), "change/"), data)

    page = answer.content.decode()
    assert answer.status_code == 422 and "not changed yet" in page
    kept = {"value": "My value", "source": "My source"}
    assert all(text in page for name, text in kept.items() if name != field)
    assert get(incident).version == 1


@pytest.mark.parametrize(("field", "bad"), [("label", ""), ("label", "a\r\nb"), ("role", "sales"), ("value", "\x85")])
def test_i5_a_new_fact_that_does_not_fit_is_not_added(field, bad, ada, browse, incident):
    data = {"label": "Mine", "value": "My value", "confidence": "believed", "role": "", field: bad}

    assert browse(ada, url(incident), data).status_code == 422
    assert incident.facts.count() == 8


def test_i8_a_nul_is_a_400(ada, browse, incident):
    assert browse(ada, url(incident, get(incident), "change/"), saying(get(incident), value="a\x00b")).status_code in (
        400,
        422,
    )


def test_i6_what_is_typed_is_shown_as_typed(ada, browse, incident):
    hostile = "<script>alert(1)</script>{{ 7|times:7 }}[x](javascript:alert(1))"
    actions.add_fact(incident_id=incident.pk, label=hostile[:60], value=hostile, source=hostile[:90], by=ada, now=NOW)

    for path in (url(incident), url(incident, get(incident, "script_alert_1_script_7_times_7_x")),
                 f"/incidents/INC-{incident.number}/"):  # fmt: skip
        page = browse(ada, path).content.decode()
        assert "<script>alert" not in page and "&lt;script&gt;alert" in page


def test_presses_confirm_withdraw_and_ask(ada, suri, browse, incident):
    fact = get(incident)
    browse(ada, url(incident, fact, "change/"), saying(fact))
    browse(suri, url(incident, fact, "confirm/"), {"seen": "2"})
    assert get(incident).confirmed_by == suri
    browse(ada, url(incident, fact, "withdraw/"), {"seen": "3", "reason": "It was another system"})
    assert get(incident).withdrawn_at == NOW
    browse(ada, url(incident, fact, "ask/"), {"role": "product"})
    assert Deadline.objects.get(kind="fact").owner == suri

    history = browse(ada, url(incident, fact)).content.decode()
    assert "It was another system" in history and "Withdrawn by Ada" in history
    assert "A failover" in history


def test_the_room_shows_the_facts_and_stays_live(ada, browse, incident):
    actions.change_fact(fact_id=get(incident).pk, **saying(get(incident)), by=ada, now=NOW)

    page = browse(ada, f"/incidents/INC-{incident.number}/live/", htmx=True).content.decode()

    assert "1 of 8 known" in page and "A failover" in page and "Ask Support" in page


def test_sheet_and_room_count_the_same_after_something_was_withdrawn(ada, browse, incident):
    added = actions.add_fact(
        incident_id=incident.pk, label="Banks", value="Two", confidence="confirmed", by=ada, now=NOW
    )
    actions.withdraw_fact(fact_id=added.pk, seen=added.version, reason="Counted wrongly", by=ada, now=NOW)

    sheet, room = browse(ada, url(incident)), browse(ada, f"/incidents/{incident.ref}/")

    assert all("0 of 8 known" in page.content.decode() for page in (sheet, room))


def test_of_a_draft_that_is_out_of_date_room_and_composer_say_so(ada, browse, incident):
    factories.make_contact()
    fact = actions.change_fact(fact_id=get(incident).pk, **saying(get(incident)), by=ada, now=NOW)
    message = factories.make_message(incident, ada, respond="It is {{ fact.cause }}.", affected_only=False)
    composer = browse(ada, f"/messages/{message.pk}/").content.decode()
    assert 'data-cc-insert="fact.cause"' in composer and "which is only believed" in composer
    assert "It is A failover." in composer and "Out of date" not in composer

    actions.change_fact(fact_id=fact.pk, **saying(fact, value="High load"), by=ada, now=NOW + timedelta(minutes=5))

    assert "Out of date: <bdi>The cause</bdi> changed at" in browse(ada, f"/messages/{message.pk}/").content.decode()
    assert "Out of date" in browse(ada, f"/incidents/INC-{incident.number}/").content.decode()


def test_x2_what_is_embargoed_or_restricted_is_found_by_nobody_who_must_not_see_it(ada, ben, suri, browse, incident):
    actions.let_see(incident=incident, person=ben)
    actions.change_fact(
        fact_id=get(incident).pk, **saying(get(incident), value="Xanthoria"), embargo_until=LATER, by=ada, now=NOW
    )
    secret = factories.make_incident(ada, restricted=True)
    hidden = actions.add_fact(incident_id=secret.pk, label="Xanthoria", value="Xanthoria", by=ada, now=NOW)
    own = f"/incidents/INC-{incident.number}/"

    for path, is_part in [(own, False), (url(incident), False), (url(incident, get(incident)), False),
                          (f"{own}timeline/", True)]:  # fmt: skip
        assert "Xanthoria" not in browse(ben, path, htmx=is_part).content.decode(), path
    assert "Xanthoria" in browse(ada, url(incident)).content.decode()
    found = {who: browse(who, "/search/?q=Xanthoria").content.decode() for who in (ada, ben, suri)}
    assert [url(incident, get(incident)) in found[who] for who in (ada, ben, suri)] == [True, False, True]
    assert [url(secret, hidden) in found[who] for who in (ada, ben, suri)] == [True, False, False]
    for path in (url(secret), url(secret, hidden), url(secret, hidden, "change/"), url(incident, hidden)):
        assert browse(suri, path).status_code == 404


def test_the_api_lists_adds_changes_and_confirms_by_the_same_rules(ada, ben, incident):
    actions.let_see(incident=incident, person=ben)
    client, base = program(ada), f"/api/v1/incidents/{incident.number}/facts/"
    made = send(
        client,
        base,
        {"label": "Mood", "value": "Calm", "confidence": "believed", "embargo_until": "2026-11-18T10:00:00Z"},
    )
    one = f"{base}{made.json()['id']}/"

    assert (made.status_code, made.json()["key"], made.json()["version"]) == (201, "mood", 1)
    assert len(client.get(f"{base}?confidence=unknown").json()["results"]) == 8
    assert send(client, f"{one}confirm/", {"seen": 1}).json()["confirmed_by"]["name"] == "Ada"
    assert send(client, one, {"seen": 1, "value": "x", "confidence": "believed"}).status_code == 409
    assert send(client, one, {"seen": 2, "value": "x", "confidence": "believed", "typo": 1}).status_code == 422
    assert program(ben).get(one).json()["value"] == ""
    withdrawn = send(client, f"{one}withdraw/", {"seen": 2, "reason": "No"}).json()
    assert (withdrawn["confidence"], withdrawn["value"]) == ("unknown", "")
