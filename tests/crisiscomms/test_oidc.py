"""Sign-in by the company's identity provider: allauth's own, a real process on this machine, the real code flow."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.core.cache import cache
from django.test import Client

from crisiscomms import environment
from crisiscomms.environment import ConfigurationError, Oidc
from crisiscomms.models import AuditEvent, Role, User
from crisiscomms.signin import oidc
from tests import factories
from tests.conftest import NOW
from tests.page_rules import check_page
from tests.peers import identity_provider

PROGRAM = Path(identity_provider.__file__)
CALLBACK = "/account/login/company/answer/"
MAP = {"crisis-approvers": ["executive"], "crisis-writers": ["product_marketing"], "crisis-admins": ["administrator"]}


@pytest.fixture(scope="module")
def provider(tmp_path_factory) -> Iterator[SimpleNamespace]:
    directory = tmp_path_factory.mktemp("provider")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    argv = [sys.executable, str(PROGRAM), str(port), str(directory), f"http://testserver{CALLBACK}"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield SimpleNamespace(url=f"http://localhost:{port}", people=directory / "people.json")
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


@pytest.fixture
def company(provider, settings, policies) -> SimpleNamespace:
    cache.clear()
    settings.OIDC = Oidc(
        "Fernhollow sign-in",
        provider.url,
        identity_provider.CLIENT_ID,
        identity_provider.CLIENT_SECRET,
        "groups",
        MAP,
        False,
    )
    return provider


def change(settings, **fields):
    settings.OIDC = Oidc(**{**vars(settings.OIDC), **fields})


def employ(company, email, *, verified=True, groups=None, **facts):
    claims = {} if groups is None else {"groups": groups}
    person = {
        "password": "at the company",
        "verified": verified,
        "claims": {**claims, **facts.pop("claims", {})},
        **facts,
    }
    company.people.write_text(json.dumps({email: person}))
    requests.get(f"{company.url}/people/", timeout=10).raise_for_status()


def at_the_company(url, email):
    """What the person's browser does there: signs in, and is sent back. Returns the address it is sent to."""
    with requests.Session() as browser:
        page = browser.get(url, timeout=10)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        data = {"login": email, "password": "at the company", "csrfmiddlewaretoken": token}
        answer = browser.post(page.url, data, timeout=10, allow_redirects=False)
        back = browser.get(company_url(page.url, answer.headers["Location"]), timeout=10, allow_redirects=False)
    return back.headers["Location"]


def company_url(page, location):
    return requests.compat.urljoin(page, location)


def sign_in(email, client=None, **query):
    client = client or Client()
    away = client.get("/account/login/company/", query)
    back = urlsplit(at_the_company(away.url, email))
    answer = client.get(f"{back.path}?{back.query}")
    return client, answer


def is_in(client):
    return client.get("/account/").status_code == 200


def refused(email, words):
    client, answer = sign_in(email)
    check_page(answer)
    assert (answer.status_code, words in answer.content.decode(), is_in(client)) == (403, True, False)


# The real flow


@pytest.mark.slow
def test_somebody_who_is_here_comes_in_by_the_code_flow_with_pkce(company, ada):
    employ(company, ada.email, groups=["crisis-writers"], claims={"email": "Ada@Team.Example"})
    client = Client()
    away = client.get("/account/login/company/", {"next": "/portal/"})
    asked = parse_qs(urlsplit(away.url).query)
    assert asked["response_type"] == ["code"] and asked["code_challenge_method"] == ["S256"] and asked["state"]
    assert away.url.startswith(company.url)

    back = urlsplit(at_the_company(away.url, ada.email))
    answer = client.get(f"{back.path}?{back.query}")

    assert (answer.status_code, answer.url) == (302, "/portal/")
    assert is_in(client) and client.session["_auth_user_id"] == str(ada.pk)


