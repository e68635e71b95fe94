"""The mailed link and the proof of person: A1–A4, A9, A11, codes and enrolled devices, the page at every state."""

import base64
import io
import logging
from datetime import timedelta

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.db import IntegrityError, connection
from django.test import Client
from django.urls import reverse

from crisiscomms import clock, notices, throttle
from crisiscomms.models import AuditEvent, Notice, User
from crisiscomms.organisation import get_organisation
from crisiscomms.refusal import Refused
from delivery.team_mail import bodies
from messaging import actions, queries
from messaging.actions.proof import mint_code
from messaging.content import Content
from messaging.models import ApprovalCode, ApprovalLink, ApprovalRequest, EnrolledDevice
from messaging.views.approving import COOKIE
from tests import factories
from tests.conftest import NOW
from tests.messaging.reading import forms
from tests.page_rules import check_page

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
SECRET_WORDS = ("Card payments", "support", "Payments API")


@pytest.fixture
def asked(ada, ben, dora) -> ApprovalRequest:
    """Ben and Dora are asked about a holding statement."""
    return factories.ask(factories.make_message(factories.make_incident(ada), ada), ada)


@pytest.fixture
def restricted(ada, ben) -> ApprovalRequest:
    incident = factories.make_incident(ada, restricted=True)
    return factories.ask(factories.make_message(incident, ada, channels=["email"]), ada)


@pytest.fixture
def critical(ada, ben) -> ApprovalRequest:
    return factories.ask(factories.make_message(factories.make_incident(ada, severity="critical"), ada), ada)


def seat_of(request: ApprovalRequest, person: User):
    return request.stages.first().seats.get(person=person)


def link_for(request: ApprovalRequest, person: User) -> str:
    return reverse("messaging:approve_link", args=[actions.mint_link(seat=seat_of(request, person), now=NOW)])


def yes(request: ApprovalRequest, **fields: str) -> dict[str, str]:
    return {"verdict": "approved", "fingerprint": request.version.fingerprint, **fields}


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend=BACKEND)
    return client


def on_device_of(person: User) -> Client:
    client = Client()
    client.cookies[COOKIE] = actions.enroll_device(person=person, label="Phone", now=NOW)
    return client


def code_for(request: ApprovalRequest, person: User, now=NOW) -> str:
    """Asked for and read from the mail."""
    actions.request_code(request=request, person=person, now=now)
    return mint_code(ApprovalCode.objects.get(person=person, ended_at=None))


def state(request: ApprovalRequest) -> str:
    return ApprovalRequest.objects.values_list("state", flat=True).get(pk=request.pk)


# A1: machines


def press_everything(client: Client, url: str, page: str, address: str) -> list[str]:
    """Every form by every button with every choice, as a machine would; returns the pages that came back."""
    answers = []
    for form in forms(page):
        target = (form.action or url).split("#")[0]
        for button in [{}, *form.buttons]:
            for verdict in form.choices.get("verdict", [""]):
                typed = {name: values[0] or "123456" for name, values in form.fields.items()}
                data = {**typed, **button, **({"verdict": verdict} if verdict else {})}
                response = client.post(target, data, REMOTE_ADDR=address)
                check_page(response)
                answers.append(response.content.decode())
    return answers


@pytest.mark.slow
@pytest.mark.parametrize("which", ["asked", "restricted", "critical"])
def test_a1_machines_that_press_everything_decide_nothing_and_the_link_still_works(which, ben, request):
    asked = request.getfixturevalue(which)
    url = link_for(asked, ben)

    for number in range(1, 6):
        client, address = Client(), f"198.51.100.{number}"
        for ask in (client.head, client.get, client.options):
            ask(url, REMOTE_ADDR=address)
        first = client.get(url, REMOTE_ADDR=address, headers={"HX-Request": "true"}).content.decode()
        assert forms(first)
        second = press_everything(client, url, first, address)
    press_everything(client, url, second[-1], address)

    assert (asked.decisions.count(), state(asked)) == (0, "open")
    assert EnrolledDevice.objects.count() == 0
    assert ApprovalLink.objects.get().opened_at == NOW
    answer = signed_in(ben).post(url, yes(asked, code=code_at_last(asked, ben) if asked.fresh_code else ""))
    assert (answer.status_code, state(asked)) == (200, "approved")


