"""Who gets which answer from which address (faults, X1 to X9)."""

import email.policy
import re
from collections.abc import Iterator
from email import message_from_bytes
from typing import Any

import pytest
from django.urls import reverse

from crisiscomms.models import AuditEvent, User
from delivery.models import Dispatch
from incidents.models import Incident
from messaging import actions as messaging
from messaging.actions import proof
from messaging.models import ApprovalCode, ApprovalDecision, ApprovalRequest, Message
from tests import factories
from tests.access_table import TABLE
from tests.page_rules import check_page
from tests.routes import arguments_of, names, routes
from tests.visits import addresses, answer_of, code_of, sign_in, url_of
from tests.world import CANARY, NOW, World, deliver, furnish, make_world, secret_texts

pytestmark = pytest.mark.slow
WHO = ("anonymous", "sales", "not_asked", "asked", "workshop", "administrator", "other")


@pytest.fixture
def world(policies, settings, tmp_path) -> World:
    furnish(settings, tmp_path)
    return make_world()


def expected() -> dict[tuple[str, str], dict[str, str]]:
    rows = (line.split() for line in TABLE.strip().splitlines())
    return {(name, method): dict(zip(WHO, codes, strict=True)) for name, method, *codes in rows}


def test_x1_every_address_stands_in_the_table():
    assert sorted(expected()) == sorted((name, method) for name in names() for method in ("GET", "POST"))
    assert len(TABLE.strip().splitlines()) == len(expected())


def test_x1_everybody_gets_the_answers_of_the_table(world):
    wrong = {}
    for who in WHO:
        client, things = sign_in(world.people.get(who)), world.hidden if who == "other" else world.open
        for (name, method), url in addresses(things):
            code, wanted = code_of(answer_of(client, method, url)), expected()[name, method][who]
            if code != wanted:
                wrong[who, name, method] = (code, wanted)

    assert wrong == {}


def test_x1_no_other_verb_is_taken(world):
    client = sign_in(world.people["administrator"])

    answers = {
        (name, method): client.generic(method, url).status_code
        for (name, method), url in addresses(world.open, ("PUT", "PATCH", "DELETE"))
        if not name.startswith(("account_", "api:"))
    }

    assert {key: code for key, code in answers.items() if code != 405} == {}


def test_x1_an_executive_who_was_asked_reads_the_room_and_works_on_nothing(world):
    number, incident = world.open["number"], world.open["_incident"]
    reader = sign_in(world.people["asked"])
    before = state_of(incident)

    for name, data in PRESSES.items():
        keys = {"number": number} | ({"deadline_id": world.open["deadline_id"]} if "deadline" in name else {})
        keys |= {"task_id": world.open["task_id"]} if name == "recovery:complete" else {}
        answer = reader.post(reverse(name, kwargs=keys), data, follow=True)
        assert "may not" in answer.content.decode(), name

    assert state_of(incident) == before


PRESSES: dict[str, dict[str, Any]] = {
    "incidents:tick": {"key": "x", "note": "because"},
    "incidents:milestone": {"kind": "verified"},
    "incidents:waive_deadline": {"reason": "because"},
    "incidents:assume_role": {"role": "scribe"},
    "incidents:release_role": {"role": "scribe"},
    "messaging:new": {"kind": "update"},
    "recovery:complete": {"evidence": "a link"},
}


def state_of(incident: Incident) -> list[Any]:
    return [
        Incident.objects.filter(pk=incident.pk).values("phase", "severity").get(),
        *(incident.milestones.count(), incident.messages.count(), incident.deadlines.open().count()),
        incident.recovery_tasks.filter(state="done").count(),
        AuditEvent.objects.filter(chain=incident.chain).count(),
    ]


def test_x1_ids_of_a_hidden_incident_do_not_work_under_an_open_one(world):
    outsider, hidden = sign_in(world.people["other"]), world.hidden
    number, before = world.open["number"], state_of(hidden["_incident"])

    outsider.post(reverse("incidents:waive_deadline", args=[number, hidden["deadline_id"]]), {"reason": "x"})
    answer = outsider.post(reverse("recovery:complete", args=[number, hidden["task_id"]]), {"evidence": "x"})

    assert answer.status_code == 404
    assert state_of(hidden["_incident"]) == before


def test_x1_one_executive_cannot_open_what_another_was_asked(world):
    ben, dora = world.people["asked"], world.people["not_asked"]
    theirs = factories.ask(
        factories.make_message(world.open["_incident"], world.people["workshop"], kind="update"),
        world.people["workshop"],
    )
    theirs.stages.get().seats.filter(person=ben).delete()

    codes = {
        (person.email, request): sign_in(person).get(reverse("messaging:approve", args=[request])).status_code
        for person in (ben, dora)
        for request in (world.open["request_id"], theirs.pk)
    }

    assert [code for _, code in sorted(codes.items())] == [200, 404, 404, 200]


