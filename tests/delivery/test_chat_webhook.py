"""Connecting the team's chat: a secret address that two people set, tried out by a real line."""

import pytest
from django.urls import reverse

from crisiscomms import changes, credentials
from crisiscomms.models import ControlChange, Credential
from crisiscomms.refusal import Refused
from delivery.channels import chat
from tests import factories
from tests.conftest import NOW
from tests.peers.chat_room import ChatRoom

PAGE = "/setup/integrations/chat_webhook/"


@pytest.fixture
def room(settings):
    with ChatRoom() as room:
        settings.CHAT_INSIDE_HOSTS = ["127.0.0.1"]
        yield room


def connect(olga, url):
    credentials.ask_to_set(kind="chat_webhook", secret=url, reason="A second way", by=olga, now=NOW)


@pytest.mark.parametrize(
    "secret",
    [
        *(
            "http://hooks.chat.example/x",
            "hooks.chat.example/x",
            "ftp://chat.example",
            "https://",
            "https://[",
            "x",
            "https:///x",
        ),
        *(
            "https://chat.example:99999/",
            "https://name:word@chat.example/",
            "https://chat.example/a b",
            "https://chât.example/",
        ),
        *(
            "https://127.0.0.1/x",
            "https://0x7f000001/x",
            "https://[::1]/x",
            "https://2130706433/",
            "https://169.254.169.254/",
        ),
        *("https://chat.example/a\tb", "javascript:alert(1)", "https://chat.example:0/"),
    ],
)
def test_what_cannot_be_a_webhook_is_refused_with_words(olga, browse, secret):
    answer = browse(olga, PAGE, {"set": "1", "secret": secret, "reason": "x"})

    assert answer.status_code == 422
    assert "One answer needs another look" in answer.content.decode()
    assert not Credential.objects.exists()


def test_plain_http_and_inside_hosts_are_for_a_local_site_and_named_hosts_only(olga, room, settings):
    chat.check(room.url)

    settings.LOCAL = False
    with pytest.raises(Refused, match="https"):
        chat.check(room.url)
    chat.check("https://127.0.0.1/x")
    settings.CHAT_INSIDE_HOSTS = []
    with pytest.raises(Refused, match="open Internet"):
        chat.check("https://127.0.0.1/x")


def test_it_is_set_by_two_people_and_tried_out_with_a_real_line(olga, room, browse):
    otto = factories.make_user("otto", roles=["administrator"])
    answer = browse(olga, PAGE, {"set": "1", "secret": room.url, "reason": "A second way"})
    assert answer.status_code == 302
    assert not Credential.objects.exists()
    changes.confirm(change_id=ControlChange.objects.get().pk, by=otto, now=NOW)

    page = browse(olga, PAGE).content.decode()
    browse(olga, PAGE, {"try": "1"})

    assert "cret" in page
    assert "s3cret" not in page
    assert room.lines == ["Olga tries out Crisis Comms: notices to the team can arrive here."]


def test_trying_out_says_what_went_wrong_and_never_the_address(olga, room):
    connect(olga, room.url)
    room.code = 404

    with pytest.raises(Refused, match=r"not taken\. It answered 404") as said:
        credentials.attempt(kind="chat_webhook", by=olga)

    assert "s3cret" not in str(said.value)


def test_the_tab_leads_there(olga, browse):
    assert reverse("setup_integrations") in browse(olga, reverse("setup")).content.decode()
    assert "Chat webhook" in browse(olga, reverse("setup_integrations")).content.decode()


def test_a_name_that_leads_inside_later_is_not_posted_to(olga, room, settings):
    connect(olga, room.url)
    settings.CHAT_INSIDE_HOSTS = []

    with pytest.raises(Refused):
        credentials.attempt(kind="chat_webhook", by=olga)

    assert room.lines == []


def test_words_that_people_typed_call_nobody_and_make_no_link():
    said = chat.plain("<!channel> @all\nsee <https://evil.example|here> & more")

    assert "\n" not in said
    assert "<" not in said
    assert "@all" not in said
    assert "&amp; more" in said