def code_at_last(request: ApprovalRequest, person: User) -> str:
    """The machines' presses sent codes as well; the newest that was mailed is good, or the person asks an hour on."""
    ApprovalCode.objects.filter(person=person).update(asked_at=NOW - timedelta(hours=1), ended_at=NOW)
    return code_for(request, person)


def test_a1_reading_notes_the_first_opening_and_nothing_else(asked, ben):
    url = link_for(asked, ben)
    recorded = AuditEvent.objects.count()

    with clock.at(NOW + timedelta(minutes=1)):
        Client().get(url)
    with clock.at(NOW + timedelta(minutes=2)):
        Client().get(url)

    assert ApprovalLink.objects.get().opened_at == NOW + timedelta(minutes=1)
    assert AuditEvent.objects.count() == recorded


def test_a1_a_form_from_another_site_is_refused_even_on_the_enrolled_device(asked, ben):
    client = Client(enforce_csrf_checks=True)
    client.cookies[COOKIE] = actions.enroll_device(person=ben, label="Phone", now=NOW)

    response = client.post(link_for(asked, ben), yes(asked))

    assert (response.status_code, asked.decisions.count()) == (403, 0)


# A2, A3, A4: used, expired, superseded


@pytest.mark.parametrize("client_of", [signed_in, on_device_of])
def test_a2_a_decided_link_replayed_is_409_with_one_decision_and_one_record(client_of, asked, ben):
    url, client = link_for(asked, ben), client_of(ben)
    assert client.post(url, yes(asked)).status_code == 200

    again = [client.post(url, yes(asked, verdict=verdict, reason="So.")) for verdict in ("approved", "rejected")]
    again.append(Client().post(url, yes(asked)))

    assert [response.status_code for response in again] == [409, 409, 409]
    assert "You have decided on this" in again[0].content.decode()
    assert (asked.decisions.count(), state(asked)) == (1, "approved")
    assert AuditEvent.objects.filter(verb="approval.approved").count() == 1


def test_a2_a_second_tab_of_a_stage_that_still_waits_for_others_is_409_too(ada, ben, sol, lea):
    asked = factories.ask(factories.make_message(factories.make_incident(ada, kind="security_incident"), ada), ada)
    url, client = link_for(asked, sol), signed_in(sol)
    client.post(url, yes(asked))

    replayed, reread = client.post(url, yes(asked)), client.get(url)

    assert (replayed.status_code, reread.status_code, asked.decisions.count()) == (409, 200, 1)
    assert forms(reread.content.decode()) == [] and "You have decided" in reread.content.decode()


@pytest.mark.parametrize("client_of", [signed_in, on_device_of])
def test_a3_an_expired_link_says_so_and_decides_nothing(client_of, asked, ben):
    url, client = link_for(asked, ben), client_of(ben)

    with clock.at(asked.expires_at):
        page, answer = client.get(url), client.post(url, yes(asked))

    assert "has expired" in page.content.decode() and forms(page.content.decode()) == []
    assert (answer.status_code, asked.decisions.count()) == (409, 0)


def test_a3_the_signed_in_page_of_an_expired_request_decides_nothing(asked, ben):
    with clock.at(asked.expires_at):
        answer = signed_in(ben).post(reverse("messaging:approve", args=[asked.pk]), yes(asked))

    assert (answer.status_code, asked.decisions.count()) == (409, 0)


@pytest.mark.parametrize("what", ["revoked", "superseded", "withdrawn"])
def test_a4_a_dead_link_is_refused_also_on_a_page_that_was_open(what, asked, ada, ben):
    url, client = link_for(asked, ben), signed_in(ben)
    opened = forms(client.get(url).content.decode())[-1]
    if what == "revoked":
        ApprovalLink.objects.update(revoked_at=NOW)
    elif what == "withdrawn":
        actions.reopen_message(message_id=asked.message_id, by=ada, now=NOW)
    else:
        actions.edit_message(
            message_id=asked.message_id, content=factories.make_content(subject="Anew"), by=ada, now=NOW
        )
        factories.ask(asked.message, ada)

    typed = {name: values[0] for name, values in opened.fields.items()}
    answer = client.post(url, {**typed, "verdict": "approved"})

    assert (answer.status_code, ApprovalRequest.objects.filter(state="approved").count()) == (409, 0)
    assert asked.decisions.count() == 0


