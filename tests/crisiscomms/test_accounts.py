"""Signing in, and a forgotten password: by e-mail, closed to strangers, and quiet about who is here."""

import re

import pytest
from django.core.cache import cache
from django.core.mail import send_mail
from django.test import Client

from crisiscomms import invitations, notices
from crisiscomms.api import tokens
from crisiscomms.models import Notice, User
from delivery import team_mail
from messaging.actions import proof
from tests.conftest import NOW

PASSWORD = "correct horse battery"
NEW = "a new staple altogether"


@pytest.fixture(autouse=True)
def _no_throttle_from_before(db):
    cache.clear()


def sign_in(client, email, password=PASSWORD):
    return client.post("/account/login/", {"login": email, "password": password})


def ask_for_link(email):
    return Client().post("/account/password/reset/", {"email": email}, follow=True)


def link():
    return notices.render(Notice.objects.get(kind="password_reset"), NOW).link


@pytest.mark.parametrize("email", ["ada@team.example", "ADA@Team.Example"])
def test_one_signs_in_by_e_mail_and_password(ada, client, email):
    assert sign_in(client, email).url == "/"
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(("email", "password"), [("ada@team.example", "wrong"), ("who@team.example", PASSWORD)])
def test_a_wrong_pair_says_the_same_whoever_it_is(ada, client, email, password):
    response = sign_in(client, email, password)

    assert response.status_code == 200 and "_auth_user_id" not in client.session
    assert "The email address and/or password you specified are not correct." in response.content.decode()


def test_somebody_without_access_does_not_get_in(ada, client):
    User.objects.get_queryset().filter(pk=ada.pk).update(is_active=False)

    sign_in(client, ada.email)

    assert "_auth_user_id" not in client.session


def test_sign_up_is_closed(db, client):
    data = {"email": "eve@evil.example", "password1": PASSWORD, "password2": PASSWORD}

    for response in (client.get("/account/signup/"), client.post("/account/signup/", data)):
        assert "Accounts are made by your administrator" in response.content.decode()
    assert not User.objects.get_queryset().exists()