@pytest.mark.slow
def test_the_answer_counts_once_and_only_in_the_browser_that_asked(company, ada):
    employ(company, ada.email, groups=["crisis-writers"])
    client, other = Client(), Client()
    back = urlsplit(at_the_company(client.get("/account/login/company/").url, ada.email))
    answer = f"{back.path}?{back.query}"

    theirs = other.get(answer)
    check_page(theirs)
    assert theirs.status_code == 403 and not is_in(other)
    client.get(answer)
    assert is_in(client)
    client.post("/account/logout/")
    client.get(answer)
    assert not is_in(client)


@pytest.mark.slow
def test_an_address_that_the_provider_did_not_verify_lets_nobody_in(company, ada):
    employ(company, ada.email, verified=False)

    refused(ada.email, "did not confirm an e-mail address")


@pytest.mark.slow
def test_a_deactivated_person_is_refused_with_words(company, ada):
    User.objects.filter(pk=ada.pk).update(is_active=False)
    employ(company, ada.email)

    refused(ada.email, "This account is switched off")


@pytest.mark.slow
def test_a_stranger_gets_no_account_unless_the_company_says_so(company, settings):
    employ(company, "new@team.example", groups=["crisis-approvers"], claims={"name": "Nora New"})
    refused("new@team.example", "Nobody here has your e-mail address")
    assert not User.objects.get_queryset().exists()

    change(settings, create=True)
    client, _ = sign_in("new@team.example")

    person = User.objects.get(email="new@team.example")
    assert is_in(client) and (person.name, person.roles) == ("Nora New", ["executive"])
    assert not person.has_usable_password()
    assert AuditEvent.objects.get(verb="person.added").actor is None


@pytest.mark.slow
def test_roles_follow_the_claim_at_each_sign_in_and_the_record_says_who_gave_them(company):
    person = factories.make_user("nora", roles=["executive", "sales"])
    employ(company, person.email, groups=["crisis-writers", "unknown"])

    sign_in(person.email)

    person.refresh_from_db()
    assert person.roles == ["product_marketing", "sales"]
    event = AuditEvent.objects.get(verb="person.changed")
    assert event.detail.text == "Fernhollow sign-in gave Nora the roles product marketing, sales at sign-in"
    sign_in(person.email)
    assert AuditEvent.objects.filter(verb="person.changed").count() == 1


@pytest.mark.slow
def test_the_last_administrator_stays_one_whatever_the_claim_says(company, olga):
    employ(company, olga.email, groups=[])

    client, _ = sign_in(olga.email)

    olga.refresh_from_db()
    assert is_in(client) and olga.has_role(Role.ADMINISTRATOR)
    other = factories.make_user("other", roles=["administrator"])
    sign_in(olga.email)
    olga.refresh_from_db()
    assert not olga.has_role(Role.ADMINISTRATOR) and other.has_role(Role.ADMINISTRATOR)


@pytest.mark.slow
def test_two_words_about_two_people_let_nobody_in(company, ada):
    employ(company, ada.email, told={"sub": "somebody else"})

    refused(ada.email, "does not answer as it should")


@pytest.mark.slow
def test_a_person_with_a_second_factor_is_still_asked_for_it(company, ada):
    from tests.crisiscomms.second_factors import add_app, come_in

    add_app(come_in(ada))
    employ(company, ada.email)

    client, answer = sign_in(ada.email)

    assert answer.url == "/account/login/second-factor/" and not is_in(client)


# Without the provider


def test_the_button_is_there_only_when_it_is_configured(company, settings, ada):
    assert "Sign in with Fernhollow sign-in" in Client().get("/account/login/").content.decode()
    settings.OIDC = None

    assert "login/company" not in Client().get("/account/login/").content.decode()
    assert {Client().get(url).status_code for url in ("/account/login/company/", CALLBACK)} == {404}


def test_a_provider_that_does_not_answer_is_said_in_words(company, settings):
    change(settings, issuer="http://localhost:9")

    answer = Client().get("/account/login/company/")

    check_page(answer)
    assert (answer.status_code, "or sign in with your password" in answer.content.decode()) == (403, True)


@pytest.mark.parametrize("query", ["", "?code=x", "?state=x", "?code=x&state=y", "?error=access_denied&state=x"])
def test_an_answer_that_nobody_asked_for_is_refused_with_words(query, company):
    answer = Client().get(CALLBACK + query)

    check_page(answer)
    assert answer.status_code == 403