def test_a4_the_open_signed_in_page_of_a_voided_request_is_refused(asked, ada, ben):
    url, client = reverse("messaging:approve", args=[asked.pk]), signed_in(ben)
    client.get(url)
    actions.reopen_message(message_id=asked.message_id, by=ada, now=NOW)

    answer = client.post(url, yes(asked))

    assert (answer.status_code, asked.decisions.count()) == (409, 0)
    assert "Ada changes the text. So this request is void." in answer.content.decode()


# A9: forwarded


def clients_of_others(request: ApprovalRequest) -> dict[str, Client]:
    others = {"nobody": Client()}
    for person in User.objects.exclude(name="Ben"):
        others[f"{person} signed in"] = signed_in(person)
        others[f"{person} on a device"] = on_device_of(person)
    return others


@pytest.mark.parametrize("verdict", ["approved", "returned", "rejected"])
def test_a9_a_forwarded_link_decides_nothing_for_anybody_else(verdict, asked, ben, cleo, olga):
    url = link_for(asked, ben)

    for client in clients_of_others(asked).values():
        answer = client.post(url, yes(asked, verdict=verdict, reason="So."))
        assert "is it you?" in answer.content.decode()
        wrong = client.post(url, yes(asked, verdict=verdict, reason="So.", code="123456"))
        assert wrong.status_code == 422

    assert (asked.decisions.count(), state(asked)) == (0, "open")


def test_a9_another_approvers_code_does_not_open_my_link(asked, ben, dora):
    answer = Client().post(link_for(asked, ben), yes(asked, code=code_for(asked, dora)))

    assert (answer.status_code, asked.decisions.count()) == (422, 0)


def test_a9_a_restricted_incident_shows_nothing_without_the_persons_own_proof(restricted, ben, cleo, olga, dora):
    url = link_for(restricted, ben)

    for client in clients_of_others(restricted).values():
        for answer in (client.get(url), client.post(url, yes(restricted)), client.post(url, {"send_code": "1"})):
            page = answer.content.decode()
            assert "A decision is waiting" in page
            assert not [word for word in (*SECRET_WORDS, restricted.message.incident.ref) if word in page]


@pytest.mark.parametrize("client_of", [signed_in, on_device_of])
def test_a9_a_restricted_incident_opens_to_the_persons_own_proof(client_of, restricted, ben):
    assert SECRET_WORDS[0] in client_of(ben).get(link_for(restricted, ben)).content.decode()


def test_a9_a_code_opens_a_restricted_incident_on_this_device(restricted, ben):
    url, client = link_for(restricted, ben), Client()
    assert client.post(url, {"unlock": "1", "code": "123456"}).status_code == 422

    answer = client.post(url, {"unlock": "1", "code": code_for(restricted, ben)})

    assert (answer.status_code, answer.url) == (302, url)
    assert SECRET_WORDS[0] in client.get(url).content.decode()
    assert SECRET_WORDS[0] not in Client().get(url).content.decode()


def test_a9_the_mail_about_a_restricted_incident_is_a_notice_only(restricted, ben):
    notice = Notice.objects.get(person=ben, kind="approval_request")

    mail = notices.render(notice, NOW)

    whole = " ".join([mail.subject, *mail.paragraphs, mail.quote_text, mail.quote_html])
    assert mail.link and not [word for word in SECRET_WORDS if word in whole]


def test_the_mail_carries_the_text_the_reach_the_time_and_a_link_that_works(asked, ben):
    mail = notices.render(Notice.objects.get(person=ben, kind="approval_request"), NOW)
    text, html = bodies(mail, get_organisation())

    for body in (text, html):
        assert "Some of the card payments" in body and "people in" in body and mail.link in body
    assert "Decide by" in mail.subject
    page = Client().get("/" + mail.link.split("/", 3)[3])
    assert (page.status_code, "May this go out" in page.content.decode()) == (200, True)


