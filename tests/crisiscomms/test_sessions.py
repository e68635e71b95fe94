"""Where one is signed in: listed in words, ended one by one or all others, dead on the next request (X8)."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.contrib.sessions.backends.db import SessionStore as Plain
from django.core.cache import cache
from django.test import Client

from crisiscomms import clock
from crisiscomms.models import AuditEvent, Session, User
from crisiscomms.signin import sessions
from crisiscomms.signin.devices import in_words, short_address
from tests.conftest import NOW
from tests.page_rules import check_page

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0"


@pytest.fixture(autouse=True)
def _no_throttle_from_before(db):
    cache.clear()


def come_in(person, agent=FIREFOX, address="203.0.113.7"):
    client = Client(HTTP_USER_AGENT=agent, REMOTE_ADDR=address)
    assert client.post("/account/login/", {"login": person.email, "password": "correct horse battery"}).url == "/"
    return client


def page(client):
    answer = client.get("/account/")
    check_page(answer)
    return answer.content.decode()


def is_in(client):
    return client.get("/account/").status_code == 200


def handles(person):
    return {row.agent: sessions.handle_of(row.pk) for row in Session.objects.filter(person=person)}


def test_the_page_says_which_devices_when_and_about_where(ada):
    here = come_in(ada)
    come_in(ada, EDGE, "2001:db8:1:2::9")

    text = page(here)

    assert text.index("Firefox on Linux") < text.index("this one") < text.index("Edge on Windows")
    assert "203.0.113.x" in text and "2001:db8:1::" in text and "203.0.113.7" not in text
    # Whoever reads a key over a shoulder has the session.
    assert not [row.pk for row in Session.objects.all() if row.pk in text]


def test_one_session_is_signed_out_and_dead_on_its_next_request(ada):
    here, there = come_in(ada), come_in(ada, EDGE)

    here.post("/account/sessions/end/", {"session": handles(ada)[EDGE]})

    assert (is_in(here), is_in(there)) == (True, False)
    assert AuditEvent.objects.get(verb="session.ended").detail.text == "Ada ended 1 of their own sessions"


def test_all_others_are_signed_out_and_this_one_stays(ada, ben):
    here, *others = come_in(ada), come_in(ada, EDGE), come_in(ada, "curl/8")
    other_person = come_in(ben)

    here.post("/account/sessions/end/", {"others": "1"})

    assert is_in(here) and is_in(other_person)
    assert [is_in(client) for client in others] == [False, False]


@pytest.mark.parametrize("handle", ["of ben", "made up", "", "this one"])
def test_nobody_ends_a_session_of_somebody_else_nor_by_this_button_their_own(handle, ada, ben):
    here, theirs = come_in(ada), come_in(ben, EDGE)
    value = {"of ben": handles(ben)[EDGE], "this one": handles(ada)[FIREFOX]}.get(handle, handle)

    answer = here.post("/account/sessions/end/", {"session": value})

    assert (answer.status_code, is_in(here), is_in(theirs)) == (302, True, True)
    assert not AuditEvent.objects.filter(verb="session.ended").exists()


def test_another_password_ends_the_others_and_clears_the_list(ada):
    here, there = come_in(ada), come_in(ada, EDGE)
    new = "a new staple altogether"

    here.post("/account/password/change/", {"oldpassword": "correct horse battery", "password1": new, "password2": new})

    assert (is_in(here), is_in(there)) == (True, False)
    assert page(here).count("Signed in ") == 1


def test_x8_without_access_every_session_is_dead_on_its_next_request(ada):
    clients = [come_in(ada), come_in(ada, EDGE)]
    User.objects.get_queryset().filter(pk=ada.pk).update(is_active=False)

    assert [is_in(client) for client in clients] == [False, False]


def test_last_used_is_noted_every_ten_minutes_and_no_more_often(ada):
    client = come_in(ada)

    for minutes, seen in ((9, 0), (10, 10), (19, 10), (31, 31)):
        with clock.at(NOW + timedelta(minutes=minutes)):
            client.get("/account/")
        assert Session.objects.get(person=ada).seen_at == NOW + timedelta(minutes=seen)
    assert Session.objects.get(person=ada).signed_in_at == NOW


def test_what_django_kept_moves_over_and_signs_nobody_out(ada):
    """The rows of the old engine are read by the new one: the salt of both is the name of the class."""
    migration = import_module("crisiscomms.migrations.0004_sessions")
    from django.apps import apps

    old = Plain()
    client = come_in(ada)
    for name, value in client.session.items():
        old[name] = value
    old.create()
    Session.objects.all().delete()

    migration.carry_over(apps, None)

    client.cookies["sessionid"] = old.session_key
    assert is_in(client) and Session.objects.get(pk=old.session_key).person == ada
    migration.carry_back(apps, None)
    assert Plain(old.session_key).load()["_auth_user_id"] == str(ada.pk)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (EDGE, "Edge on Windows"),
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (iPad; CPU OS 18_0) CriOS/142 Mobile Safari/604.1", "Chrome on an iPad"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) Version/18 Safari/605", "Safari on a Mac"),
        ("Mozilla/5.0 (Linux; Android 15) SamsungBrowser/28 Chrome/130 Safari/537", "Samsung Internet on Android"),
        ("Mozilla/5.0 (X11; Linux)", "A browser on Linux"),
        ("curl/8.5", "A device that does not say what it is"),
        ("", "A device that does not say what it is"),
        ("<script>alert(1)</script>", "A device that does not say what it is"),
    ],
)
def test_a_device_is_said_in_words(agent, words):
    assert in_words(agent) == words


@pytest.mark.parametrize(
    ("address", "short"),
    [("203.0.113.7", "203.0.113.x"), ("2001:db8::1", "2001:db8::"), ("unix:", ""), ("", "")],
)
def test_an_address_says_about_where(address, short):
    assert short_address(address) == short
