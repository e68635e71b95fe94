"""An end that comes late, or is sent again, ends nothing that began after it was said."""

from datetime import timedelta

import pytest

from crisiscomms import clock
from incidents.models import Signal
from incidents.noticing import intake
from tests.conftest import NOW
from tests.incidents.knocking import alert, knock, make_source, only, sample

# What each source says of one thing, at a minute of the hour.


def alertmanager(is_over, minute):
    at = {"endsAt" if is_over else "startsAt": f"2026-11-17T13:{minute:02}:00Z"}
    return alert("resolved" if is_over else "firing", **at)


def pagerduty(is_over, minute):
    body = sample("pagerduty")
    kind = "incident.resolved" if is_over else "incident.triggered"
    body["event"] |= {"id": f"{kind}-{minute}", "event_type": kind, "occurred_at": f"2026-11-17T13:{minute:02}:00Z"}
    return body


def sentry(is_over, minute):
    body = sample("sentry-issue")
    body["action"] = "resolved" if is_over else "unresolved"
    body["data"]["issue"]["lastSeen"] = f"2026-11-17T13:{minute:02}:00Z"
    return body


def generic(is_over, minute):
    status = "resolved" if is_over else "firing"
    return {"title": "Payouts are late", "status": status, "happened_at": f"2026-11-17T13:{minute:02}:00Z"}


SAYS = {"alertmanager": alertmanager, "pagerduty": pagerduty, "sentry": sentry, "generic": generic}


@pytest.fixture(params=SAYS)
def tell(request, olga):
    """Knock as this source, each time with an id of its own, at a minute that is past by then."""
    shown, says, count = make_source(olga, request.param), SAYS[request.param], iter(range(99))

    def told(is_over, minute, at=30):
        now = NOW.replace(minute=at)
        with clock.at(now):
            answer = knock(shown, says(is_over, minute), now=now, delivery_id=f"msg_{next(count)}")
        assert answer.status_code in (200, 202)

    return told


def states():
    return list(Signal.objects.order_by("pk").values_list("status", flat=True))


def test_the_end_of_before_does_not_end_what_fired_anew(tell):
    tell(False, 1, at=2)
    tell(True, 3, at=4)
    tell(False, 10, at=11)
    assert states() == ["resolved", "firing"]

    # Receipts are forgotten after days, and what was lost on the way is sent again: as new as it looks, it is old.
    Signal.objects.update(external_id="")
    intake.forget_receipts(now=NOW + timedelta(days=9))
    tell(True, 3)

    assert states() == ["resolved", "firing"]


def test_an_end_that_was_overtaken_by_a_new_begin_ends_nothing(tell):
    tell(False, 1, at=2)
    tell(False, 10, at=11)

    tell(True, 3)

    assert states() == ["firing"]


def test_the_end_of_what_goes_on_ends_it(tell):
    tell(False, 1, at=2)
    tell(False, 10, at=11)

    tell(True, 10)

    assert states() == ["resolved"]


def test_a_late_begin_does_not_make_an_end_look_newer(tell):
    tell(False, 10, at=11)
    tell(False, 1)

    tell(True, 5)

    assert states() == ["firing"]


@pytest.mark.parametrize("kind", SAYS)
def test_an_end_that_says_no_moment_is_of_now(kind, olga):
    shown, begin, end = make_source(olga, kind), SAYS[kind](False, 5), SAYS[kind](True, 5)
    for where in (end["alerts"][0] if "alerts" in end else end.get("event", end), end.get("data", {}).get("issue", {})):
        for name in ("endsAt", "occurred_at", "happened_at", "lastSeen"):
            where.pop(name, None)
    knock(shown, begin, delivery_id="one")

    knock(shown, end, delivery_id="two")

    assert (only().status, only().ended_at) == ("resolved", NOW)


def test_our_clock_is_not_held_against_theirs(olga):
    """A begin without a moment is noted by our clock; theirs may be some seconds behind."""
    shown = make_source(olga, "generic")
    begin, end = SAYS["generic"](False, 5), SAYS["generic"](True, 8)
    begin.pop("happened_at")
    knock(shown, begin, delivery_id="one")

    knock(shown, end, delivery_id="two")

    assert only().status == "resolved"


def test_sentry_writes_down_what_it_saw_a_little_later(olga):
    shown = make_source(olga, "sentry")
    knock(shown, sentry(False, 5))
    late = sentry(True, 5)
    late["data"]["issue"]["lastSeen"] = "2026-11-17T13:04:20Z"

    knock(shown, late)

    assert only().status == "resolved"


def test_what_is_from_before_the_newest_moment_was_kept_goes_by_its_begin(olga):
    shown = make_source(olga, "alertmanager")
    knock(shown, alertmanager(False, 5))
    Signal.objects.update(told_at=None)

    knock(shown, alertmanager(True, 4))
    assert only().status == "firing"
    knock(shown, alertmanager(True, 6))
    assert only().status == "resolved"