def test_a_mail_that_waited_until_after_the_decision_is_not_sent(asked, ben, dora):
    factories.approve(asked, dora)

    assert notices.render(Notice.objects.get(person=ben, kind="approval_request"), NOW) is None
    assert ApprovalLink.objects.count() == 0


# A11: secrets


def test_a11_tokens_are_long_random_and_kept_only_hashed(asked, ben):
    tokens = {actions.mint_link(seat=seat_of(asked, ben), now=NOW) for _ in range(50)}

    assert len(tokens) == 50
    assert all(len(base64.urlsafe_b64decode(token + "==")) * 8 >= 128 for token in tokens)
    kept = {value for row in ApprovalLink.objects.values_list() for value in map(str, row)}
    assert not tokens & kept
    assert _nowhere_in_the_database(next(iter(tokens)))


def test_a11_codes_and_device_secrets_are_kept_only_hashed(asked, ben):
    code = code_for(asked, ben)
    secret = actions.enroll_device(person=ben, label="Phone", now=NOW)

    assert (len(code), code.isdigit()) == (6, True)
    assert ApprovalCode.objects.get().code_hash not in ("", code)
    assert _nowhere_in_the_database(secret)


def _nowhere_in_the_database(secret: str) -> bool:
    with connection.cursor() as cursor:
        tables = [
            name for name in connection.introspection.table_names(cursor) if not name.startswith("django_session")
        ]
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{secret}%"])
            if cursor.fetchone()[0]:
                return False
    return True


def test_a11_a_token_never_stands_in_a_log(asked, ben):
    written = io.StringIO()
    handler = logging.getLogger("crisiscomms").handlers[0]
    before = handler.setStream(written)
    try:
        Client().get("/approve/" + "k" * 43 + "/")
        url = link_for(asked, ben)
        Client(enforce_csrf_checks=True).post(url, yes(asked))
        logging.getLogger("crisiscomms").warning("sent %s to %s", f"https://x.example{url}", ben.email)
    finally:
        handler.setStream(before)

    assert "/approve/[token]" in written.getvalue() and "[address]" in written.getvalue()
    assert not [secret for secret in ("kkkk", url.split("/")[2], ben.email) if secret in written.getvalue()]


def test_a11_the_page_is_not_cached_not_indexed_and_sends_no_referrer_to_others(asked, ben):
    response = Client().get(link_for(asked, ben))

    assert "no-store" in response.headers["Cache-Control"] and "noindex" in response.headers["X-Robots-Tag"]
    assert response.headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert not [url for url in response.content.decode().split('"') if url.startswith(("http:", "https:", "//"))]


def test_a11_wrong_tokens_are_throttled_by_address(asked, ben, monkeypatch):
    monkeypatch.setattr(throttle, "cache", LocMemCache("a11", {}))
    codes = [Client().get(f"/approve/wrong{n}/").status_code for n in range(61)]

    assert (set(codes[:60]), codes[60]) == ({404}, 429)
    # A header that the machine writes itself does not buy it a new address; another address is let in.
    forged = Client().get("/approve/wrong/", headers={"X-Forwarded-For": "203.0.113.9"})
    other = Client().get(link_for(asked, ben), REMOTE_ADDR="203.0.113.9")
    assert (forged.status_code, other.status_code) == (429, 200)


@pytest.mark.parametrize("client_of", [signed_in, on_device_of])
def test_a11_critical_asks_for_a_fresh_code_of_everybody(client_of, critical, ben):
    client, url = client_of(ben), link_for(critical, ben)

    without = client.post(url, yes(critical))
    assert (critical.decisions.count(), "is it you?" in without.content.decode()) == (0, True)
    assert "Remember this device" not in without.content.decode()
    with_code = client.post(url, yes(critical, code=code_for(critical, ben)))

    assert (with_code.status_code, critical.decisions.get().proof) == (200, "code")


def test_a11_the_signed_in_page_asks_for_the_fresh_code_alike(critical, ben):
    answer = signed_in(ben).post(reverse("messaging:approve", args=[critical.pk]), yes(critical))

    assert (critical.decisions.count(), "is it you?" in answer.content.decode()) == (0, True)


# Codes


