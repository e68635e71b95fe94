"""The send plan in the browser: what a press does, how it goes, when the page stops asking."""

import csv
import re
from datetime import timedelta

import pytest
from django.test import Client

from crisiscomms import clock
from crisiscomms.models import AuditEvent, User
from delivery import actions, sweeping
from delivery.models import Dispatch
from stakeholders.models import Account, Contact
from tests import factories
from tests.conftest import NOW
from tests.delivery import ground
from tests.delivery.ground import order_mail, round_of_work

LATER = NOW + timedelta(seconds=121)


@pytest.fixture
def message(ada, ben):
    ground.people("anna", "rcpt-550", "drop")
    incident = factories.make_incident(ada)
    return factories.make_approved(incident, ada, ben, next_update_at=(NOW + timedelta(days=30)).isoformat())


def plan(message, rest=""):
    return f"/messages/{message.pk}/send/{rest}"


def words(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def signed_in(person):
    client = Client()
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def mail_of(message):
    return Dispatch.objects.filter(message=message, channel="email").latest("pk")


def test_the_reach_stands_on_the_button(browse, ada, message):
    page = browse(ada, plan(message))

    assert "Send 3 e-mails and publish" in words(page)
    assert "All customers that use Payments API" in words(page)
    assert "Approved. Nothing has left." in words(page)


def test_pressing_orders_it_and_shows_the_hold_with_a_way_back(browse, ada, message):
    answer = browse(ada, plan(message, "order/"), {})
    page = browse(ada, plan(message))

    assert (answer.status_code, answer.url) == (302, plan(message))
    assert "On hold. It leaves at" in words(page) and "Take back" in words(page)
    assert "3 of 3" not in words(page)


def test_pressing_twice_says_why_not_and_orders_once(browse, ada, message):
    client = signed_in(ada)

    client.post(plan(message, "order/"))
    again = client.post(plan(message, "order/"), follow=True)

    assert "Only an approved message can be sent." in words(again)
    assert Dispatch.objects.count() == 3


def test_a_list_that_is_no_longer_the_approved_one_is_refused_on_the_page(browse, ada, message):
    ground.people("more", name="More Ltd")
    client = signed_in(ada)

    assert "3 were approved." in words(browse(ada, plan(message)))
    page = client.post(plan(message, "order/"), follow=True)

    assert "3 people were approved, and it would now go to 4." in words(page)
    assert not Dispatch.objects.exists()


def test_taking_back_brings_the_button_back(browse, ada, message):
    browse(ada, plan(message, "order/"), {})
    browse(ada, plan(message, "take-back/"), {})

    assert "Send 3 e-mails and publish" in words(browse(ada, plan(message)))


def region(client, message, mark):
    return client.get(plan(message, "progress/"), headers={"HX-Request": "true", "If-None-Match": mark})


def mark_of(response):
    return re.search(r'"If-None-Match": "([^"]*)"', response.content.decode().replace("&quot;", '"')).group(1)


@pytest.mark.parametrize("state", ["held", "running"])
def test_the_live_region_is_304_until_something_changes(browse, ada, message, sink, state):
    browse(ada, plan(message, "order/"), {})
    if state == "running":
        sweeping.sweep(now=LATER)
    client = signed_in(ada)
    first = region(client, message, "")
    assert (first.status_code, bool(mark_of(first))) == (200, True)

    with clock.at(NOW + timedelta(seconds=2)):
        assert region(client, message, mark_of(first)).status_code == 304
    actions.stop_dispatch(dispatch_id=mail_of(message).pk, reason="Wrong number", by=ada, now=NOW)
    changed = region(client, message, mark_of(first))

    assert (changed.status_code, "Wrong number" in words(changed)) == (200, True)


def test_it_polls_while_something_moves_and_stops_by_itself(browse, ada, message, sink):
    browse(ada, plan(message, "order/"), {})
    assert 'hx-trigger="every 2s, cc:zero delay:400ms"' in browse(ada, plan(message)).content.decode()

    round_of_work(LATER)

    for page in (browse(ada, plan(message)), browse(ada, plan(message, "progress/"), htmx=True)):
        assert "every 2s" not in page.content.decode()
    assert "counts add up" in words(page)


def test_what_went_wrong_waits_with_its_reason_and_can_be_settled(browse, ada, message, sink):
    browse(ada, plan(message, "order/"), {})
    round_of_work(LATER)

    page = words(browse(ada, plan(message)))
    assert "rcpt-550@many.example" in page and "said so" in page
    assert "Retry 1 failed" in page and "Send 1 again, possibly twice" in page

    sink.rules.behave = lambda _: "ok"
    pk = mail_of(message).pk
    browse(ada, f"/dispatches/{pk}/retry/", {})
    browse(ada, f"/dispatches/{pk}/settle/", {"choice": "count"})
    with clock.at(LATER):
        round_of_work(LATER)
    assert "Handed over 3 of 3 people" in words(browse(ada, plan(message)))


@pytest.mark.parametrize(
    ("path", "data", "words_expected"),
    [
        ("stop/", {"reason": ""}, "Say why it is stopped."),
        ("stop/", {"reason": "x" * 301}, "300 characters"),
        ("settle/", {"choice": "maybe"}, "Choose what to do"),
        ("resume/", {}, "Only what was stopped"),
        ("retry/", {}, "nothing of that kind left"),
    ],
)
def test_a_press_that_cannot_be_done_says_so_and_changes_nothing(browse, ada, message, path, data, words_expected):
    browse(ada, plan(message, "order/"), {})
    sweeping.sweep(now=LATER)
    client = signed_in(ada)

    page = client.post(f"/dispatches/{mail_of(message).pk}/{path}", data, follow=True)

    assert words_expected in words(page)
    assert mail_of(message).state == "running"


def test_stop_and_go_on_by_the_page(browse, ada, message, sink):
    browse(ada, plan(message, "order/"), {})
    sweeping.sweep(now=LATER)
    pk = mail_of(message).pk

    browse(ada, f"/dispatches/{pk}/stop/", {"reason": "Wrong number in it"})
    page = words(browse(ada, plan(message)))
    assert "Wrong number in it" in page and "Go on: send the 3 that wait" in page
    browse(ada, f"/dispatches/{pk}/resume/", {})

    assert mail_of(message).state == "running"


def test_who_is_left_out_stands_there_with_the_reason(browse, ada, ben, sink):
    ground.people("anna", "gone")
    Contact.objects.filter(first_name="gone").update(unsubscribed_at=NOW)
    dispatch = order_mail(ada, ben)
    round_of_work()

    page = words(browse(ada, plan(dispatch.message)))

    assert "gone@many.example" in page and "unsubscribed from incident notices" in page


@pytest.mark.parametrize("who", ["ben", "cleo"])
def test_x1_nobody_outside_the_workshop_finds_any_of_it(browse, ada, message, who, request):
    person = request.getfixturevalue(who)
    browse(ada, plan(message, "order/"), {})
    pk = mail_of(message).pk

    for path in (plan(message), plan(message, "progress/"), f"/dispatches/{pk}/recipients.csv"):
        assert browse(person, path).status_code == 404
    for path in ("stop/", "resume/", "retry/", "settle/"):
        assert browse(person, f"/dispatches/{pk}/{path}", {"reason": "x", "choice": "again"}).status_code == 404
    for path in ("order/", "take-back/"):
        assert browse(person, plan(message, path), {}).status_code == 404


def test_x1_a_restricted_incident_hides_its_send_plan_like_a_missing_one(browse, ada, ben):
    ground.people("anna")
    dispatch = order_mail(ada, ben, restricted=True)
    outsider = factories.make_user("pia", roles=["product_marketing"])

    for path in (plan(dispatch.message), f"/dispatches/{dispatch.pk}/recipients.csv"):
        assert browse(outsider, path).status_code == 404
        assert browse(outsider, re.sub(r"\d+", "99999", path)).status_code == 404


def test_get_changes_nothing(browse, ada, message):
    browse(ada, plan(message, "order/"), {})

    for path in (plan(message, "take-back/"), f"/dispatches/{mail_of(message).pk}/stop/"):
        assert browse(ada, path).status_code == 405
    assert mail_of(message).state == "held"


def test_i1_every_recipient_stands_in_the_export_and_no_cell_runs(ada, ben, sink):
    ground.people("anna", "rcpt-550", name='=HYPERLINK("http://evil.example")')
    dispatch = order_mail(ada, ben)
    round_of_work()
    client = signed_in(ada)

    answer = client.get(f"/dispatches/{dispatch.pk}/recipients.csv")
    rows = list(csv.reader(b"".join(answer.streaming_content).decode().splitlines()))

    assert [row[3] for row in rows] == ["state", "Handed over", "Failed"]
    taken = AuditEvent.objects.select_related("detail").get(verb="recipients.exported")
    assert taken.actor == ada and dispatch.incident.ref in taken.detail.text
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_i6_hostile_names_are_harmless_text_on_the_page(browse, ada, ben, sink):
    ground.people("rcpt-550", name="<script>alert(1)</script> {{ 7|add:7 }}")
    Account.objects.update(products=["Payments API"])
    dispatch = order_mail(ada, ben)
    round_of_work()

    page = browse(ada, plan(dispatch.message)).content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7|add:7 }}" in page


def test_a6_the_plan_says_why_it_cannot_go_and_offers_no_button(browse, ada, ben, message):
    User.objects.filter(pk=ben.pk).update(roles=["sales"])

    page = words(browse(ada, plan(message)))

    assert "This cannot be sent: Ben, who approved it, no longer holds the right" in page
    assert "Send 3 e-mails" not in page


def test_a_colleague_can_send_what_somebody_who_left_had_asked_for(browse, ada, message):
    pia = factories.make_user("pia", roles=["product_marketing"])
    User.objects.filter(pk=ada.pk).update(is_active=False)

    assert "Send 3 e-mails and publish" in words(browse(pia, plan(message)))
    browse(pia, plan(message, "order/"), {})

    assert mail_of(message).ordered_by == pia


def test_a_moment_in_the_past_shows_on_the_press(browse, ada, ben):
    ground.people("anna")
    message = factories.make_approved(factories.make_incident(ada), ada, ben)
    client = signed_in(ada)

    with clock.at(NOW + timedelta(hours=2)):
        page = client.post(plan(message, "order/"), follow=True)

    assert "The time promised in the text has passed." in words(page)
    assert not Dispatch.objects.exists()