@pytest.mark.parametrize("where", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_outside(ada, client, where):
    response = client.post("/account/login/", {"login": ada.email, "password": PASSWORD, "next": where})

    assert response.url == "/"


def test_signing_out_needs_a_press(ada, client):
    sign_in(client, ada.email)

    assert client.get("/account/logout/").status_code == 200 and "_auth_user_id" in client.session
    client.post("/account/logout/")
    assert "_auth_user_id" not in client.session


def test_a_forgotten_password_goes_by_a_notice_and_its_link_works_once(ada, client, sink):
    ask_for_link(ada.email)
    path = re.sub(r"^https?://[^/]+", "", link())
    team_mail.send_due(now=lambda: NOW)
    assert dict(sink.counts) == {ada.email: 1}

    form = client.get(path, follow=True)
    client.post(form.request["PATH_INFO"], {"password1": NEW, "password2": NEW})

    ada.refresh_from_db()
    assert ada.check_password(NEW)
    assert "This link no longer works" in Client().get(path, follow=True).content.decode()


def test_a_made_up_link_changes_nothing(ada, client):
    response = client.get("/account/password/reset/key/1-abcdef-0123456789/", follow=True)

    assert "This link no longer works" in response.content.decode()


def test_the_link_waits_in_no_table(ada):
    ask_for_link(ada.email)

    notice = Notice.objects.get(kind="password_reset")
    assert notice.context == {} and link().rsplit("/", 2)[1] not in notice.key


def test_an_unknown_address_reveals_nothing(ada, sink):
    known, unknown = ask_for_link(ada.email), ask_for_link("who@team.example")

    def bare(response):
        return re.sub(r'(value|datetime|data-cc-now)="[^"]*"|"[A-Za-z0-9]{64}"', "", response.content.decode())

    assert bare(known) == bare(unknown) and known.redirect_chain == unknown.redirect_chain
    assert list(Notice.objects.values_list("person", flat=True)) == [ada.pk]


def test_somebody_without_access_gets_no_link(ada):
    User.objects.get_queryset().filter(pk=ada.pk).update(is_active=False)

    ask_for_link(ada.email)

    assert not Notice.objects.exists()


def test_mail_that_goes_around_the_delivery_workers_is_refused(settings):
    settings.EMAIL_BACKEND = "crisiscomms.accounts.RefuseDirectMail"

    with pytest.raises(RuntimeError, match="leaves through delivery"):
        send_mail("Hello", "there", "a@b.example", ["c@d.example"])


def guess(client, email, number, **options):
    return sign_in_answer(client.post("/account/login/", {"login": email, "password": f"guess {number}"}, **options))


def sign_in_answer(response):
    return "slowed" if response.status_code == 429 or b"Too many" in response.content else response.status_code


def test_guessing_is_slowed_down_but_the_owner_is_not_locked_out_X7(ada, client):
    answers = [guess(Client(REMOTE_ADDR="203.0.113.9"), ada.email, n) for n in range(12)]

    assert "slowed" in answers
    assert sign_in(client, ada.email).status_code == 302


def test_x7_strangers_who_fail_all_day_from_everywhere_do_not_lock_the_owner_out(ada, client):
    """More wrong tries for one account than any limit, from forty addresses."""
    for number in range(200):
        guess(Client(REMOTE_ADDR=f"198.51.100.{number % 40}"), ada.email, number)

    assert sign_in(client, ada.email).status_code == 302


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_x7_forged_headers_buy_no_more_tries(proxies, ada, settings):
    settings.TRUSTED_PROXIES = proxies
    # What our own proxies add stands last; before it stands whatever the caller wrote.
    ours = {0: [], 1: ["203.0.113.9"], 2: ["203.0.113.9", "10.0.0.2"]}[proxies]

    def forged(number):
        header = ", ".join([f"10.{number}.1.1", f"192.0.2.{number}", *ours])
        return guess(Client(REMOTE_ADDR="203.0.113.9"), ada.email, number, headers={"X-Forwarded-For": header})

    assert [forged(number) for number in range(12)][10:] == ["slowed", "slowed"]


@pytest.mark.parametrize("header", ["", "x", "1.2.3.4", "\u00e9", "::1, ", "[::1]:99, 1.2.3.4:5", "," * 5_000])
def test_a_header_that_means_nothing_is_no_error(header, ada, settings):
    settings.TRUSTED_PROXIES = 2

    response = Client().post(
        "/account/login/", {"login": ada.email, "password": PASSWORD}, headers={"X-Forwarded-For": header}
    )

    assert response.status_code == 302


def test_x7_a_port_behind_the_address_buys_no_more_tries(ada, settings):
    settings.TRUSTED_PROXIES = 1

    answers = [
        guess(Client(), ada.email, number, headers={"X-Forwarded-For": f"203.0.113.9:{4000 + number}"})
        for number in range(12)
    ]

    assert answers[10:] == ["slowed", "slowed"]


def test_a_mailbox_is_not_flooded_with_password_links(ada):
    for number in range(30):
        Client(REMOTE_ADDR=f"198.51.100.{number}").post("/account/password/reset/", {"email": ada.email})

    assert Notice.objects.filter(kind="password_reset").count() == 6


def test_a_forgotten_password_ends_what_was_made_with_it_and_the_invitation(ada, olga, client):
    secret = proof.enroll_device(person=ada, label="x", now=NOW)
    _, text = tokens.make_token(name="x", scopes=["read"], days=1, by=ada, now=NOW)
    User.objects.get_queryset().filter(pk=ada.pk).update(password="!")
    invited = invitations.invite(person_id=ada.pk, by=olga, now=NOW)
    ask_for_link(ada.email)

    form = client.get(re.sub(r"^https?://[^/]+", "", link()), follow=True)
    client.post(form.request["PATH_INFO"], {"password1": NEW, "password2": NEW})

    ada.refresh_from_db()
    invited.refresh_from_db()
    assert ada.check_password(NEW) and invited.withdrawn_at
    assert not proof.known_device(person=ada, secret=secret, now=NOW)
    assert tokens.find_token(text, now=NOW) is None


def test_who_comes_by_the_provider_alone_gets_no_password_by_a_mailbox(ada, olga, settings):
    ada.set_unusable_password()
    ada.last_login = NOW
    ada.save()
    settings.OIDC = object()

    ask_for_link(ada.email)
    assert not Notice.objects.filter(kind="password_reset").exists()

    # Without the provider it is the way back in.
    settings.OIDC = None
    ask_for_link(ada.email)
    assert Notice.objects.filter(kind="password_reset").exists()


def test_who_has_no_password_is_offered_none_to_change_and_told_why(ada, client):
    ada.set_unusable_password()
    ada.save()
    client.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")

    answer = client.get("/account/password/change/", follow=True)

    page = answer.content.decode()
    assert answer.redirect_chain == [("/account/", 302)] and "there is none to change" in page
    assert "Change your password" not in page