def test_asking_for_a_code_by_the_page_mails_it_and_it_decides(asked, ben):
    client, url = Client(), link_for(asked, ben)
    answer = client.post(url, {**yes(asked), "send_code": "1"})
    assert "A code is on its way" in answer.content.decode()
    mail = notices.render(Notice.objects.get(person=ben, kind="approval_code"), NOW)

    done = client.post(url, yes(asked, code=mail.paragraphs[0]))

    assert (done.status_code, state(asked)) == (200, "approved")
    assert asked.decisions.get().proof == "code"


def test_one_code_is_live_and_a_new_one_ends_the_old(asked, ben):
    later = NOW + timedelta(minutes=1)
    first, second = code_for(asked, ben), code_for(asked, ben, now=later)

    assert ApprovalCode.objects.filter(ended_at=None).count() == 1
    assert first == second or not actions.check_code(request=asked, person=ben, code=first, now=later)
    assert actions.check_code(request=asked, person=ben, code=second, now=later)


def test_pressing_again_within_the_minute_sends_no_second_mail(asked, ben):
    for seconds in (0, 1, 59):
        actions.request_code(request=asked, person=ben, now=NOW + timedelta(seconds=seconds))

    assert Notice.objects.filter(person=ben, kind="approval_code").count() == 1


def test_the_database_allows_one_live_code(asked, ben):
    code_for(asked, ben)

    with pytest.raises(IntegrityError, match="person_has_one_live_code"):
        ApprovalCode.objects.create(person=ben, request=asked, asked_at=NOW, expires_at=NOW)


@pytest.mark.parametrize(("seconds", "is_good"), [(0, True), (599, True), (600, False), (3600, False)])
def test_a_code_lives_ten_minutes(seconds, is_good, asked, ben):
    code = code_for(asked, ben)

    assert actions.check_code(request=asked, person=ben, code=code, now=NOW + timedelta(seconds=seconds)) is is_good


def test_three_codes_an_hour_then_words_and_after_the_hour_again(asked, ben, dora):
    for minute in (0, 1, 2):
        actions.request_code(request=asked, person=ben, now=NOW + timedelta(minutes=minute))

    with pytest.raises(Refused, match="next can be sent in 57 min"):
        actions.request_code(request=asked, person=ben, now=NOW + timedelta(minutes=3))
    actions.request_code(request=asked, person=dora, now=NOW + timedelta(minutes=3))
    actions.request_code(request=asked, person=ben, now=NOW + timedelta(minutes=60))

    assert Notice.objects.filter(person=ben, kind="approval_code").count() == 4


def test_the_page_says_that_the_codes_are_used_up(asked, ben):
    client, url, answers = Client(), link_for(asked, ben), []

    for minute in range(4):
        with clock.at(NOW + timedelta(minutes=minute)):
            answers.append(client.post(url, {**yes(asked), "send_code": "1"}))

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert "Three codes were sent within the hour" in answers[3].content.decode()


def test_what_machines_press_does_not_use_up_the_codes_of_the_person_who_is_signed_in(critical, ben):
    url = link_for(critical, ben)
    for minute in range(5):
        with clock.at(NOW + timedelta(minutes=minute)):
            Client().post(url, {"send_code": "1"})

    with clock.at(NOW + timedelta(minutes=6)):
        answer = signed_in(ben).post(url, {**yes(critical), "send_code": "1"})

    assert (answer.status_code, "A code is on its way" in answer.content.decode()) == (200, True)


def test_five_wrong_tries_end_a_code(asked, ben):
    code = code_for(asked, ben)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"

    tries = [actions.check_code(request=asked, person=ben, code=wrong, now=NOW) for _ in range(5)]

    assert tries == [False] * 5
    assert not actions.check_code(request=asked, person=ben, code=code, now=NOW)


def test_after_four_wrong_tries_the_right_code_still_counts_and_once_only(asked, ben):
    code = code_for(asked, ben)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    for _ in range(4):
        actions.check_code(request=asked, person=ben, code=wrong, now=NOW)

    right = [actions.check_code(request=asked, person=ben, code=code, now=NOW) for _ in range(2)]

    assert right == [True, False]


def test_a_code_is_for_one_request(asked, critical, ben):
    code = code_for(asked, ben)

    assert not actions.check_code(request=critical, person=ben, code=code, now=NOW)
    assert actions.check_code(request=asked, person=ben, code=code, now=NOW)


