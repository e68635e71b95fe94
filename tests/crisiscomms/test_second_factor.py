"""Authenticator app, recovery codes, passkeys: set up after a proof, asked at sign-in, sealed, on the record."""

import base64
import json

import pytest
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from crisiscomms import invitations, notices
from crisiscomms.api import tokens
from crisiscomms.models import AuditEvent, Notice
from crisiscomms.refusal import Refused
from crisiscomms.signin import factors
from messaging.actions import proof
from tests import factories
from tests.conftest import NOW
from tests.crisiscomms.second_factors import (
    APP,
    CODES,
    PASSWORD,
    SECOND,
    add_app,
    come_in,
    digits,
    has_app,
    prove,
    shown_codes,
)
from tests.page_rules import check_page


@pytest.fixture(autouse=True)
def _no_throttle_from_before(db):
    cache.clear()


def is_in(client):
    return client.get("/account/").status_code == 200


def test_setting_one_up_asks_for_the_password_once_more(ada):
    client = come_in(ada)

    for url in (APP, "/account/passkeys/add/"):
        assert client.get(url).url.startswith("/account/reauthenticate/")
    prove(client)

    page = client.get(APP)
    check_page(page)
    assert "data:image/svg+xml" in page.content.decode()


def test_a_wrong_code_sets_nothing_up(ada):
    client = come_in(ada)
    prove(client)
    client.get(APP)

    page = client.post(APP, {"code": "000000"})

    check_page(page)
    assert not has_app(ada) and "Incorrect code" in page.content.decode()


def test_sign_in_asks_for_the_digits_and_each_counts_once(ada):
    secret = add_app(come_in(ada))
    client = come_in(ada)
    check_page(client.get(SECOND))
    assert client.get("/").url.startswith("/account/login/")

    client.post(SECOND, {"code": "000000"})
    assert not is_in(client)
    client.post(SECOND, {"code": digits(secret)})
    assert is_in(client)

    again = come_in(ada)
    again.post(SECOND, {"code": digits(secret)})
    assert not is_in(again)


def test_recovery_codes_are_shown_once_with_a_file_and_each_signs_in_once(ada):
    client = come_in(ada)
    add_app(client)
    page = client.get(CODES).content.decode()
    assert 'download="crisis-comms-recovery-codes.txt"' in page and "never again" in page
    code = page.split("<li><code>")[1][:8]

    later = client.get(CODES)
    check_page(later)
    assert shown_codes(client) == [] and code not in later.content.decode()
    answers = [come_in(ada) for _ in range(2)]
    for answer in answers:
        answer.post(SECOND, {"code": code})
    assert [is_in(answer) for answer in answers] == [True, False]
    assert "9 of 10 left" in client.get("/account/").content.decode()


def test_new_codes_end_the_old(ada):
    client = come_in(ada)
    add_app(client)
    old = shown_codes(client)

    check_page(client.get("/account/recovery-codes/new/"))
    client.post("/account/recovery-codes/new/")

    new = shown_codes(client)
    assert len(new) == 10 and not set(old) & set(new)
    other = come_in(ada)
    other.post(SECOND, {"code": old[0]})
    assert not is_in(other)


def test_secrets_are_sealed_in_the_database(ada):
    secret = add_app(come_in(ada))

    kept = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))

    assert secret not in kept and '"gAAAA' in kept


def test_a_change_of_key_locks_nobody_out_and_use_moves_the_seal(ada, settings):
    secret = add_app(come_in(ada))
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "n" * 50
    client = come_in(ada)
    client.post(SECOND, {"code": digits(secret)})
    assert is_in(client)

    settings.SECRET_KEY_FALLBACKS = []
    client = come_in(ada)
    client.post(SECOND, {"code": digits(secret, 1)})

    assert is_in(client)


def test_a_recovery_code_used_while_the_key_changes_stays_used(ada, settings):
    client = come_in(ada)
    add_app(client)
    code = shown_codes(client)[0]
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "n" * 50

    answers = [come_in(ada) for _ in range(2)]
    for answer in answers:
        answer.post(SECOND, {"code": code})

    assert [is_in(answer) for answer in answers] == [True, False]


