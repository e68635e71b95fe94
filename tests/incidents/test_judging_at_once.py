"""Several workers that judge at once, and people who act meanwhile."""

import threading

import pytest
from django.db import connection

from crisiscomms import audit, clock
from incidents import actions
from incidents.models import Incident, Signal, SignalProposal
from incidents.noticing import intake, judging
from tests.conftest import NOW
from tests.incidents.knocking import alert, judge, knock, only
from tests.incidents.test_signals import SOON, condition, make_rule, source, watch

__all__ = ["source"]
SEEN = condition("number", "seen", "at_least", 1)


def run(half, both, wrong):
    """A worker that has looked at the rules when the other has too, and then judges its half."""
    try:
        worker, pks = judging._Judge(NOW), list(Signal.objects.order_by("pk").values_list("pk", flat=True))
        both.wait()
        for pk in pks[half::2]:
            while not worker.judged(pk):
                # The other one has the turn.
                pass
    except Exception as error:  # noqa: BLE001 - of a thread, told to the test
        wrong.append(error)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_two_workers_open_one_watch_item_and_ask_once(source, ada):
    make_rule(ada, SEEN, opens_watch_item=True)
    for number in range(8):
        knock(source, alert(n=number))
    both, wrong = threading.Barrier(2, timeout=20), []

    def at_now(half):
        with clock.at(NOW):
            run(half, both, wrong)

    threads = [threading.Thread(target=at_now, args=(half,)) for half in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert not Signal.objects.filter(judged_at=None).exists()
    assert (Incident.objects.count(), SignalProposal.objects.count()) == (1, 1)
    assert set(Signal.objects.values_list("incident", flat=True)) == {Incident.objects.get().pk}
    assert list(audit.faults(Incident.objects.get().chain)) == []


def test_a_worker_that_began_before_the_watch_item_was_there_takes_it(source, ada):
    make_rule(ada, SEEN, opens_watch_item=True)
    for number in range(2):
        knock(source, alert(n=number))
    first, second = judging._Judge(NOW), judging._Judge(NOW)

    for worker, pk in zip((first, second), Signal.objects.order_by("pk").values_list("pk", flat=True), strict=True):
        assert worker.judged(pk)

    assert Incident.objects.count() == 1


def test_a_rule_that_was_switched_off_meanwhile_asks_nothing(source, ada):
    rule = make_rule(ada, SEEN)
    knock(source, alert())
    worker = judging._Judge(NOW)

    actions.switch_threshold_rule(rule_id=rule.pk, is_on=False, by=ada, now=NOW)
    worker.judged(only().pk)

    assert not SignalProposal.objects.exists()


@pytest.mark.parametrize("way", ["where it was", "of its rule"])
def test_what_is_closed_before_it_is_locked_takes_nothing(way, source, ada, monkeypatch):
    item, rule = watch(ada), make_rule(ada, SEEN, opens_watch_item=way == "of its rule")
    type(rule).objects.update(watch_item=item if way == "of its rule" else None)
    if way == "where it was":
        knock(source, alert())
        actions.attach_signal(signal_id=only().pk, incident_id=item.pk, by=ada, now=NOW)
        knock(source, alert("resolved", endsAt="2026-11-17T13:08:00Z"))
    knock(source, alert(startsAt="2026-11-17T13:08:40Z"))
    newest, lock = Signal.objects.latest("pk"), judging.lock_incident

    def closed_first(pk):
        if pk == item.pk:
            actions.stand_down(incident_id=pk, reason="Nothing came of it.", by=ada, now=NOW)
        return lock(pk)

    monkeypatch.setattr(judging, "lock_incident", closed_first)
    judging._Judge(NOW).judged(newest.pk)

    newest.refresh_from_db()
    assert newest.incident != item


def test_what_comes_in_while_it_is_judged_is_looked_at_too(source, ada, monkeypatch):
    make_rule(ada, SEEN)
    knock(source, alert())
    home = judging._home

    def meanwhile(signal):
        if only().seen_count == 1:
            knock(source, alert())
        return home(signal)

    monkeypatch.setattr(judging, "_home", meanwhile)
    judge()

    assert only().due_at == NOW + intake.LOOK_AGAIN
    assert (judge(SOON), only().due_at) == (1, None)
