"""The composer with and without htmx: saving, both texts at a conflict, what is wrong in place, the live region."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from crisiscomms import clock
from crisiscomms.models import User
from incidents.models import Incident
from messaging import actions
from messaging.content import Content
from messaging.models import Message
from tests import factories
from tests.conftest import NOW
from tests.messaging.reading import form_with


@pytest.fixture
def message(ada, ben) -> Message:
    return factories.make_message(factories.make_incident(ada), ada)


def at(name: str, message: Message) -> str:
    return reverse(f"messaging:{name}", args=[message.pk])


def typed(browse, person, message: Message, **changes: object) -> dict[str, object]:
    """What a browser would send from the composer as this person sees it, with changes."""
    page = browse(person, at("compose", message)).content.decode()
    return {**form_with(page, "recognize").fields, **changes}


def words(response) -> str:
    return response.content.decode()


def test_starting_a_message_from_the_room_opens_its_composer(browse, ada, ben):
    incident = factories.make_incident(ada)

    response = browse(ada, f"/incidents/INC-{incident.number}/messages/new/", {"kind": "holding"})

    message = Message.objects.get()
    assert (response.status_code, response.url) == (302, at("compose", message))
    assert "Holding statement 1" in words(browse(ada, response.url))


@pytest.mark.parametrize("kind", ["", "novel"])
def test_an_unknown_kind_of_message_leads_back_to_the_room_with_words(kind, browse, ada):
    incident = factories.make_incident(ada)

    response = browse(ada, f"/incidents/INC-{incident.number}/messages/new/", {"kind": kind})

    assert (response.status_code, response.url) == (302, f"/incidents/INC-{incident.number}/")
    assert Message.objects.count() == 0


def test_what_the_page_holds_is_what_stands_there_and_saving_it_unchanged_changes_nothing(browse, ada, message):
    before = (message.revision, message.working)

    response = browse(ada, at("compose", message), typed(browse, ada, message))

    message.refresh_from_db()
    assert response.status_code == 302
    assert Content.from_data(message.working).next_update == Content.from_data(before[1]).next_update
    assert {**message.working, "next_update_at": 0} == {**before[1], "next_update_at": 0}


def test_saving_without_a_script_keeps_every_field(browse, ada, message):
    local = timezone.localtime(NOW + timedelta(hours=3), timezone=timezone.get_fixed_timezone(60))
    data = typed(
        browse,
        ada,
        message,
        subject="Anew",
        respond="First\r\n\r\nsecond \u201cquoted\u201d",
        say="One\r\n\r\n  Two ",
        dont_say="A cause | It is being confirmed",
        tiers=["1", "3"],
        channels=["email"],
        next_update_at=local.strftime("%Y-%m-%dT%H:%M"),
    )

    assert browse(ada, at("compose", message), data).status_code == 302

    message.refresh_from_db()
    kept = Content.from_data(message.working)
    assert (kept.subject, kept.respond) == ("Anew", "First\n\nsecond \u201cquoted\u201d")
    assert (kept.say, kept.dont_say) == (["One", "Two"], [{"text": "A cause", "instead": "It is being confirmed"}])
    assert (kept.tiers, kept.channels, kept.next_update) == ([1, 3], ["email"], NOW + timedelta(hours=3))


def test_autosave_answers_with_the_new_revision_the_checks_and_the_preview(browse, ada, message):
    factories.make_contact(account=factories.make_account("Bluegate Retail"))
    data = typed(browse, ada, message, recognize="Dear {{ first_name }} of {{ account }}.")

    response = browse(ada, at("autosave", message), data, htmx=True)

    message.refresh_from_db()
    assert (response.status_code, message.working["recognize"]) == (200, "Dear {{ first_name }} of {{ account }}.")
    assert f'data-cc-revision="{message.revision}"' in words(response)
    assert "Dear Lena of Bluegate Retail." in words(response) and "<h1" not in words(response)


def test_mail_that_nobody_would_get_is_said_among_the_checks(browse, ada, message):
    assert "nobody would get it" in words(browse(ada, at("compose", message)))

    factories.make_contact()

    assert "nobody would get it" not in words(browse(ada, at("compose", message)))


def test_autosave_keeps_what_cannot_be_rendered_and_says_what_is_wrong_with_it(browse, ada, message):
    response = browse(
        ada, at("autosave", message), typed(browse, ada, message, respond="Dear {{ frist_name }}"), htmx=True
    )

    message.refresh_from_db()
    assert (response.status_code, message.working["respond"]) == (200, "Dear {{ frist_name }}")
    assert "“frist_name”, which is not a field here" in words(response)


@pytest.mark.parametrize("way", ["autosave", "compose", "request_approval"])
def test_a_conflict_is_409_and_keeps_both_texts(way, browse, ada, message):
    eve = factories.make_user("eve", roles=["product_marketing"])
    mine = typed(browse, ada, message, respond="Ada's own words.")
    browse(eve, at("compose", message), typed(browse, eve, message, respond="Eve's own words."))

    response = browse(ada, at(way, message), mine, htmx=way == "autosave")

    assert response.status_code == 409
    assert "Eve saved this text after you opened it" in words(response)
    message.refresh_from_db()
    assert (message.working["respond"], message.state) == ("Eve's own words.", "draft")
    if way != "autosave":
        assert "Eve&#x27;s own words." in words(response) and "Ada&#x27;s own words." in words(response)


def test_after_looking_at_both_a_second_save_wins_and_the_other_text_is_a_version(browse, ada, message):
    eve = factories.make_user("eve", roles=["product_marketing"])
    mine = typed(browse, ada, message, respond="Ada's own words.")
    browse(eve, at("compose", message), typed(browse, eve, message, respond="Eve's own words."))
    both = words(browse(ada, at("compose", message), mine))

    response = browse(ada, at("compose", message), form_with(both, "recognize").fields)

    message.refresh_from_db()
    assert (response.status_code, message.working["respond"]) == (302, "Ada's own words.")
    assert message.versions.order_by("-number").first().content["respond"] == "Eve's own words."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("revision", "x"),
        ("revision", ""),
        ("revision", "99999999999"),
        ("next_update_at", "soon"),
        ("next_update_at", "2026-02-30T10:00"),
        ("channels", "pigeon"),
        ("kinds", "enemy"),
        ("tiers", "9"),
        ("subject", "x" * 700),
        ("respond", "x" * 17_000),
        ("missing_reason", "x" * 501),
    ],
)
@pytest.mark.parametrize("way", ["autosave", "compose"])
def test_a_field_that_cannot_be_read_is_422_and_what_was_typed_is_kept(way, name, value, browse, ada, message):
    before = message.working
    data = typed(browse, ada, message, **{"rebuild": "Typed just now.", name: value})

    response = browse(ada, at(way, message), data, htmx=way == "autosave")

    message.refresh_from_db()
    assert (response.status_code, message.working) == (422, before)
    if way == "compose":
        assert "Typed just now." in words(response) and f'href="#id_{name}' in words(response)


@pytest.mark.parametrize("name", ["recognize", "subject", "say"])
def test_nul_in_a_field_is_400(name, browse, ada, message):
    assert browse(ada, at("autosave", message), {"revision": "1", name: "a\x00b"}, htmx=True).status_code == 400


def test_sending_for_approval_saves_freezes_and_asks_and_the_page_shows_who(browse, ada, ben, message):
    response = browse(ada, at("request_approval", message), typed(browse, ada, message, subject="The last word"))

    assert (response.status_code, response.url) == (302, at("compose", message))
    request = message.requests.get()
    assert request.version.content["subject"] == "The last word"
    page = words(browse(ada, response.url))
    assert "In approval" in page and "Stage 1: Executive approver" in page and "Ben" in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rebuild": ""}, "The message has no rebuild part"),
        ({"respond": "{{ password }}"}, "“password”, which is not a field here"),
        ({"next_update_at": ""}, "Say when the next update comes"),
        ({"next_update_at": "2026-11-17T13:00"}, "The promised time has passed"),
        ({"channels": []}, "Choose at least one channel"),
    ],
)
def test_what_keeps_it_from_approval_is_said_in_place_and_the_text_is_kept(changes, sentence, browse, ada, message):
    data = typed(browse, ada, message, subject="Typed just now", **changes)

    response = browse(ada, at("request_approval", message), data)

    message.refresh_from_db()
    assert (response.status_code, message.state) == (422, "draft")
    assert sentence in words(response) and "What you typed is kept below" in words(response)
    assert message.working["subject"] == "Typed just now" and "Typed just now" in words(response)


def test_without_anybody_who_may_approve_it_says_so_with_409(browse, ada, message):
    User.objects.filter(name="Ben").update(is_active=False)

    response = browse(ada, at("request_approval", message), typed(browse, ada, message))

    assert (response.status_code, "Nobody can approve" in words(response)) == (409, True)


def test_pressing_send_for_approval_twice_asks_once(browse, ada, message):
    data = typed(browse, ada, message)
    browse(ada, at("request_approval", message), data)

    again = browse(ada, at("request_approval", message), data)

    assert (again.status_code in (409, 422), message.requests.count()) == (True, 1)
    assert "It is in approval" in words(again)


def test_reopening_voids_and_makes_the_fields_writable_again(browse, ada, message):
    request = factories.ask(message, ada)
    assert "<fieldset disabled>" in words(browse(ada, at("compose", message)))

    response = browse(ada, at("reopen", message), {})

    request.refresh_from_db()
    assert (response.status_code, request.state) == (302, "voided")
    assert "<fieldset disabled>" not in words(browse(ada, at("compose", message)))


def test_reopening_a_draft_changes_nothing_and_says_so(browse, ada, message):
    assert browse(ada, at("reopen", message), {}).status_code == 302

    message.refresh_from_db()
    assert message.state == "draft"


def test_the_live_region_answers_304_until_something_happens(browse, ada, ben, message):
    request = factories.ask(message, ada)
    first = browse(ada, at("status", message), htmx=True)
    mark = words(first).split('"If-None-Match": "')[1].split('"')[0]

    same = browse(ada, at("status", message), htmx=True, HTTP_IF_NONE_MATCH=mark)
    factories.approve(request, ben)
    after = browse(ada, at("status", message), htmx=True, HTTP_IF_NONE_MATCH=mark)

    assert (same.status_code, after.status_code) == (304, 200)
    assert "Approved" in words(after) and "Go to sending" in words(after)


@pytest.mark.parametrize("how", ["returned", "rejected", "approved", "voided", "expired"])
def test_the_drafter_sees_how_it_ended(how, browse, ada, ben, message):
    request = factories.ask(message, ada)
    if how == "voided":
        actions.reopen_message(message_id=message.pk, by=ada, now=NOW)
    elif how == "expired":
        actions.expire_requests(now=request.expires_at)
    else:
        factories.approve(request, ben, verdict=how, reason="" if how == "approved" else "Name <no> cause.")

    page = words(browse(ada, at("compose", message)))

    shown = {
        "returned": "Ben returned this for changes.",
        "rejected": "Rejected",
        "approved": "Go to sending",
        "voided": "Send for approval",
        "expired": "Send for approval",
    }
    assert shown[how] in page
    assert ("Name &lt;no&gt; cause." in page) == (how in ("returned", "rejected"))
    assert ("The approval of version 1 does not count any more" in page) == (how in ("voided", "expired"))
    assert ("Ada changes the text." in page) == (how == "voided")
    assert ("Nobody decided in time." in page) == (how == "expired")


def test_the_versions_show_what_each_changed_in_words(browse, ada, message):
    content = factories.make_content(subject="Card payments: all fail, we are on it")
    actions.edit_message(message_id=message.pk, content=content, by=ada, now=NOW)

    page = words(browse(ada, at("compose", message)))

    assert '<del class="cc-diff">some</del><ins class="cc-diff">all</ins>' in page


def test_the_preview_walks_through_real_recipients(browse, ada, message):
    for name in ("Bluegate", "Copperfield"):
        factories.make_contact(f"a@{name.lower()}.example", factories.make_account(name))

    seen = [words(browse(ada, f"{at('panel', message)}?sample={n}", htmx=True)) for n in (0, 1)]

    assert "a@bluegate.example" in seen[0] and "a@copperfield.example" in seen[1]


@pytest.mark.parametrize("sample", ["x", "-1", "99999999", "1e9", "²", "999999"])
def test_a_sample_that_is_no_number_shows_some_recipient(sample, browse, ada, message):
    assert browse(ada, at("panel", message), htmx=True, data=None, QUERY_STRING=f"sample={sample}").status_code == 200


def test_i6_a_contact_with_a_nasty_name_is_inert_in_the_preview(browse, ada, message):
    nasty = "<script>alert(1)</script>[x](https://evil.example){{ account }}"
    factories.make_contact(account=factories.make_account(nasty), first_name=nasty)

    for url in (at("compose", message), at("panel", message)):
        page = words(browse(ada, url, htmx=url.endswith("panel/")))
        assert "<script>alert" not in page and 'href="https://evil.example"' not in page
        assert "&lt;script&gt;alert(1)" in page


WAYS = [("compose", False), ("compose", True), ("autosave", True), ("panel", False), ("status", False)] + [
    ("request_approval", True),
    ("reopen", True),
]


@pytest.mark.parametrize(("name", "is_post"), WAYS)
def test_x3_outsiders_and_those_who_are_not_let_in_get_404_everywhere(name, is_post, browse, ada, ben, cleo, message):
    outsider = factories.make_user("pia", roles=["product"])
    assert browse(outsider, at("compose", message)).status_code == 200
    Incident.objects.update(restricted=True)

    for person in (ben, cleo, outsider):
        assert browse(person, at(name, message), {"revision": "1"} if is_post else None).status_code == 404
    assert browse(None, at(name, message), {} if is_post else None).status_code == 302
    message.refresh_from_db()
    assert message.state == "draft"


def test_the_page_counts_down_to_the_clock_it_serves(browse, ada, message):
    with clock.at(NOW + timedelta(minutes=30)):
        assert "Acknowledge to customers" in words(browse(ada, at("compose", message)))


def test_what_keeps_it_from_approval_is_marked_at_its_field(browse, ada, message):
    page = words(browse(ada, at("request_approval", message), typed(browse, ada, message, subject="")))

    assert 'class="cc-note is-bad cc-errors"' in page
    assert 'id="id_subject_error"' in page


def test_an_approved_message_has_no_checks_however_late_it_is(browse, ada, ben):
    approved = factories.make_approved(factories.make_incident(ada), ada, ben)

    with clock.at(NOW + timedelta(days=40)):
        page = words(browse(ada, at("compose", approved)))

    assert "to settle before approval" not in page
    assert "has passed" not in page