def decision(fingerprint: str, **fields: str) -> dict[str, str]:
    return {"verdict": "approved", "fingerprint": fingerprint, **fields}


def test_a9_neither_anothers_session_nor_device_nor_code_decides_by_my_link(world):
    request = ApprovalRequest.objects.get(pk=world.open["request_id"])
    ben, dora = world.people["asked"], world.people["not_asked"]
    url, mark = reverse("messaging:approve_link", args=[world.open["link"]]), request.version.fingerprint
    with_device = sign_in(None)
    with_device.cookies["cc-device"] = messaging.enroll_device(person=dora, label="", now=NOW)
    messaging.request_code(request=request, person=dora, now=NOW)
    code = proof.mint_code(ApprovalCode.objects.get(person=dora))

    for client, data in [(sign_in(dora), {}), (with_device, {}), (sign_in(None), {"code": code})]:
        client.post(url, decision(mark, **data))

    assert not ApprovalDecision.objects.filter(request=request).exists()
    assert ben.decisions.filter(request=request).count() == 0


# X2, X5, X6: what is hidden cannot be read or inferred


def every_address(world: World) -> Iterator[str]:
    """Each address with the open incident's ids and with the hidden one's, and with every number in sequence."""
    ids = {
        "number": [*Incident.objects.values_list("number", flat=True), 9_999],
        "message_id": Message.objects.values_list("pk", flat=True),
        "request_id": ApprovalRequest.objects.values_list("pk", flat=True),
        "dispatch_id": Dispatch.objects.values_list("pk", flat=True),
    }
    for name, pattern in routes():
        wanted = arguments_of(pattern)
        if name == "messaging:approve_link":
            yield from (reverse(name, args=[token]) for token in (world.hidden["link"], "x" * 43))
        elif len(wanted) == 1 and wanted <= ids.keys():
            yield from (reverse(name, kwargs={key: number}) for key in wanted for number in ids[key])
        else:
            yield from (url_of(name, pattern, things) for things in (world.open, world.hidden))


QUERY = "?all=1&sample=1&show=create&after=0&tier=1&state=reachable&next=/incidents/"


@pytest.mark.parametrize("who", ["sales", "anonymous"])
def test_x5_nothing_unreleased_or_restricted_reaches_a_reader_from_any_address(who, world):
    client = sign_in(world.people.get(who))
    leaks = []

    for url in sorted(set(every_address(world))):
        answers = [client.get(url), client.get(url + QUERY, headers={"HX-Request": "true"})]
        leaks += [url] if any(map(leaks_in, [*answers, answer_of(client, "POST", url)])) else []

    assert leaks == []


def leaks_in(answer: Any) -> bool:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return CANARY.lower() in (body.decode() + str(answer.headers)).lower()


def test_x5_the_crawl_would_see_a_leak(world):
    """The guard of the two above: those who may do see it, and readers see what is released."""
    for url in (
        reverse("desk:room", args=[world.hidden["number"]]),
        reverse("desk:incidents"),
        reverse("stakeholders:contacts"),
    ):
        assert leaks_in(sign_in(world.people["administrator"]).get(url))
    assert "Some card payments fail" in sign_in(world.people["sales"]).get("/portal/").content.decode()
    assert "Some card payments fail" in sign_in(None).get("/status/").content.decode()


def test_x2_searching_the_portal_infers_nothing(world):
    seller = sign_in(world.people["sales"])

    def found(word: str) -> str:
        return without_tokens(seller.get("/portal/live/", {"q": word}).content.decode()).replace(word, "")

    assert found(CANARY) == found("Nonsense9")
    assert found("payments") != found("Nonsense9")


def without_tokens(page: str) -> str:
    return re.sub(r'(x-csrftoken": "|name="csrfmiddlewaretoken" value="|"If-None-Match": ")[^"]*', "", page)


PUBLIC = ("/status/", "/status/history.atom", "/portal/", "/portal/live/")


def test_x6_public_pages_are_the_same_bytes_whatever_is_hidden(policies, ada, ben, cleo):
    factories.make_contact()
    incident = factories.make_incident(ada)
    factories.order(factories.make_approved(incident, ada, ben, affected_only=False), ada)
    deliver(NOW)
    seller = sign_in(cleo)
    before = [without_tokens(seller.get(url).content.decode()) for url in PUBLIC]

    down = {factories.make_component().pk: "outage"}
    hidden = factories.make_incident(ada, title="Hidden", restricted=True, components=down)
    factories.order(factories.make_approved(hidden, ada, ben, **secret_texts("Hidden"), channels=["email"]), ada)
    exercise = factories.make_incident(ada, title="Drill", is_exercise=True, components=down)
    factories.make_approved(exercise, ada, ben, **secret_texts("Drill"), channels=["email"])
    factories.make_message(incident, ada, kind="update", **secret_texts("Draft"))
    factories.order(
        factories.make_approved(incident, ada, ben, kind="update", **secret_texts("Held")), ada, hold_seconds=120
    )
    deliver(NOW)

    assert [without_tokens(seller.get(url).content.decode()) for url in PUBLIC] == before