def test_a_code_that_was_not_mailed_yet_is_no_code(asked, ben):
    actions.request_code(request=asked, person=ben, now=NOW)

    assert not actions.check_code(request=asked, person=ben, code="", now=NOW)


@pytest.mark.parametrize("typed", ["{0}", " {0} ", "{1} {2}"])
def test_a_code_may_be_typed_as_it_stands_in_the_mail(typed, asked, ben):
    code = code_for(asked, ben)

    assert actions.check_code(request=asked, person=ben, code=typed.format(code, code[:3], code[3:]), now=NOW)


def test_a_missing_reason_is_said_before_the_code_is_used_up(asked, ben):
    client, url, code = Client(), link_for(asked, ben), code_for(asked, ben)

    answer = client.post(url, yes(asked, verdict="returned", code=code))

    assert (answer.status_code, "Give a reason" in answer.content.decode()) == (422, True)
    assert client.post(url, yes(asked, verdict="returned", reason="So.", code=code)).status_code == 200
    assert state(asked) == "returned"


# Enrolled devices


def test_a_device_remembered_with_a_code_decides_the_next_by_one_press(asked, ada, ben):
    client = Client()
    answer = client.post(link_for(asked, ben), yes(asked, code=code_for(asked, ben), remember="1"))
    cookie = answer.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")

    other = factories.ask(factories.make_message(factories.make_incident(ada), ada), ada)
    pressed = client.post(link_for(other, ben), yes(other))

    assert (pressed.status_code, other.decisions.get().proof) == (200, "device")


def test_without_the_box_ticked_no_device_is_remembered(asked, ben):
    answer = Client().post(link_for(asked, ben), yes(asked, code=code_for(asked, ben)))

    assert (answer.status_code, COOKIE in answer.cookies, EnrolledDevice.objects.count()) == (200, False, 0)


@pytest.mark.parametrize("why", ["another person", "revoked", "too old", "no longer active", "a made-up secret"])
def test_a_device_counts_only_for_its_living_owner(why, ben, dora):
    secret = actions.enroll_device(person=ben, label="Phone", now=NOW)
    now, person = NOW, ben
    assert actions.known_device(person=ben, secret=secret, now=NOW)
    if why == "another person":
        person = dora
    elif why == "revoked":
        EnrolledDevice.objects.update(revoked_at=NOW)
    elif why == "too old":
        now = NOW + timedelta(days=180)
    elif why == "no longer active":
        ben.is_active = False
    else:
        secret = secret[:-1]

    assert not actions.known_device(person=person, secret=secret, now=now)


# The page


@pytest.mark.parametrize("way", ["link", "signed in"])
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("open", "May this go out"),
        ("approved by another", "has been approved"),
        ("decided", "You have decided"),
        ("returned", "returned for changes"),
        ("rejected", "was rejected"),
        ("voided", "void"),
        ("expired", "expired"),
    ],
)
def test_the_page_says_what_is_the_case_at_every_state(how, words, way, asked, ada, ben, dora):
    url = link_for(asked, ben) if way == "link" else reverse("messaging:approve", args=[asked.pk])
    if how == "decided":
        factories.approve(asked, ben)
    elif how == "approved by another":
        factories.approve(asked, dora)
    elif how in ("returned", "rejected"):
        factories.approve(asked, dora, verdict=how, reason="So.")
    elif how == "voided":
        actions.reopen_message(message_id=asked.message_id, by=ada, now=NOW)
    elif how == "expired":
        actions.expire_requests(now=asked.expires_at)

    response = (Client() if way == "link" else signed_in(ben)).get(url)

    check_page(response)
    assert (response.status_code, words in response.content.decode()) == (200, True)
    assert bool([form for form in forms(response.content.decode()) if form.choices]) == (how == "open")


