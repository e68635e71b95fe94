"""The way in for programs: who is let in, who is not and learns nothing, and what is stored (faults, I7, I8, I10)."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from crisiscomms import clock
from incidents import actions
from incidents.models import Signal, SignalBody, SignalReceipt, SignalSource
from incidents.noticing import intake
from tests.conftest import NOW
from tests.incidents.knocking import BODIES, SECRET, alert, hmac_hex, knock, make_source, only, proof, sample

KINDS = list(BODIES)
SIGNATURES = {
    "alertmanager": "Authorization",
    "pagerduty": "X-PagerDuty-Signature",
    "sentry": "Sentry-Hook-Signature",
    "generic": "webhook-signature",
}
OTHER = "c29tZXRoaW5nLWVsc2UtYXMtbG9uZy1hcy1pdC1oYXMtdG8tYmU="


@pytest.fixture(params=KINDS)
def shown(request, olga):
    """A source of each kind, with whatever secret it can have."""
    return make_source(olga, request.param, with_secret=True)


def nothing_stored() -> bool:
    return not Signal.objects.exists() and not SignalBody.objects.exists() and not SignalReceipt.objects.exists()


def why(shown) -> str:
    return SignalSource.objects.get(pk=shown.source.pk).last_refused_why


def test_i10_what_is_proven_is_stored_whole_and_answered_202(shown):
    answer = knock(shown)

    assert (answer.status_code, answer.json()["known"]) == (202, 0)
    assert json.loads(SignalBody.objects.get().text) == sample(BODIES[shown.source.kind])
    assert Signal.objects.filter(source=shown.source, due_at=NOW).count() == answer.json()["new"]


def test_i10_a_wrong_signature_is_refused_without_saying_why(shown):
    answer = knock(shown, secret=OTHER)

    assert (answer.status_code, answer.json()) == (401, {"detail": "This is not accepted."})
    assert nothing_stored()
    source = SignalSource.objects.get()
    assert (source.refused, source.last_refused_at) == (1, NOW) and "missing or wrong" in source.last_refused_why


def test_i10_a_missing_or_broken_signature_is_refused(shown):
    for wrong in (None, "", "v1=", "v1,", "Bearer ", "é", "v1=" + "0" * 64, "0" * 64, "x" * 5_000):
        assert knock(shown, headers={SIGNATURES[shown.source.kind]: wrong}).status_code == 401, wrong

    assert nothing_stored()


def test_i10_a_body_that_was_changed_or_cut_is_refused(shown):
    raw = json.dumps(sample(BODIES[shown.source.kind])).encode()
    signed = proof(shown, raw)

    for changed in (raw[:-1], raw + b" ", raw.replace(b"13:0", b"13:1")):
        # Alertmanager signs nothing: there a cut body is only not JSON.
        wanted = (200, 202, 400) if shown.source.kind == "alertmanager" else (401,)
        assert knock(shown, changed, headers=signed).status_code in wanted


def test_i10_a_wrong_key_is_404_like_any_address_that_is_not_there(shown):
    for key in ("x", "A" * 43, "ccapi_" + "0" * 64):
        assert knock(shown, key=key).status_code == 404

    assert nothing_stored() and SignalSource.objects.get().refused == 0


def test_a_key_opens_its_own_kind_only(shown):
    for kind in {*KINDS, "nonsense"} - {shown.source.kind}:
        assert knock(shown, kind=kind).status_code == 404


def test_a_source_that_is_switched_off_answers_as_if_it_had_never_been(shown, olga):
    actions.switch_source(source_id=shown.source.pk, is_active=False, by=olga, now=NOW)
    assert knock(shown).status_code == 404

    actions.switch_source(source_id=shown.source.pk, is_active=True, by=olga, now=NOW)
    assert knock(shown).status_code == 202


@pytest.mark.parametrize("kind", ["pagerduty", "sentry"])
def test_before_its_secret_is_set_nothing_is_accepted(kind, olga):
    shown = actions.create_source(name="new", kind=kind, by=olga, now=NOW)

    assert knock(shown).status_code == 401
    assert knock(shown, headers={SIGNATURES[kind]: hmac_hex("", b"")}).status_code == 401
    assert "No secret" in why(shown)


def test_alertmanager_may_do_without_a_bearer_then_its_key_alone_proves_it(olga):
    assert knock(make_source(olga, "alertmanager")).status_code == 202


# Replays


def test_i10_the_same_delivery_again_is_answered_200_and_changes_nothing(olga):
    for kind in ("pagerduty", "sentry", "generic"):
        shown = make_source(olga, kind)
        first, again = knock(shown), knock(shown)

        assert (first.status_code, again.status_code) == (202, 200)
        assert again.json() == {"new": 0, "known": 1}
        assert Signal.objects.get(source=shown.source).seen_count == 1


def test_i10_a_replay_with_another_request_id_is_still_a_replay(olga):
    shown = make_source(olga, "sentry")

    answers = [knock(shown, delivery_id=name).status_code for name in ("one", "two")]

    assert answers == [202, 200] and only().seen_count == 1


def test_i10_a_duplicate_id_with_another_body_changes_nothing(olga):
    shown = make_source(olga, "generic")
    knock(shown, {"title": "First"}, delivery_id="same")

    assert knock(shown, {"title": "Second"}, delivery_id="same").status_code == 200
    assert only().title == "First"


@pytest.mark.parametrize("kind", ["sentry", "generic"])
@pytest.mark.parametrize(("minutes", "code"), [(0, 202), (5, 202), (-5, 202), (6, 401), (-6, 401), (60 * 24, 401)])
def test_i10_a_signed_moment_more_than_five_minutes_away_is_refused(kind, minutes, code, olga):
    shown = make_source(olga, kind)

    assert knock(shown, now=NOW - timedelta(minutes=minutes)).status_code == code
    assert nothing_stored() == (code == 401)


@pytest.mark.parametrize(("kind", "header"), [("sentry", "Sentry-Hook-Timestamp"), ("generic", "webhook-timestamp")])
def test_a_moment_that_is_none_is_refused(kind, header, olga):
    shown = make_source(olga, kind)
    for moment in ("", "soon", "-1", "9" * 30, "١٢٣", "1e9"):
        assert knock(shown, headers={header: moment.encode().decode("latin-1")}).status_code == 401


@pytest.mark.parametrize(("days", "code"), [(2, 202), (4, 401)])
@pytest.mark.parametrize("kind", ["pagerduty", "sentry"])
def test_i10_what_a_signed_body_says_to_be_days_old_is_a_replay(kind, days, code, olga):
    """Receipts are forgotten after four days; from the third on the body itself is too old."""
    shown = make_source(olga, kind)
    then = (NOW - timedelta(days=days)).isoformat()
    body = sample(BODIES[kind])
    if kind == "pagerduty":
        body["event"]["occurred_at"] = then
    else:
        body["data"]["issue"]["lastSeen"] = then

    assert knock(shown, body).status_code == code
    assert timedelta(days=3) < intake.RECEIPTS_KEPT


def test_receipts_are_forgotten_once_nobody_could_use_them(olga):
    knock(make_source(olga, "generic"))

    assert intake.forget_receipts(now=NOW + timedelta(days=3)) == 0
    assert intake.forget_receipts(now=NOW + timedelta(days=4, seconds=1)) == 1


def test_an_id_whose_receipt_was_forgotten_is_known_by_its_signal(olga):
    shown = make_source(olga, "generic")
    knock(shown)
    SignalReceipt.objects.all().delete()

    assert knock(shown).status_code == 200
    assert only().seen_count == 1


# Rotation


@pytest.mark.parametrize("kind", KINDS)
def test_i10_after_a_rotation_the_old_key_counts_until_its_time_is_over(kind, olga):
    old = make_source(olga, kind, with_secret=True)
    new = actions.rotate_source(source_id=old.source.pk, grace_hours=24, by=olga, now=NOW)

    def answers(moment):
        with clock.at(moment):
            said = {"now": moment, "delivery_id": moment.isoformat()}
            body = {**sample(BODIES[kind]), **({"action": "unresolved"} if kind == "sentry" else {})}
            return [knock(one, body, **said).status_code for one in (old, new)]

    assert 404 not in answers(NOW + timedelta(hours=23, minutes=59)) and old.key != new.key
    late = answers(NOW + timedelta(hours=24))
    assert late[0] == 404 and late[1] in (200, 202)


def test_i10_without_grace_the_old_key_is_dead_at_once(shown, olga):
    actions.rotate_source(source_id=shown.source.pk, grace_hours=0, by=olga, now=NOW)

    assert knock(shown).status_code == 404


@pytest.mark.parametrize("kind", ["pagerduty", "sentry"])
@pytest.mark.parametrize(("hours", "after", "code"), [(0, 0, 401), (1, 0, 202), (1, 59, 202), (1, 60, 401)])
def test_i10_the_secret_from_before_counts_for_as_long_as_was_said(kind, hours, after, code, olga):
    shown = make_source(olga, kind)
    fresh = "another-secret-of-the-other-side"
    actions.set_source_secret(source_id=shown.source.pk, secret=fresh, grace_hours=hours, by=olga, now=NOW)
    moment = NOW + timedelta(minutes=after)

    with clock.at(moment):
        assert knock(shown, secret=SECRET, now=moment).status_code == code
        assert knock(shown, {**sample(BODIES[kind]), "extra": 1}, secret=fresh, now=moment).status_code in (200, 202)


def test_pagerduty_sends_several_signatures_while_it_rotates_its_own(olga):
    shown = make_source(olga, "pagerduty")
    raw = json.dumps(sample("pagerduty")).encode()
    both = f"v1={hmac_hex('x' * 20, raw)},v1={hmac_hex(SECRET, raw)}"

    assert knock(shown, raw, headers={"X-PagerDuty-Signature": both}).status_code == 202


def test_a_second_rotation_without_grace_ends_the_first_ones_grace(olga):
    first = make_source(olga, "generic")
    actions.rotate_source(source_id=first.source.pk, grace_hours=72, by=olga, now=NOW)
    actions.rotate_source(source_id=first.source.pk, grace_hours=0, by=olga, now=NOW)

    assert knock(first).status_code == 404


# Bad input


BAD_BODIES = [
        b"", b"{", b"nonsense", b"\xff\xfe", b'{"a": NaN}', b'{"a": 1, "a": 2}', b'{"a": 1e999}',
        b"[" * 100_000 + b"]" * 100_000, b'{"title": "\\u0000"}', b'{"title": "\\ud800"}', b'{"\\udfff": 1}',
        b"[]", b"null", b'"text"', b"12",
]  # fmt: skip


def test_i7_i8_what_cannot_be_meant_is_400_with_words(shown):
    for raw in BAD_BODIES:
        answer = knock(shown, raw)
        assert answer.status_code == 400 and answer.json()["detail"], raw[:40]

    assert nothing_stored() and SignalSource.objects.get().refused == len(BAD_BODIES)


def test_i7_a_body_of_more_than_a_megabyte_is_413_and_not_even_read(shown):
    for size in (1_000_001, 10_000_000):
        answer = knock(shown, b'{"title": "' + b"x" * size + b'"}')

        assert (answer.status_code, "larger than 1 MB" in answer.json()["detail"]) == (413, True)
    assert nothing_stored() and why(shown) == "This is larger than 1 MB. Send less at once."


def test_a_length_that_is_none_is_no_500(olga):
    shown = make_source(olga, "generic")
    for length in ("-1", "x", "1e3", "٣"):
        headers = {"Content-Length": length.encode().decode("latin-1")}
        answer = Client().generic("POST", f"/hooks/generic/{shown.key}/", b"{}", headers=headers)
        assert 400 <= answer.status_code < 500


def test_what_it_calls_itself_does_not_matter(olga):
    shown = make_source(olga, "generic")
    raw, url = json.dumps(sample("generic")).encode(), f"/hooks/generic/{shown.key}/"
    for name in ("multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "", "x/y"):
        signed = proof(shown, raw, delivery_id=f"msg-{len(name)}")
        answer = Client().generic("POST", url, raw, content_type=name, headers=signed)
        assert answer.status_code in (200, 202)

    assert only().seen_count == 4


def test_only_post_knocks(olga):
    shown = make_source(olga, "generic")
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert Client().generic(method, f"/hooks/generic/{shown.key}/").status_code == 405


def test_no_session_and_no_csrf_token_are_needed(olga):
    shown = make_source(olga, "generic")
    raw = json.dumps(sample("generic")).encode()
    client = Client(enforce_csrf_checks=True)

    answer = client.generic("POST", f"/hooks/generic/{shown.key}/", raw, headers=proof(shown, raw))

    assert answer.status_code == 202 and not answer.cookies


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("alertmanager", {"version": "3"}), ("alertmanager", {"alerts": {}}), ("alertmanager", {"alerts": ["x"]}),
        ("alertmanager", {"alerts": [{"status": "odd"}]}), ("alertmanager", {"alerts": [{"status": "firing", "labels": 3}]}),
        ("alertmanager", {"alerts": [{"status": "firing"}] * 1_001}),
        ("pagerduty", {"event": []}), ("pagerduty", {"event": {"id": "1"}}), ("pagerduty", {"event": {"id": "x" * 201}}),
        ("sentry", {"data": []}), ("sentry", {"data": {"issue": 7}}),
        ("generic", {"title": ""}), ("generic", {"title": 7}), ("generic", {"status": "odd"}),
        ("generic", {"values": []}), ("generic", {"components": "x"}), ("generic", {"components": [1]}),
        ("generic", {"titel": "misspelt"}),
    ],
)  # fmt: skip
def test_what_is_proven_and_not_of_its_shape_is_400(kind, change, olga):
    shown = make_source(olga, kind)

    answer = knock(shown, {**sample(BODIES[kind]), **change})

    assert answer.status_code == 400 and answer.json()["detail"] == why(shown)
    assert nothing_stored()


@pytest.mark.parametrize(
    ("kind", "body", "headers"),
    [
        ("pagerduty", {"event": {"id": "p", "event_type": "pagey.ping", "data": {"type": "ping"}}}, {}),
        ("pagerduty", {"event": {"id": "p", "event_type": "service.updated", "data": {"type": "service"}}}, {}),
        ("pagerduty", {"event": {"id": "p", "event_type": "incident.annotated", "data": {"type": "incident_note"}}}, {}),
        ("sentry", {"action": "created", "data": {"comment": {}}}, {"Sentry-Hook-Resource": "comment"}),
        ("sentry", {"action": "created", "data": {}}, {"Sentry-Hook-Resource": None}),
        ("sentry", {"action": "assigned", "data": {"issue": {}}}, {}),
        ("alertmanager", {"version": "4", "alerts": []}, {}),
    ],
)  # fmt: skip
def test_what_says_nothing_that_was_noticed_is_answered_200(kind, body, headers, olga):
    shown = make_source(olga, kind)

    assert knock(shown, body, headers=headers).status_code == 200
    assert not Signal.objects.exists() and SignalSource.objects.get().refused == 0


# Limits


def test_more_than_the_limit_of_a_minute_is_told_to_wait_and_noted_once(olga, settings):
    settings.SIGNALS_PER_MINUTE = 2
    shown, other = make_source(olga, "alertmanager"), make_source(olga, "generic")

    answers = [knock(shown, alert(n=n)) for n in range(5)]

    assert [one.status_code for one in answers] == [202, 202, 429, 429, 429]
    assert answers[-1].headers["Retry-After"] == "60"
    assert SignalSource.objects.get(pk=shown.source.pk).refused == 1
    assert knock(other).status_code == 202


def test_more_new_things_than_a_minute_may_hold_are_refused_and_repeats_are_not(olga, monkeypatch):
    monkeypatch.setattr(intake, "MOST_NEW", 3)
    shown = make_source(olga, "alertmanager")

    answers = [knock(shown, alert(n=n)).status_code for n in (1, 2, 3, 4, 1, 2)]

    assert answers == [202, 202, 202, 429, 200, 200]
    assert Signal.objects.count() == SignalBody.objects.count() == 3


def test_who_tries_keys_is_slowed_down(olga):
    shown = make_source(olga, "generic")

    codes = [knock(shown, key=f"k{n}").status_code for n in range(62)]

    assert (codes[:60], codes[60:]) == ([404] * 60, [429] * 2)
    assert knock(shown).status_code == 202