@pytest.mark.parametrize("where", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_it_leads_nowhere_outside(where, company):
    client = Client()
    client.get("/account/login/company/", {"next": where})

    states = client.session["socialaccount_states"]
    assert [state["next"] for state, *_ in states.values()] == ["/"]


# What a claim means


@pytest.mark.parametrize(
    ("claim", "claims", "roles"),
    [
        ("groups", {"groups": ["crisis-approvers", "x"]}, {"executive"}),
        ("groups", {"groups": "crisis-writers"}, {"product_marketing"}),
        (
            "resource_access.crisis.roles",
            {"resource_access": {"crisis": {"roles": ["crisis-admins"]}}},
            {"administrator"},
        ),
        ("https://x.example/groups", {"https://x.example/groups": ["crisis-writers"]}, {"product_marketing"}),
        ("groups", {}, set()),
        ("groups", {"groups": None}, set()),
        ("groups", {"groups": [1, None, {"a": 1}, ["crisis-admins"]]}, set()),
        ("a.b", {"a": ["b"]}, set()),
    ],
)
def test_a_claim_in_any_shape_gives_known_roles_or_none(claim, claims, roles):
    given = Oidc("n", "https://i.example", "c", "s", claim, MAP, False)

    assert oidc.roles_of(claims, given) == roles


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "ada@team.example", "email_verified": "true"},
        {"email": "ada@team.example", "email_verified": 1},
        {"email": "ada@team.example"},
        {"email": ["ada@team.example"], "email_verified": True},
        {"email": " ", "email_verified": True},
        {},
    ],
)
def test_only_a_plain_yes_verifies_an_address(claims, ada):
    given = Oidc("n", "https://i.example", "c", "s", "", {}, True)

    with pytest.raises(oidc.Refused, match="did not confirm"):
        oidc.person_for({"id_token": claims}, given=given, now=NOW)


# The environment


GOOD = {
    "oidc_issuer": "https://login.example.com/",
    "oidc_client_id": "crisis",
    "oidc_client_secret": "s",
    "oidc_role_claim": "groups",
    "oidc_role_map": '{"a": "executive", "b": ["legal", "security"]}',
}


def read(**changes):
    base = {name: "" for name in environment.Environment.model_fields if name.startswith("oidc_")}
    return environment.oidc(SimpleNamespace(**{**base, "oidc_create": False, "local_mode": False, **GOOD, **changes}))


def test_a_whole_configuration_is_read_and_none_is_none():
    found = read()

    assert (found.name, found.issuer) == ("login.example.com", "https://login.example.com")
    assert found.role_map == {"a": ["executive"], "b": ["legal", "security"]}
    assert read(**dict.fromkeys(GOOD, "")) is None
    assert set(Role.values) == environment.ROLES


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"oidc_issuer": ""}, "OIDC_ISSUER"),
        ({"oidc_client_id": ""}, "OIDC_CLIENT_ID"),
        ({"oidc_client_secret": ""}, "OIDC_CLIENT_SECRET"),
        ({"oidc_issuer": "http://login.example.com"}, "OIDC_ISSUER"),
        ({"oidc_issuer": "login.example.com"}, "OIDC_ISSUER"),
        ({"oidc_role_map": ""}, "OIDC_ROLE_MAP"),
        ({"oidc_role_claim": ""}, "OIDC_ROLE_CLAIM"),
        ({"oidc_role_map": "{"}, "OIDC_ROLE_MAP"),
        ({"oidc_role_map": "[]"}, "OIDC_ROLE_MAP"),
        ({"oidc_role_map": '{"a": "king"}'}, "OIDC_ROLE_MAP"),
        ({"oidc_role_map": '{"a": 1}'}, "OIDC_ROLE_MAP"),
    ],
)
def test_half_a_configuration_stops_the_start_with_its_name(changes, name):
    with pytest.raises(ConfigurationError, match=f"{name} .*Set it to"):
        read(**changes)