@pytest.mark.parametrize("length", [1, 43, 3_000])
def test_a_link_that_is_not_ours_is_a_404_with_words(length, policies):
    response = Client().get(f"/approve/{'x' * length}/")

    check_page(response)
    assert (response.status_code, "not one of ours" in response.content.decode()) == (404, True)


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ({"verdict": ""}, 422),
        ({"verdict": "maybe"}, 422),
        ({"fingerprint": ""}, 422),
        ({"fingerprint": "0" * 64}, 409),
        ({"verdict": "returned"}, 422),
        ({"verdict": "returned", "reason": " "}, 422),
        ({"reason": "x" * 2_001}, 422),
    ],
)
def test_what_is_wrong_is_said_in_place_and_nothing_is_decided(typed, status, browse, asked, ben):
    response = browse(ben, reverse("messaging:approve", args=[asked.pk]), {**yes(asked), **typed})

    assert (response.status_code, asked.decisions.count()) == (status, 0)
    assert 'role="alert"' in response.content.decode()


def test_what_was_typed_is_kept_when_it_is_refused(browse, asked, ben):
    data = {**yes(asked), "verdict": "rejected", "reason": "It names <a cause>", "fingerprint": "0" * 64}

    page = browse(ben, reverse("messaging:approve", args=[asked.pk]), data).content.decode()

    assert "It names &lt;a cause&gt;" in page
    assert 'value="rejected" id="verdict_2" class="is-reject" checked' in page


def test_the_signed_in_page_is_for_those_who_are_asked_and_a_404_for_others(browse, asked, ada, ben, cleo, olga):
    url = reverse("messaging:approve", args=[asked.pk])

    assert browse(ben, url).status_code == 200
    assert {browse(person, url).status_code for person in (ada, cleo, olga)} == {404}
    assert browse(None, url).status_code == 302


def test_asked_again_the_page_shows_what_changed_since(browse, asked, ada, ben):
    actions.edit_message(
        message_id=asked.message_id, content=factories.make_content(subject="Card payments: all fail"), by=ada, now=NOW
    )
    again = factories.ask(asked.message, ada)

    page = browse(ben, reverse("messaging:approve", args=[again.pk])).content.decode()

    assert "Changed since you were asked" in page
    assert '<del class="cc-diff">some</del>' in page and '<ins class="cc-diff">all</ins>' in page


def test_an_approver_without_access_to_the_product_gets_a_dead_link(asked, ben):
    url = link_for(asked, ben)
    User.objects.filter(pk=ben.pk).update(is_active=False)

    page, answer = Client().get(url), on_device_of(ben).post(url, yes(asked))

    assert SECRET_WORDS[0] not in page.content.decode()
    assert (answer.status_code, asked.decisions.count()) == (409, 0)


@pytest.mark.parametrize("verdict", ["returned", "rejected"])
@pytest.mark.parametrize("pressed", [{}, {"send_code": "1"}])
def test_a_missing_reason_is_said_at_once_and_no_code_is_mailed_for_it(pressed, verdict, asked, ben):
    answer = Client().post(link_for(asked, ben), yes(asked, verdict=verdict, **pressed))

    page = answer.content.decode()
    assert (answer.status_code, ApprovalCode.objects.count()) == (422, 0)
    assert 'id="reason_error"' in page
    assert 'href="#reason"' in page


def test_a_reason_that_is_too_long_says_so_in_place(browse, asked, ben):
    page = browse(
        ben, reverse("messaging:approve", args=[asked.pk]), yes(asked, verdict="returned", reason="x" * 5000)
    ).content.decode()

    assert "This is 2000 characters at most; it has 5000." in page
    assert "Read the text again" not in page


def test_who_decides_alone_reads_that_nobody_else_is_asked(browse, ada, ben):
    alone = factories.ask(factories.make_message(factories.make_incident(ada), ada), ada)

    page = browse(ben, reverse("messaging:approve", args=[alone.pk])).content.decode()

    assert "Nobody else is asked." in page
    assert "Then others are asked as well" not in page
    assert "2\u00a0minutes after Send" in page


def test_the_invented_reader_reads_the_same_reason_as_the_real_ones(ada, ben):
    message = factories.make_message(factories.make_incident(ada), ada, affected_only=False)
    content = Content.from_data(message.working)
    factories.make_contact(account=factories.make_account(products=[]))

    invented, real = (queries.preview(message, content, position=position) for position in (-1, 0))

    assert (invented.is_sample, real.is_sample) == (False, True)
    assert (invented.why.split(invented.account)[1], real.why.split(real.account)[1]) == (
        " is our customer.",
        " is our customer.",
    )