def test_when_the_key_is_gone_no_code_fits_and_words_are_shown(ada, settings):
    secret = add_app(come_in(ada))
    settings.SECRET_KEY = "n" * 50
    client = come_in(ada)

    for code in (digits(secret), digits("A" * 32), "", "00000000"):
        check_page(client.post(SECOND, {"code": code}))

    assert not is_in(client)


@pytest.mark.django_db(transaction=True)
def test_what_changes_is_on_the_record_and_told_to_the_person(ada):
    client = come_in(ada)
    add_app(client)
    client.post(reverse("mfa_deactivate_totp"))

    texts = [event.detail.text for event in AuditEvent.objects.filter(verb="second_factor.changed").order_by("number")]
    assert "Second factor of Ada added: authenticator app" in texts
    assert "Second factor of Ada removed: authenticator app" in texts
    assert (
        "If that was not you" in notices.render(Notice.objects.filter(kind="sign_in_changed").last(), NOW).paragraphs[1]
    )
    assert not Authenticator.objects.filter(user=ada).exists()


def test_guessing_the_second_factor_is_slowed_down(ada):
    secret = add_app(come_in(ada))
    client = come_in(ada)

    answers = [client.post(SECOND, {"code": f"{n:06d}"}).content.decode() for n in range(12)]

    assert "Too many failed" in answers[-1]
    client.post(SECOND, {"code": digits(secret)})
    assert not is_in(client)


# Passkeys; a browser that has one is in tests/browser/test_passkeys.py

ANSWER = (
    '{"type": "public-key", "id": "AA", "rawId": "AA", "response": {"clientDataJSON": "AA", "authenticatorData": "AA",'
    ' "signature": "AA", "userHandle": "%s"}}'
)
NONSENSE = [
    *("", "{}", "[]", "1", "null", '"x"', "{", '{"response": 1}', '{"response": {"userHandle": 1}}'),
    '{"id": "\\u0000"}',
    ANSWER % "MQ",
    '{"type": "public-key", "id": "AA", "rawId": "AA", "response": {"clientDataJSON": "e30", "attestationObject": "AA"}}',
    "[" * 9_000 + "]" * 9_000,
    '{"a": "' + "x" * 30_000 + '"}',
]


@pytest.mark.parametrize("credential", NONSENSE, ids=range(len(NONSENSE)))
def test_a_made_up_passkey_is_refused_with_words_wherever_one_is_taken(credential, ada):
    ways = {"/account/login/passkey/": Client(), "/account/passkeys/add/": come_in(ada)}
    prove(ways["/account/passkeys/add/"])
    add_app(ways["/account/passkeys/add/"])
    ways |= {SECOND: come_in(ada), "/account/reauthenticate/passkey/": ways["/account/passkeys/add/"]}

    for url, client in ways.items():
        client.get(url, headers={"Accept": "application/json"})
        answer = client.post(url, {"credential": credential}, follow=True)
        assert answer.status_code in (200, 422)
        check_page(answer)

    assert not Authenticator.objects.filter(type="webauthn").exists()


def test_made_up_passkeys_in_somebodys_name_do_not_count_against_them_X7(ada):
    stranger = Client(REMOTE_ADDR="198.51.100.9")
    name = base64.urlsafe_b64encode(user_pk_to_url_str(ada).encode()).decode().rstrip("=")

    for _ in range(40):
        stranger.post("/account/login/passkey/", {"credential": ANSWER % name})

    assert is_in(come_in(ada))


# Taken away by an administrator


def test_an_administrator_takes_lost_factors_away_and_every_session_ends(ada, olga, browse):
    client = come_in(ada)
    add_app(client)

    browse(olga, reverse("setup_take_away_factors", args=[ada.pk]), {})

    assert not has_app(ada) and not is_in(client) and is_in(come_in(ada))
    assert "taken away by Olga" in AuditEvent.objects.get(verb="second_factor.changed").detail.text
    assert Notice.objects.filter(person=ada, kind="sign_in_changed").exists()


def test_nobody_else_takes_them_away_and_nobody_their_own(ada, ben, olga, browse):
    add_app(come_in(ada))
    add_app(come_in(olga))

    assert browse(ben, reverse("setup_take_away_factors", args=[ada.pk]), {}).status_code == 404
    browse(olga, reverse("setup_take_away_factors", args=[olga.pk]), {})
    browse(olga, reverse("setup_take_away_factors", args=[999_999]), {})

    assert has_app(ada) and has_app(olga)