def test_x6_hidden_and_missing_look_alike_to_the_last_byte(world):
    highest = Incident.objects.count()
    for who, path in [
        ("anonymous", "/status/incidents/INC-{}/"),
        ("other", "/incidents/INC-{}/"),
        ("sales", "/incidents/INC-{}/"),
    ]:
        client = sign_in(world.people.get(who))
        missing, hidden = (
            without_tokens(client.get(path.format(number)).content.decode().replace(f"INC-{number}/", ""))
            for number in (highest + 1, world.hidden["number"])
        )
        assert hidden == missing, who


def test_x6_the_link_of_a_restricted_incident_shows_nothing_before_a_proof(world):
    url = reverse("messaging:approve_link", args=[world.hidden["link"]])

    assert not leaks_in(sign_in(None).get(url))
    assert leaks_in(sign_in(world.people["asked"]).get(url))


def test_x6_mail_about_a_restricted_incident_names_nothing_to_the_team(world):
    from delivery import team_mail

    team_mail.send_due(now=lambda: NOW)
    ref = world.hidden["_incident"].ref
    texts = [message_from_bytes(mail.data, policy=email.policy.default) for mail in world.mails]
    about = [mail for mail in texts if ref in str(mail["Subject"])]

    bodies = [part.get_content() for mail in about for part in mail.walk() if not part.is_multipart()]
    assert about
    assert [
        body
        for body in [*bodies, *(str(mail["Subject"]) for mail in about)]
        if f"{CANARY} behind" in body or f"{CANARY} returned" in body
    ] == []


def test_x8_lost_roles_and_access_count_with_the_next_request(world):
    ada, room = world.people["workshop"], reverse("desk:room", args=[world.open["number"]])
    client = sign_in(ada)
    codes = [code_of(client.get(room))]

    for changes in ({"roles": ["sales"]}, {"is_active": False}):
        User.objects.get_queryset().filter(pk=ada.pk).update(**changes)
        codes.append(code_of(client.get(room)))

    assert codes == ["200", "404", "in"]


# X9: the browser's own guards


def test_x9_no_unsafe_verb_without_a_csrf_token(world):
    client = sign_in(world.people["administrator"], enforce_csrf_checks=True)

    taken = {
        name
        for (name, method), url in addresses(world.open, ("POST", "PUT", "PATCH", "DELETE"))
        # The API takes no cookie, so there is nothing for another site to borrow (tests/api).
        if not name.startswith("api:") and client.generic(method, url).status_code != 403
    }

    # Mail programs press the first for the reader; the signed link is the proof (RFC 8058). Programs that watch knock
    # at the second with a key, and no cookie is looked at.
    assert taken == {"delivery:unsubscribe", "incidents:hook"}


@pytest.mark.parametrize("who", ["administrator", "anonymous"])
def test_x9_every_page_has_the_strict_policy_and_keeps_the_page_rules(who, world):
    client, seen = sign_in(world.people.get(who)), 0

    for (_, method), url in [
        *addresses(world.open),
        (("missing", "GET"), "/no/such/page/"),
        (("bad", "GET"), "/portal/?q=%00"),
    ]:
        answer = answer_of(client, method, url)
        check_page(answer, is_partial=b"<html" not in answer.getvalue())
        if answer.get("Content-Type", "").startswith("text/html") and not answer.streaming and answer.content:
            seen += 1
            assert strict(answer.headers.get("Content-Security-Policy", "")), url
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "same-origin"

    assert seen > 15


def strict(policy: str) -> bool:
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    nothing = {rules[name] for name in ("default-src", "base-uri", "frame-ancestors")}
    return nothing == {"'none'"} and rules["script-src"] == rules["style-src"] == "'self'" and "unsafe" not in policy


def test_x9_every_cookie_is_closed_to_scripts_and_other_sites(world):
    client = sign_in(None)
    client.get("/account/login/")
    client.post("/account/login/", {"login": "olga@team.example", "password": "correct horse battery"})
    client.post(reverse("incidents:move", args=[world.open["number"]]), {"to": "nowhere"})
    request = ApprovalRequest.objects.get(pk=world.open["request_id"])
    ben = sign_in(None)
    messaging.request_code(request=request, person=world.people["asked"], now=NOW)
    code = proof.mint_code(ApprovalCode.objects.get(ended_at=None))
    ben.post(
        reverse("messaging:approve_link", args=[world.open["link"]]),
        decision(request.version.fingerprint, code=code, remember="1"),
    )

    cookies = {**client.cookies, **ben.cookies}
    assert {"sessionid", "csrftoken", "cc-device"} <= set(cookies)
    assert [name for name, one in cookies.items() if not (one["httponly"] and one["samesite"] == "Lax")] == []
