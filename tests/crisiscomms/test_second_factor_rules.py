"""Who must have a second factor: by policy and role; led to set one up, and able to do nothing else."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from crisiscomms import changes, clock, policy
from crisiscomms.models import AuditEvent, User
from crisiscomms.refusal import Refused
from crisiscomms.signin import rules
from desk import defaults
from messaging import actions
from messaging.views.approving import COOKIE
from tests import factories
from tests.conftest import NOW
from tests.crisiscomms.second_factors import add_app, come_in, require
from tests.page_rules import check_page
from tests.visits import sign_in

LED_TO = "/account/second-factor/"


@pytest.fixture(autouse=True)
def _no_throttle_from_before(db):
    cache.clear()


@pytest.fixture
def strict(olga):
    require("administrator", "executive", by=olga)


def led(client, url="/"):
    answer = client.get(url)
    return answer.headers.get("Location") == LED_TO


def test_shipped_it_is_administrators_and_executives_and_nobody_on_a_newcomers_machine(db, settings):
    assert defaults._sign_in()["second_factor_roles"] == []
    settings.LOCAL = False

    assert set(defaults._sign_in()["second_factor_roles"]) == {"administrator", "executive"}


def test_before_a_policy_is_loaded_nobody_is_asked(db):
    person = factories.make_user("solo", roles=["administrator"])

    assert rules.needed_from(person) is None and not led(sign_in(person), "/setup/")


def test_who_holds_such_a_role_is_led_to_set_one_up_and_others_are_not(strict, ada, ben, cleo, olga):
    assert {who.name for who in (ada, ben, cleo, olga) if led(sign_in(who), "/account/")} == {"Ben", "Olga"}


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", ["desk:home", "setup_people", "incidents:declare", "account_change_password"])
def test_nothing_else_can_be_done_without_it(method, name, strict, olga):
    people = User.objects.count()
    data = {"name": "Eve", "email": "eve@team.example", "roles": "administrator", "time_zone": "UTC"}

    answer = getattr(sign_in(olga), method)(reverse(name), data)

    assert (answer.headers["Location"], User.objects.count()) == (LED_TO, people)


def test_live_parts_of_a_page_lead_there_too(strict, ben):
    answer = sign_in(ben).get("/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["HX-Redirect"], answer.content) == (200, LED_TO, b"")


def test_the_way_through_works_without_a_script_and_then_everything_is_open(strict, ben):
    client = come_in(ben)
    page = client.get(LED_TO)
    check_page(page)
    assert "Set up a second factor" in page.content.decode()

    add_app(client)

    assert not led(client) and client.get("/").status_code == 200
    assert client.get(LED_TO).url == "/account/"


def test_the_way_out_works(strict, ben):
    client = come_in(ben)

    client.post("/account/logout/")

    assert client.get("/").url.startswith("/account/login/")


def test_it_is_asked_for_some_days_before_it_is_needed(olga, ben):
    require("executive", grace_days=3, by=olga)
    client = come_in(ben)

    assert "From Friday 20 November" in client.get("/").content.decode()
    assert not led(client) and "needs a second factor from" in client.get("/account/").content.decode()
    assert "You need it from" in client.get(LED_TO).content.decode()
    with clock.at(NOW + timedelta(days=3)):
        assert led(client)
    late = factories.make_user("late", roles=["executive"])
    User.objects.filter(pk=late.pk).update(date_joined=NOW + timedelta(days=2))
    late.refresh_from_db()
    assert rules.needed_from(late) == NOW + timedelta(days=5)


def test_the_companys_identity_provider_asks_for_its_own(strict, ben):
    client = sign_in(ben)
    session = client.session
    session[rules.BY_PROVIDER] = True
    session.save()

    assert client.get("/").status_code == 200


# Approval links need no session, and half a sign-in is no proof


@pytest.fixture
def asked(ada, ben):
    return factories.ask(factories.make_message(factories.make_incident(ada), ada), ada)


def link_of(asked, person):
    seat = asked.stages.first().seats.get(person=person)
    return reverse("messaging:approve_link", args=[actions.mint_link(seat=seat, now=NOW)])


def yes(asked):
    return {"verdict": "approved", "fingerprint": asked.version.fingerprint}


def test_an_executive_without_a_session_goes_on_approving_from_the_link(asked, ben, strict):
    client = Client()
    client.cookies[COOKIE] = actions.enroll_device(person=ben, label="Phone", now=NOW)

    answer = client.post(link_of(asked, ben), yes(asked))

    assert (answer.status_code, asked.decisions.get().proof) == (200, "device")


def test_a_session_that_owes_its_factor_is_no_proof_and_does_not_close_the_link(asked, ben, strict):
    client, url = sign_in(ben), link_of(asked, ben)

    assert client.get(url).status_code == 200
    answer = client.post(url, yes(asked))

    assert ("is it you?" in answer.content.decode(), asked.decisions.count()) == (True, 0)


# The policy


def change(by, **data):
    base = policy.newest("sign_in").version
    return policy.change(key="sign_in", base=base, data=data, reason="So.", by=by, now=NOW)


def test_a_change_takes_two_people_and_counts_from_the_next_click_on_the_record(olga, ben, browse):
    second = factories.make_user("otto", roles=["administrator"])
    client = sign_in(ben)

    asked = change(olga, second_factor_roles=["executive"], grace_days=0)
    assert not led(client)
    changes.confirm(change_id=asked.pk, by=second, now=NOW)

    assert led(client)
    text = AuditEvent.objects.filter(verb="policy.replaced", subject="policy:sign_in").latest("number").detail.text
    assert "second_factor_roles: none → executive" in text
    page = browse(olga, reverse("setup_sign_in")).content.decode()
    assert "Ben" in page.split("Who has none yet")[1]


@pytest.mark.parametrize(
    "data",
    [
        {"second_factor_roles": ["king"], "grace_days": 0},
        {"second_factor_roles": [], "grace_days": 91},
        {"second_factor_roles": [], "grace_days": -1},
        {"second_factor_roles": "executive", "grace_days": 0},
        {"grace_days": 0},
    ],
)
def test_a_policy_that_means_nothing_is_refused_with_words(data, olga):
    with pytest.raises(policy.BadPolicy):
        change(olga, **data)


def test_what_is_shipped_fits_its_own_rules(db, settings):
    settings.LOCAL = False

    assert policy.checked(policy.description_of("sign_in"), defaults._sign_in())


def test_only_an_administrator_sees_the_page_and_changes_it(ada, ben, browse):
    assert browse(ben, reverse("setup_sign_in")).status_code == 404
    for person in (ada, ben):
        with pytest.raises(Refused, match="Only an administrator"):
            change(person, second_factor_roles=["sales"], grace_days=0)