def test_an_invitation_does_not_go_around_a_second_factor(ada, olga):
    add_app(come_in(ada))
    ada.set_unusable_password()
    ada.save()
    url = invitations.link(invitations.invite(person_id=ada.pk, by=olga, now=NOW)).partition("localhost:8000")[2]
    client = Client()

    client.post(url, {"password": "a new staple altogether", "again": "a new staple altogether"})

    assert not is_in(client)


def passkey_of(person, name="My passkey"):
    return Authenticator.objects.create(user=person, type="webauthn", data={"name": name, "credential": {}})


def test_a_passkey_gets_another_name_and_stays_what_it_is(ada, browse):
    passkey = passkey_of(ada)
    url = reverse("account_rename_passkey", args=[passkey.pk])
    assert "My passkey" in browse(ada, url).content.decode()

    assert browse(ada, url, {"name": " My phone "}).headers["Location"] == "/account/"

    passkey.refresh_from_db()
    assert passkey.data == {"name": "My phone", "credential": {}}
    assert "phone" not in AuditEvent.objects.get(verb="second_factor.renamed").detail.text


@pytest.mark.parametrize("typed", ["", "  ", "x" * 61, "my\nphone", "my\u202ephone"])
def test_a_name_that_is_none_is_refused_in_place(ada, browse, typed):
    passkey = passkey_of(ada)

    answer = browse(ada, reverse("account_rename_passkey", args=[passkey.pk]), {"name": typed})

    passkey.refresh_from_db()
    assert (answer.status_code, passkey.data["name"]) == (422, "My passkey")


def test_nobody_renames_the_passkey_of_another_or_what_is_none(ada, ben, browse):
    passkey = passkey_of(ada)
    app = Authenticator.objects.create(user=ben, type="totp", data={"secret": "x"})

    for one in (passkey, app):
        assert browse(ben, reverse("account_rename_passkey", args=[one.pk]), {"name": "Mine"}).status_code == 404
        with pytest.raises(Refused, match="not one of yours"):
            factors.rename_passkey(passkey_id=one.pk, name="Mine", by=ben, now=NOW)


def test_a_stranger_who_asks_for_a_password_link_keeps_nobody_from_a_second_factor(ada):
    Client().post("/account/password/reset/", {"email": ada.email})

    add_app(come_in(ada))

    assert has_app(ada)


def test_who_forgot_the_password_sets_one_and_then_a_second_factor_up(ada, client):
    client.post("/account/password/reset/", {"email": ada.email})
    link = notices.render(Notice.objects.get(kind="password_reset"), NOW).link.partition("localhost:8000")[2]
    form = client.get(link, follow=True)
    client.post(form.request["PATH_INFO"], {"password1": PASSWORD, "password2": PASSWORD})

    add_app(come_in(ada))

    assert has_app(ada)


@pytest.mark.django_db(transaction=True)
def test_the_first_factor_ends_the_sessions_that_the_password_alone_opened(ada):
    here, other = come_in(ada), come_in(ada)

    add_app(here)

    assert (is_in(here), is_in(other)) == (True, False)


def test_a_lost_phone_ends_sessions_tokens_and_devices_also_without_a_factor(ada, olga, browse):
    client = come_in(ada)
    secret = proof.enroll_device(person=ada, label="x", now=NOW)
    _, text = tokens.make_token(name="x", scopes=["read"], days=1, by=ada, now=NOW)

    browse(olga, reverse("setup_take_away_factors", args=[ada.pk]), {})

    assert not is_in(client)
    assert not proof.known_device(person=ada, secret=secret, now=NOW)
    assert tokens.find_token(text, now=NOW) is None


def test_taking_factors_from_who_holds_control_is_told_to_every_administrator(ada, ben, olga, browse):
    otto = factories.make_user("otto", roles=["administrator"])
    for person in (ada, ben):
        add_app(come_in(person))
        browse(olga, reverse("setup_take_away_factors", args=[person.pk]), {})

    told = Notice.objects.filter(kind="factors_taken")
    assert set(told.values_list("person", flat=True)) == {olga.pk, otto.pk} and told.count() == 2
    assert "Ben" in notices.render(told.first(), NOW).subject
