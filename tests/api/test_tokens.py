"""Tokens: hashed, shown once, dead on the next request when revoked, expired or without an owner (X4, X8)."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from crisiscomms import clock, people
from crisiscomms.api import tokens
from crisiscomms.logs import hidden
from crisiscomms.models import ApiToken, AuditEvent, User
from crisiscomms.refusal import Refused
from tests.api.asking import make, program
from tests.conftest import NOW
from tests.crisiscomms.second_factors import require

ME = "/api/v1/me/"


def test_a_token_is_kept_as_a_digest_only(ada):
    text = make(ada)

    row = ApiToken.objects.values().get()

    assert text.startswith("ccapi_")
    assert text not in str(row)
    assert row["expiry"] == NOW + timedelta(days=90)
    assert program(ada).get(ME).json()["person"]["email"] == "ada@team.example"


def test_x4_a_revoked_token_is_dead_on_the_next_request(ada):
    client = program(ada)
    codes = [client.get(ME).status_code]

    tokens.revoke_token(token_id=ApiToken.objects.get().pk, by=ada, now=NOW)
    codes.append(client.get(ME).status_code)

    assert codes == [200, 401]


def test_x4_an_expired_token_is_dead_by_the_clock_of_the_database(ada):
    client = program(ada)

    with clock.at(NOW + timedelta(days=90) - timedelta(seconds=1)):
        before = client.get(ME).status_code
    with clock.at(NOW + timedelta(days=90)):
        after = client.get(ME).status_code

    assert (before, after) == (200, 401)


@pytest.mark.parametrize("change", [{"is_active": False}, {"roles": ["sales"]}])
def test_x8_lost_access_and_lost_roles_count_with_the_next_request(change, ada):
    client = program(ada)

    User.objects.get_queryset().filter(pk=ada.pk).update(**change)

    assert client.get("/api/v1/contacts/").status_code == (404 if "roles" in change else 401)


def test_who_leaves_finds_no_token_alive_on_return(ada, olga):
    client, codes = program(ada), []

    for is_active in (False, True):
        people.change_person(person_id=ada.pk, roles=ada.roles, is_active=is_active, by=olga, now=NOW)
        codes.append(client.get(ME).status_code)

    assert codes == [401, 401]
    assert "who has no access any more" in AuditEvent.objects.get(verb="token.revoked").detail.text


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer x", "Token {}", "Basic {}", "bearer {} x", "Bearer \u00e9", "Bearer " + "f" * 70, "{}"],
)
def test_what_is_no_token_of_ours_is_unauthorised(header, ada):
    client = Client(headers={"Authorization": header.format(make(ada))} if header else {})

    answer = client.get(ME)

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_the_scheme_is_read_in_any_case(ada):
    assert Client(headers={"Authorization": f"bEARER {make(ada)}"}).get(ME).status_code == 200


def test_a_token_in_the_address_is_no_token(ada):
    assert Client().get(ME, {"token": make(ada)}).status_code == 401


def test_its_use_is_noted_at_most_once_a_minute(ada, django_assert_num_queries):
    client = program(ada)
    client.get(ME)

    with clock.at(NOW + timedelta(seconds=59)):
        client.get(ME)
    noted = ApiToken.objects.get().last_used_at
    with clock.at(NOW + timedelta(seconds=61)):
        client.get(ME)

    assert (noted, ApiToken.objects.get().last_used_at) == (NOW, NOW + timedelta(seconds=61))


def test_making_and_revoking_are_on_the_record_without_the_token(ada):
    text = make(ada, "read")
    tokens.revoke_token(token_id=ApiToken.objects.get().pk, by=ada, now=NOW)
    tokens.revoke_token(token_id=ApiToken.objects.get().pk, by=ada, now=NOW)

    events = list(AuditEvent.objects.filter(verb__startswith="token.").order_by("number"))

    assert [event.verb for event in events] == ["token.made", "token.revoked"]
    assert events[0].detail.text == "API token “a program” made (read), for 90 days"
    assert text[:20] not in "".join(str(event.detail.data) + event.detail.text for event in events)


def test_nobody_revokes_the_token_of_another(ada, olga):
    make(ada)

    with pytest.raises(Refused, match="not one of yours"):
        tokens.revoke_token(token_id=ApiToken.objects.get().pk, by=olga, now=NOW)


@pytest.mark.parametrize(
    "wrong", [{"days": 0}, {"days": 366}, {"scopes": []}, {"scopes": ["admin"]}, {"name": "  "}], ids=str
)
def test_a_token_without_bounds_is_refused(wrong, ada):
    with pytest.raises(Refused):
        tokens.make_token(**{"name": "x", "scopes": ["read"], "days": 1, **wrong}, by=ada, now=NOW)


def test_a_person_has_no_more_than_twenty_living_ones(ada):
    for _ in range(20):
        make(ada)

    with pytest.raises(Refused, match="20 tokens already"):
        make(ada)


def test_no_log_holds_a_token():
    assert hidden("GET /x Bearer ccapi_00ff") == "GET /x Bearer [token]"


# The page


def test_the_page_shows_a_new_token_once_and_never_again(ada, browse):
    made = browse(ada, "/account/tokens/", {"name": "Dashboard", "scopes": ["read"], "days": "30"})
    text = tokens.SHAPE.search(made.content.decode())[0]

    again = browse(ada, "/account/tokens/")

    assert Client(headers={"Authorization": f"Bearer {text}"}).get(ME).status_code == 200
    assert text not in again.content.decode()
    assert "Dashboard" in again.content.decode()
    assert "no-store" in made.headers["Cache-Control"]


def test_the_page_refuses_what_is_out_of_bounds_and_keeps_what_was_typed(ada, browse):
    answer = browse(ada, "/account/tokens/", {"name": "My typed name", "days": "999"})

    assert answer.status_code == 422
    assert "My typed name" in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_the_page_revokes_ones_own_and_hides_those_of_others(ada, olga, browse):
    make(ada)
    token = ApiToken.objects.get()
    url = f"/account/tokens/{token.pk}/revoke/"

    codes = [browse(person, url, {}).status_code for person in (olga, ada)]

    token.refresh_from_db()
    assert (codes, token.revoked_at) == ([404, 302], NOW)
    assert "a program" not in browse(olga, "/account/tokens/").content.decode()
    assert "Revoked" in browse(ada, "/account/tokens/").content.decode()


def test_no_token_opens_the_page_of_tokens(ada):
    answer = program(ada).get("/account/tokens/")

    assert answer.headers["Location"].startswith("/account/login/")


def test_a_token_goes_around_no_second_factor_that_the_role_needs(ada, olga):
    client, codes = program(ada), []
    require("product_marketing", grace_days=3, by=olga)

    for days in (2, 3):
        with clock.at(NOW + timedelta(days=days)):
            codes.append(client.get(ME).status_code)
    assert codes == [200, 401]

    # Who comes by the company's provider alone is asked for it there, as in a session.
    password = ada.password
    User.objects.get_queryset().filter(pk=ada.pk).update(password="!")
    with clock.at(NOW + timedelta(days=3)):
        assert client.get(ME).status_code == 200
    User.objects.get_queryset().filter(pk=ada.pk).update(password=password)
    Authenticator.objects.create(user=ada, type="totp", data={})
    with clock.at(NOW + timedelta(days=3)):
        assert client.get(ME).status_code == 200
