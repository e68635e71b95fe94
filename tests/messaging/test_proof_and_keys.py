"""The secret key is changed while links, codes and devices are about; a stranger cannot use up an approver's ways (X7)."""

from datetime import timedelta

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.test import Client
from django.urls import reverse

from crisiscomms import clock, throttle
from crisiscomms.models import AuditEvent
from messaging import actions
from messaging.actions.proof import mint_code
from messaging.models import ApprovalCode, ApprovalLink, EnrolledDevice
from messaging.views.approving import COOKIE
from tests import factories
from tests.conftest import NOW
from tests.visits import sign_in

NEW = "n" * 50


@pytest.fixture
def asked(ada, ben):
    return factories.ask(factories.make_message(factories.make_incident(ada), ada), ada)


@pytest.fixture
def critical(ada, ben):
    return factories.ask(factories.make_message(factories.make_incident(ada, severity="critical"), ada), ada)


def link_for(request, person):
    seat = request.stages.first().seats.get(person=person)
    return reverse("messaging:approve_link", args=[actions.mint_link(seat=seat, now=NOW)])


def yes(request, **fields):
    return {"verdict": "approved", "fingerprint": request.version.fingerprint, **fields}


def on_device_of(person):
    client = sign_in(None)
    client.cookies[COOKIE] = actions.enroll_device(person=person, label="Phone", now=NOW)
    return client


def rotate(settings, *, keep=True):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY] if keep else []
    settings.SECRET_KEY = NEW


# SECRET_KEY_FALLBACKS


def test_a_link_and_a_code_under_way_outlive_the_key(asked, ben, settings):
    url = link_for(asked, ben)
    actions.request_code(request=asked, person=ben, now=NOW)
    code = mint_code(ApprovalCode.objects.get())

    rotate(settings)
    answer = Client().post(url, yes(asked, code=code))

    assert (answer.status_code, asked.decisions.get().proof) == (200, "code")


def test_a_device_outlives_the_key_and_once_used_also_the_fallback(asked, ben, settings):
    client, url = on_device_of(ben), link_for(asked, ben)

    rotate(settings)
    assert "May this go out" in client.get(url).content.decode()
    settings.SECRET_KEY_FALLBACKS = []

    assert actions.known_device(person=ben, secret=client.cookies[COOKIE].value, now=NOW)


def test_without_the_fallback_all_of_them_are_dead(asked, ben, settings):
    client, url = on_device_of(ben), link_for(asked, ben)

    rotate(settings, keep=False)

    assert client.get(url).status_code == 404
    assert not actions.known_device(person=ben, secret=client.cookies[COOKIE].value, now=NOW)


# A stranger who holds a forwarded link


def press_all_day(url, hours=24):
    """From one address and many: asks for codes and types wrong ones, every few minutes of a day."""
    for hour in range(hours):
        for minute in (0, 2, 4, 30):
            with clock.at(NOW + timedelta(hours=hour, minutes=minute)):
                stranger = Client(REMOTE_ADDR=f"198.51.100.{hour}")
                stranger.post(url, {"send_code": "1"})
                for _ in range(6):
                    stranger.post(url, {"unlock": "1", "code": "000000"})


@pytest.mark.slow
@pytest.mark.parametrize("client_of", [sign_in, on_device_of])
def test_x7_a_stranger_who_fails_all_day_ends_no_code_of_the_approver(client_of, critical, ben):
    url, client = link_for(critical, ben), client_of(ben)
    press_all_day(url, hours=2)
    client.post(url, {"send_code": "1"})
    code = mint_code(ApprovalCode.objects.get(with_proof=True, ended_at=None))

    for number in range(20):
        Client(REMOTE_ADDR=f"203.0.113.{number}").post(url, yes(critical, code="000000"))
        Client(REMOTE_ADDR=f"203.0.113.{number}").post(url, {"send_code": "1"})
    answer = client.post(url, yes(critical, code=code))

    assert (answer.status_code, critical.decisions.get().proof) == (200, "code")


def test_x7_the_approvers_code_is_worth_nothing_without_the_proof(critical, ben):
    actions.request_code(request=critical, person=ben, now=NOW, with_proof=True)
    code = mint_code(ApprovalCode.objects.get())

    answer = Client().post(link_for(critical, ben), yes(critical, code=code))

    assert (answer.status_code, critical.decisions.count()) == (422, 0)


@pytest.mark.parametrize("proxies", [0, 1])
def test_x7_forged_headers_buy_no_more_tries_at_links(proxies, asked, ben, settings, monkeypatch):
    monkeypatch.setattr(throttle, "cache", LocMemCache(f"forged{proxies}", {}))
    settings.TRUSTED_PROXIES = proxies

    def knock(number, address):
        forged = f"10.9.8.{number % 250}"
        # A proxy of ours writes the address it saw behind whatever came in.
        header = f"{forged}, {address}" if proxies else forged
        place = {"REMOTE_ADDR": "10.0.0.1" if proxies else address}
        return Client(**place).get(f"/approve/wrong{number}/", headers={"X-Forwarded-For": header}).status_code

    codes = [knock(number, "198.51.100.7") for number in range(62)]

    assert codes[60:] == [429, 429]
    assert knock(99, "203.0.113.5") == 404


def test_x7_one_line_of_ipv6_is_one_caller(asked, monkeypatch):
    monkeypatch.setattr(throttle, "cache", LocMemCache("ipv6", {}))

    codes = [Client(REMOTE_ADDR=f"2001:db8:1:2::{n:x}").get("/approve/wrong/").status_code for n in range(62)]

    assert codes[60:] == [429, 429]
    assert Client(REMOTE_ADDR="2001:db8:1:3::1").get("/approve/wrong/").status_code == 404


# The page of one's devices


def test_devices_are_listed_in_words_and_taken_back_dead_on_the_next_request(browse, asked, ben):
    client, url = on_device_of(ben), link_for(asked, ben)
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1"
    EnrolledDevice.objects.update(label=agent)
    page = browse(ben, reverse("messaging:devices")).content.decode()
    assert "Safari on an iPhone" in page and "Take it back" in page

    browse(ben, reverse("messaging:devices"), {"device": EnrolledDevice.objects.get().pk})

    answer = client.post(url, yes(asked))
    assert ("is it you?" in answer.content.decode(), asked.decisions.count()) == (True, 0)
    assert AuditEvent.objects.get(verb="device.revoked").detail.text == "Ben took back 1 remembered approval device"
    assert "No device is remembered" in browse(ben, reverse("messaging:devices")).content.decode()


@pytest.mark.parametrize("typed", ["", "abc", "１", "999999999", "99999999999999999999"])
def test_nobody_takes_back_a_device_of_somebody_else_or_of_nobody(typed, browse, ben, dora):
    actions.enroll_device(person=ben, label="Phone", now=NOW)

    for value in (typed, str(EnrolledDevice.objects.get().pk)):
        assert browse(dora, reverse("messaging:devices"), {"device": value}).status_code == 302

    assert EnrolledDevice.objects.get().revoked_at is None


def test_a_link_keeps_only_the_hash_under_the_new_key(asked, ben, settings):
    rotate(settings)
    token = link_for(asked, ben).split("/")[2]

    assert ApprovalLink.objects.filter(token_hash__contains=token).count() == 0
