"""A8: two people at the same instant. One outcome; the loser is told."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
from django.db import connection

from crisiscomms.models import AuditEvent, Notice
from crisiscomms.refusal import Refused
from incidents import deadlines
from messaging import actions
from messaging.models import ApprovalCode, ApprovalRequest, Message
from tests import factories
from tests.conftest import NOW

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ROUNDS = 25
NO = {"verdict": "rejected", "reason": "It names a cause."}


def at_once(*acts: Callable[[], object]) -> list[Exception | None]:
    """Run them at the same instant, each on its own connection; for each what it refused, or None."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], object]) -> Exception | None:
        try:
            barrier.wait(timeout=30)
            act()
        except Refused as refusal:
            return refusal
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(len(acts)) as threads:
        return [done.result() for done in [threads.submit(run, act) for act in acts]]


def rounds(ada, incident) -> Iterator[ApprovalRequest]:
    """One request a round, made when its round begins: a sweep of the round before must not touch it."""
    for _ in range(ROUNDS):
        yield factories.ask(factories.make_message(incident, ada), ada)


def test_a8_approve_and_approve_give_one_outcome(ada, ben, dora):
    for request in rounds(ada, factories.make_incident(ada)):
        said = at_once(partial(factories.approve, request, ben), partial(factories.approve, request, dora))

        assert sorted(one is None for one in said) == [False, True], said
        assert request.decisions.count() == 1
        assert Message.objects.get(pk=request.message_id).state == "approved"


def test_a8_one_person_twice_gives_one_decision_and_one_record(ada, ben):
    for request in rounds(ada, factories.make_incident(ada)):
        said = at_once(partial(factories.approve, request, ben), partial(factories.approve, request, ben))

        assert sorted(one is None for one in said) == [False, True], said
        assert request.decisions.count() == 1
    assert AuditEvent.objects.filter(verb="approval.approved").count() == ROUNDS


def test_a8_approve_and_reject_give_one_outcome_of_the_one_who_was_first(ada, ben, dora):
    for request in rounds(ada, factories.make_incident(ada)):
        said = at_once(partial(factories.approve, request, ben), partial(factories.approve, request, dora, **NO))

        assert sorted(one is None for one in said) == [False, True], said
        verdict = request.decisions.get().verdict
        request.refresh_from_db()
        assert (request.state, Message.objects.get(pk=request.message_id).state) == (verdict, verdict)


@pytest.mark.parametrize("what", ["edit", "withdraw"])
def test_a8_approve_and_edit_or_withdraw_never_leave_an_approval_behind(what, ada, ben):
    """Whoever is first, the text is open again in the end; an approver who came too late or is undone is told."""
    changed = factories.make_content(subject="Anew")
    for request in rounds(ada, factories.make_incident(ada)):
        pk = request.message_id
        reopen = partial(actions.reopen_message, message_id=pk, by=ada, now=NOW)
        edit = partial(actions.edit_message, message_id=pk, content=changed, by=ada, now=NOW)

        approved, edited = at_once(partial(factories.approve, request, ben), edit if what == "edit" else reopen)

        assert edited is None
        request.refresh_from_db()
        message = Message.objects.get(pk=pk)
        assert (request.state, message.state, message.approval) == ("voided", "draft", None)
        assert request.decisions.count() == (1 if approved is None else 0)
        assert Notice.objects.filter(person=ben, kind="approval_void", key=f"request:{request.pk}").exists()


def test_a8_two_roles_of_one_stage_at_once_both_count_and_open_the_next_once(ada, ben, sol, lea):
    for request in rounds(ada, factories.make_incident(ada, kind="security_incident")):
        said = at_once(partial(factories.approve, request, sol), partial(factories.approve, request, lea))

        assert said == [None, None]
        assert [stage.state for stage in request.stages.all()] == ["done", "open"]
    assert Notice.objects.filter(person=ben, kind="approval_request").count() == ROUNDS


def test_a8_a_decision_and_the_clock_at_the_same_moment_do_not_stand_in_each_others_way(ada, ben):
    incident = factories.make_incident(ada)
    for request in rounds(ada, incident):
        due = request.stages.get().due_at

        said = at_once(partial(factories.approve, request, ben, now=due), partial(deadlines.tick, now=due))

        assert said == [None, None]
        deadlines.tick(now=due + timedelta(minutes=1))
        subject = f"stage:{request.stages.get().pk}"
        assert incident.deadlines.get(kind="approval", subject=subject).state == "met"


def test_a8_a_decision_and_the_expiry_sweep_give_one_outcome(ada, ben):
    for request in rounds(ada, factories.make_incident(ada)):
        last = request.expires_at - timedelta(seconds=1)
        said = at_once(
            partial(factories.approve, request, ben, now=last),
            partial(actions.expire_requests, now=request.expires_at),
        )

        request.refresh_from_db()
        assert request.state == ("approved" if said[0] is None else "expired")
        assert request.decisions.count() == (1 if said[0] is None else 0)


def test_a8_presses_for_a_code_at_once_send_one_mail_and_leave_one_live(ada, ben):
    request = factories.ask(factories.make_message(factories.make_incident(ada), ada), ada)

    at_once(*[partial(actions.request_code, request=request, person=ben, now=NOW)] * 6)

    assert ApprovalCode.objects.filter(person=ben, ended_at=None).count() == 1
    assert Notice.objects.filter(person=ben, kind="approval_code").count() == 1
