"""Who else has a page open: said to those who may see it, gone within a minute, and never in the way."""

from datetime import timedelta

import pytest
import redis
from django.urls import reverse

from crisiscomms import bell, clock, presence
from incidents.models import Incident
from tests import factories
from tests.conftest import NOW

MINUTE = timedelta(minutes=1)


@pytest.fixture
def incident(ada):
    return factories.make_incident(ada)


@pytest.fixture
def dan(policies):
    return factories.make_user("dan", roles=["product"])


def poll(browse, who, page, **extra):
    writing = "&writing=1" if extra.pop("writing", False) else ""
    return browse(who, f"{reverse('notices_bell')}?place=top&page={page}{writing}", htmx=True, **extra)


def test_two_on_the_room_see_each_other(ada, dan, incident, browse):
    page = browse(ada, reverse("desk:room", args=[incident.number])).content.decode()
    assert "is here too" not in page
    assert f"page=incident:{incident.number}" in page

    assert "<bdi>Ada</bdi> is here too" in browse(dan, reverse("desk:room", args=[incident.number])).content.decode()

    answer = poll(browse, ada, f"incident:{incident.number}").content.decode()
    assert 'hx-swap-oob="true"' in answer and "<bdi>Dan</bdi> is here too" in answer


def test_two_on_the_composer_see_who_writes(ada, dan, incident, browse):
    message = factories.make_message(incident, ada)
    browse(dan, reverse("messaging:compose", args=[message.pk]))

    poll(browse, dan, f"message:{message.pk}", writing=True)

    page = browse(ada, reverse("messaging:compose", args=[message.pk])).content.decode()
    assert "<bdi>Dan</bdi> is writing" in page
    poll(browse, dan, f"message:{message.pk}")
    assert "<bdi>Dan</bdi> is here too" in poll(browse, ada, f"message:{message.pk}").content.decode()


@pytest.mark.parametrize("way", ["setup_policy", "setup_policy_text"])
def test_two_administrators_see_each_other_on_a_policy(olga, browse, way):
    otto = factories.make_user("otto", roles=["administrator"])
    browse(olga, reverse(way, args=["delivery"]))

    assert "<bdi>Olga</bdi> is here too" in browse(otto, reverse("setup_policy", args=["delivery"])).content.decode()
    assert "Olga</bdi> is" not in browse(otto, reverse("setup_policy", args=["messaging"])).content.decode()


def test_the_poll_answers_only_when_somebody_comes_writes_or_goes(ada, dan, incident, browse):
    page = f"incident:{incident.number}"

    def changed(mark):
        return poll(browse, ada, page, HTTP_IF_NONE_MATCH=mark).status_code

    alone = f"{bell.unread(ada)}-{page}"
    assert changed(alone) == 304
    presence.look(page, by=dan, now=NOW)
    assert [changed(alone), changed(f"{alone}-{dan.pk}")] == [200, 304]
    presence.look(page, by=dan, now=NOW, is_writing=True)
    assert [changed(f"{alone}-{dan.pk}"), changed(f"{alone}-{dan.pk}w")] == [200, 304]


def test_who_closes_the_tab_is_gone_within_a_minute_and_leaves_nothing_behind(ada, dan, incident):
    page = f"incident:{incident.number}"
    presence.look(page, by=dan, now=NOW)

    later = presence.look(page, by=ada, now=NOW + MINUTE - timedelta(seconds=10))

    assert later.others == []
    left = [key for key in presence._client().keys("*presence:*") if page in key.decode()]
    assert all(0 < presence._client().ttl(key) <= 60 for key in left)


def test_an_outsider_of_a_restricted_incident_reads_no_names_and_leaves_none(ada, incident, browse):
    outsider = factories.make_user("eve", roles=["product"])
    Incident.objects.filter(pk=incident.pk).update(restricted=True)
    message = factories.make_message(incident, ada)

    for page in (f"incident:{incident.number}", f"message:{message.pk}"):
        presence.look(page, by=ada, now=NOW)
        answer = poll(browse, outsider, page).content.decode()
        assert "Ada" not in answer and "page=" not in answer
        assert presence.look(page, by=ada, now=NOW).others == []


@pytest.mark.parametrize("role", ["sales", "executive", "support"])
def test_only_administrators_are_told_who_looks_at_a_policy(olga, role):
    other = factories.make_user("kim", roles=[role])

    assert presence.look("policy:messaging", by=other, now=NOW) is None


def test_who_lost_access_is_shown_no_more(ada, dan, incident):
    page = f"incident:{incident.number}"
    presence.look(page, by=dan, now=NOW)
    dan.is_active = False
    dan.save(update_fields=["is_active"])

    assert presence.look(page, by=ada, now=NOW).others == []


@pytest.mark.parametrize(
    "page", ["", "x", "incident:", "incident:²", "message:99999999999", "policy:x", "a:b:c", "\x00"]
)
def test_no_address_of_a_page_breaks_the_bell(ada, browse, page):
    assert presence.look(page, by=ada, now=NOW) is None
    assert browse(ada, reverse("notices_bell"), htmx=True, QUERY_STRING="page=%00").status_code in (200, 400)


def test_without_redis_the_page_works_and_shows_nobody(ada, dan, incident, browse, monkeypatch):
    gone = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.1)
    presence.look(f"incident:{incident.number}", by=dan, now=NOW)
    monkeypatch.setattr(presence, "_client", lambda: gone)

    with clock.at(NOW):
        answer = browse(ada, reverse("desk:room", args=[incident.number]))

    assert (answer.status_code, "is here too" in answer.content.decode()) == (200, False)
    assert poll(browse, ada, f"incident:{incident.number}").status_code == 200
