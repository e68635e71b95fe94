"""The one approval workflow by its actions: stages, quorum, time limits, and A2, A3, A5, A6, A7, A10."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError
from django.urls import reverse
from guardian.shortcuts import remove_perm

from crisiscomms.models import AuditEvent, Notice, User
from crisiscomms.refusal import Conflict, Refused
from delivery import actions as delivery
from delivery import authority
from incidents import deadlines
from incidents.models import Deadline
from messaging import actions, queries
from messaging.models import ApprovalDecision, ApprovalRequest, ApprovalSeat, Message
from tests import factories
from tests.conftest import NOW
from tests.messaging.test_drafts import CHANGED, FROZEN

LATER = NOW + timedelta(minutes=1)
NO = {"verdict": "rejected", "reason": "It names a cause."}


def asked(ada: User, message_kind: str = "holding", *, content: dict[str, object] | None = None, **incident: object):
    """A request about a complete message; `incident` are fields of its incident."""
    made = factories.make_incident(ada, **incident)
    return factories.ask(factories.make_message(made, ada, kind=message_kind, **(content or {})), ada)


def states(request: ApprovalRequest) -> tuple[str, str]:
    """Of the request and of its message, as they stand in the database."""
    return (
        ApprovalRequest.objects.values_list("state", flat=True).get(pk=request.pk),
        Message.objects.values_list("state", flat=True).get(pk=request.message_id),
    )


def told(person: User, kind: str) -> int:
    return Notice.objects.filter(person=person, kind=kind).count()


# The path


@pytest.mark.parametrize("severity", ["critical", "major", "minor"])
@pytest.mark.parametrize(
    ("kind", "message_kind", "stages"),
    [
        ("service_disruption", "holding", [(["executive"], "any", 10)]),
        ("service_disruption", "update", [(["executive"], "any", 15)]),
        ("security_incident", "holding", [(["security", "legal"], "all", 15), (["executive"], "any", 15)]),
        ("security_incident", "resolved", [(["security", "legal"], "all", 15), (["executive"], "any", 15)]),
        ("ethics_controversy", "update", [(["executive"], "any", 15)]),
    ],
)
def test_the_stages_follow_the_policy(kind, message_kind, stages, severity, ada, ben, sol, lea):
    request = asked(ada, message_kind, kind=kind, severity=severity)

    assert [(stage.roles, stage.quorum, stage.minutes) for stage in request.stages.all()] == stages
    assert request.fresh_code == (severity == "critical")


def test_a_stage_asks_its_people_by_mail_and_starts_its_clock(ada, ben, dora, cleo):
    request = asked(ada)

    stage = request.stages.get()
    assert {seat.person for seat in stage.seats.all()} == {ben, dora}
    assert (told(ben, "approval_request"), told(dora, "approval_request"), told(cleo, "approval_request")) == (1, 1, 0)
    assert stage.due_at == NOW + timedelta(minutes=10)
    clock = request.message.incident.deadlines.get(kind="approval")
    assert (clock.due_at, clock.state) == (stage.due_at, "pending")


def test_any_one_yes_is_enough_and_the_second_is_told_so(ada, ben, dora):
    request = asked(ada)

    factories.approve(request, ben)
    with pytest.raises(Conflict, match="has been approved"):
        factories.approve(request, dora)

    assert states(request) == ("approved", "approved")
    assert Message.objects.get().approval_id == request.pk
    assert told(ada, "approval_ended") == 1
    assert request.message.incident.deadlines.get(kind="approval").state == "met"


@pytest.mark.parametrize("first_is_sol", [True, False])
def test_all_needs_a_yes_for_every_role_then_the_next_stage_opens(first_is_sol, ada, ben, sol, lea):
    request = asked(ada, kind="security_incident")
    first, second = (sol, lea) if first_is_sol else (lea, sol)

    factories.approve(request, first)
    assert (states(request), told(ben, "approval_request")) == (("open", "in_review"), 0)
    factories.approve(request, second, now=LATER)

    assert [stage.state for stage in request.stages.all()] == ["done", "open"]
    assert request.stages.last().due_at == LATER + timedelta(minutes=15)
    assert (states(request), told(ben, "approval_request")) == (("open", "in_review"), 1)
    factories.approve(request, ben, now=LATER)
    assert states(request) == ("approved", "approved")


def test_nobody_decides_before_their_stage_or_without_being_asked(ada, ben, sol, lea, cleo, olga):
    request = asked(ada, kind="security_incident")

    with pytest.raises(Refused, match="not asked in the stage that is open"):
        factories.approve(request, ben)
    for stranger in (cleo, olga):
        with pytest.raises(Refused, match="not asked about this"):
            factories.approve(request, stranger)

    assert request.decisions.count() == 0


def test_one_no_in_a_stage_of_all_ends_it(ada, ben, sol, lea):
    request = asked(ada, kind="security_incident")
    factories.approve(request, sol)

    factories.approve(request, lea, **NO)

    assert states(request) == ("rejected", "rejected")
    assert request.message.incident.deadlines.get(kind="approval").state == "waived"


@pytest.mark.parametrize(("kind", "roles"), [("service_disruption", "executive"), ("security_incident", "legal")])
def test_without_somebody_for_every_role_nothing_is_asked(kind, roles, ada, sol):
    message = factories.make_message(factories.make_incident(ada, kind=kind), ada)

    with pytest.raises(Refused, match=f"Nobody can approve.*{roles}"):
        factories.ask(message, ada)

    message.refresh_from_db()
    assert (message.state, ApprovalRequest.objects.count()) == ("draft", 0)


def test_who_holds_two_roles_is_left_for_the_one_that_nobody_else_holds(ada, ben):
    both = factories.make_user("both", roles=["security", "legal"])
    only = factories.make_user("only", roles=["security"])

    request = asked(ada, kind="security_incident")

    assert {(seat.person, seat.role) for seat in request.stages.first().seats.all()} == {
        (both, "legal"),
        (only, "security"),
    }


def test_who_has_to_answer_in_one_stage_is_not_asked_in_the_next(ada, ben, lea):
    chief = factories.make_user("chief", roles=["security", "executive"])

    request = asked(ada, kind="security_incident")

    assert [{seat.person for seat in stage.seats.all()} for stage in request.stages.all()] == [{chief, lea}, {ben}]
    shown = queries.stages_for(request.message, {ada.pk})
    assert [set(stage["people"]) for stage in shown] == [{chief, lea}, {ben}]


def test_a_person_for_both_stages_is_refused_at_once_instead_of_waiting_for_ever(ada, lea):
    factories.make_user("chief", roles=["security", "executive"])
    message = factories.make_message(factories.make_incident(ada, kind="security_incident"), ada)

    with pytest.raises(Refused, match="Executive approver"):
        factories.ask(message, ada)


def test_a_second_request_beside_an_open_one_is_refused(ada, ben):
    request = asked(ada)

    with pytest.raises(Refused, match="in approval"):
        factories.ask(request.message, ada)
    with pytest.raises(IntegrityError, match="message_in_one_approval_at_a_time"):
        ApprovalRequest.objects.create(
            message=request.message,
            version=request.version,
            requested_by=ada,
            requested_at=NOW,
            expires_at=LATER,
            reach={},
        )


# Verdicts


@pytest.mark.parametrize("verdict", ["returned", "rejected"])
@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_no_needs_a_reason(verdict, reason, ada, ben):
    request = asked(ada)

    with pytest.raises(Refused, match="Give a reason"):
        factories.approve(request, ben, verdict=verdict, reason=reason)

    assert states(request) == ("open", "in_review")


@pytest.mark.parametrize("verdict", ["", "yes", "approve", "APPROVED", "approved "])
def test_an_unknown_word_is_no_approval(verdict, ada, ben):
    request = asked(ada)

    with pytest.raises(Refused, match="Choose what you decide"):
        factories.approve(request, ben, verdict=verdict)

    assert request.decisions.count() == 0


def test_returned_it_is_a_draft_again_and_somebody_else_makes_the_edit(ada):
    rita = factories.make_user("rita", roles=["executive", "product"])
    request = asked(ada)

    factories.approve(request, rita, verdict="returned", reason="Say when it began.")

    assert states(request) == ("returned", "draft")
    message = Message.objects.get()
    assert (message.returned_by, message.returned_reason) == (rita, "Say when it began.")
    assert told(ada, "approval_ended") == 1
    mended = factories.make_content(respond="It began at noon.")
    with pytest.raises(Refused, match="somebody else has to"):
        actions.edit_message(message_id=message.pk, content=mended, by=rita, now=NOW)
    actions.edit_message(message_id=message.pk, content=mended, by=ada, now=NOW)
    assert factories.approve(factories.ask(message, ada), rita).verdict == "approved"


def test_rejected_is_the_end_of_a_message(ada, ben):
    request = asked(ada)

    factories.approve(request, ben, **NO)

    assert states(request) == ("rejected", "rejected")
    for act in (actions.reopen_message, actions.request_approval):
        with pytest.raises(Refused):
            act(message_id=request.message_id, by=ada, now=NOW)
    with pytest.raises(Refused):
        factories.order(request.message, ada)


def test_an_ended_request_takes_no_further_verdict(ada, ben):
    for verdict, state in [("returned", "returned"), ("rejected", "rejected"), ("approved", "approved")]:
        request = asked(ada)
        factories.approve(request, ben, verdict=verdict, reason="So.")
        for again in ("approved", "returned", "rejected"):
            with pytest.raises(Conflict):
                factories.approve(request, ben, verdict=again, reason="So.")
        assert states(request)[0] == state
        assert actions.expire_requests(now=NOW + timedelta(days=2)) == 0


# A2, A10: once


def test_a2_a_decision_made_again_is_a_conflict_with_one_row_and_one_record(ada, ben, sol, lea):
    request = asked(ada, kind="security_incident")
    factories.approve(request, sol)

    for verdict in ("approved", "rejected"):
        with pytest.raises(Conflict, match="decided on this already"):
            factories.approve(request, sol, verdict=verdict, reason="Changed my mind.")

    assert request.decisions.count() == 1
    assert AuditEvent.objects.filter(verb__startswith="approval.", actor=sol).count() == 1


def test_a10_one_person_in_two_seats_counts_once(ada, ben, sol, lea):
    """Two mails, two links, one person: the second seat adds nothing, and the database says so as well."""
    request = asked(ada, kind="security_incident")
    User.objects.filter(pk=sol.pk).update(roles=["security", "legal", "executive"])
    later_seat = ApprovalSeat.objects.create(stage=request.stages.last(), person=sol, role="executive", asked_at=NOW)
    factories.approve(request, sol)
    factories.approve(request, lea)

    with pytest.raises(Conflict, match="decided on this already"):
        factories.approve(request, sol)

    assert states(request) == ("open", "in_review")
    with pytest.raises(IntegrityError, match="person_decides_once_per_request"):
        _raw_decision(request, later_seat.person, stage=later_seat.stage)


def test_a10_one_persons_yes_does_not_stand_for_both_roles_of_a_stage(ada, ben, sol, lea):
    request = asked(ada, kind="security_incident")
    User.objects.filter(pk=sol.pk).update(roles=["security", "legal"])

    factories.approve(request, sol)

    assert request.stages.first().state == "open"


def _raw_decision(request: ApprovalRequest, person: User, **fields: object) -> ApprovalDecision:
    values = {
        "stage": request.stages.first(),
        "verdict": "approved",
        "proof": "session",
        "fingerprint": request.version.fingerprint,
        "at": NOW,
        **fields,
    }
    return ApprovalDecision.objects.create(request=request, person=person, **values)


@pytest.mark.parametrize("statement", ["UPDATE {} SET verdict = 'approved'", "DELETE FROM {}"])
def test_a_decision_stays_even_in_the_database(statement, ada, ben):
    factories.approve(asked(ada), ben, **NO)

    with pytest.raises(DatabaseError, match="Cannot update or delete"), connection.cursor() as cursor:
        cursor.execute(statement.format("messaging_approvaldecision"))


# A3: expiry


@pytest.mark.parametrize(
    ("promise", "expires"),
    [(timedelta(hours=1), timedelta(hours=1)), (timedelta(days=3), timedelta(hours=24))],
)
def test_a3_a_request_ends_after_a_day_or_when_its_promise_would_have_passed(promise, expires, ada, ben):
    request = asked(ada, content={"next_update_at": (NOW + promise).isoformat()})

    assert request.expires_at == NOW + expires


def test_a3_from_the_moment_of_expiry_no_decision_is_taken_swept_or_not(ada, ben):
    request = asked(ada)
    end = request.expires_at

    with pytest.raises(Conflict, match="expired"):
        factories.approve(request, ben, now=end)
    assert actions.expire_requests(now=end - timedelta(seconds=1)) == 0
    assert actions.expire_requests(now=end) == 1
    with pytest.raises(Conflict, match="expired"):
        factories.approve(request, ben, now=end)

    assert (states(request), request.decisions.count()) == (("expired", "draft"), 0)
    assert told(ada, "approval_ended") == 1
    assert actions.expire_requests(now=end) == 0


def test_a3_a_second_before_it_still_counts(ada, ben):
    request = asked(ada)

    factories.approve(request, ben, now=request.expires_at - timedelta(seconds=1))

    assert states(request) == ("approved", "approved")


def test_a3_after_expiry_a_new_request_can_be_asked_for(ada, ben):
    request = asked(ada)
    end = request.expires_at
    actions.expire_requests(now=end)
    content = factories.make_content(next_update_at=(end + timedelta(hours=1)).isoformat())
    actions.edit_message(message_id=request.message_id, content=content, by=ada, now=end)

    again = factories.ask(request.message, ada, now=end)

    assert factories.approve(again, ben, now=end).verdict == "approved"
    assert told(ben, "approval_request") == 2


# The time limit of a stage


def test_when_the_time_limit_passes_the_deputies_are_asked_and_count_for_the_role(ada, ben, sol, lea):
    dan = factories.make_user("dan", roles=["security"])
    User.objects.filter(pk=sol.pk).update(deputy=dan)
    request = asked(ada, kind="security_incident")
    due = request.stages.first().due_at

    deadlines.tick(now=due - timedelta(seconds=1))
    assert told(dan, "approval_request") == 0
    deadlines.tick(now=due)
    deadlines.tick(now=due + timedelta(minutes=5))

    assert told(dan, "approval_request") == 1
    factories.approve(request, dan, now=due)
    factories.approve(request, lea, now=due)
    assert [stage.state for stage in request.stages.all()] == ["done", "open"]


def test_who_was_asked_first_may_still_decide_after_the_time_limit(ada, ben):
    request = asked(ada)
    due = request.stages.get().due_at
    deadlines.tick(now=due)

    factories.approve(request, ben, now=due + timedelta(minutes=1))

    assert states(request) == ("approved", "approved")


@pytest.mark.parametrize("why", ["holds no such role", "wrote it", "has no access"])
def test_a_deputy_who_may_not_decide_is_not_asked(why, ada, ben, sol, lea):
    dan = factories.make_user("dan", roles=["security"])
    User.objects.filter(pk=sol.pk).update(deputy=dan)
    message = factories.make_message(factories.make_incident(ada, kind="security_incident"), ada)
    if why == "wrote it":
        actions.edit_message(
            message_id=message.pk, content=factories.make_content(respond="Mine.", channels=["email"]), by=dan, now=NOW
        )
    request = factories.ask(message, ada)
    if why != "wrote it":
        User.objects.filter(pk=dan.pk).update(**({"is_active": False} if "access" in why else {"roles": ["support"]}))

    deadlines.tick(now=request.stages.first().due_at)

    assert told(dan, "approval_request") == 0
    assert request.stages.first().seats.filter(person=dan).count() == 0


def test_an_executive_without_an_answer_has_their_deputy_asked(ada, ben):
    eva = factories.make_user("eva", roles=["executive"], is_active=False)
    User.objects.filter(pk=ben.pk).update(deputy=eva)
    request = asked(ada)
    User.objects.filter(pk=eva.pk).update(is_active=True)

    deadlines.tick(now=request.stages.get().due_at)

    assert {seat.person for seat in request.stages.get().seats.all()} == {ben, eva}


# A5: what voids


@pytest.mark.parametrize("name", CHANGED)
def test_a5_any_change_of_what_was_approved_voids_it_tells_the_approver_and_blocks_sending(name, ada, ben):
    factories.make_contact(account=factories.make_account())
    message = factories.make_approved(factories.make_incident(ada), ada, ben)
    request = message.approval

    content = replace(factories.make_content(), **{name: CHANGED[name]})
    actions.edit_message(message_id=message.pk, content=content, by=ada, now=LATER)

    assert states(request) == ("voided", "draft")
    assert (Message.objects.get().approval, told(ben, "approval_void")) == (None, 1)
    with pytest.raises(Refused, match="Only an approved"):
        factories.order(message, ada, now=LATER)


@pytest.mark.parametrize("name", CHANGED | FROZEN)
def test_a5_the_worker_refuses_a_content_that_differs_from_the_approved_one(name, ada, ben):
    factories.make_contact(account=factories.make_account())
    dispatch = factories.order(factories.make_approved(factories.make_incident(ada), ada, ben), ada)[0]
    assert authority.why_not(dispatch, NOW) == ""

    dispatch.content = {**dispatch.content, name: (CHANGED | FROZEN)[name]}

    assert "not the one that was approved" in authority.why_not(dispatch, NOW)


def test_a5_a_change_while_it_is_asked_voids_it_and_the_old_text_cannot_be_approved(ada, ben):
    request = asked(ada)

    actions.edit_message(
        message_id=request.message_id, content=factories.make_content(subject="Other"), by=ada, now=LATER
    )

    assert (states(request), told(ben, "approval_void")) == (("voided", "draft"), 1)
    with pytest.raises(Conflict, match="void"):
        factories.approve(request, ben)


def test_a5_a_decision_about_another_text_is_refused(ada, ben):
    request = asked(ada)

    with pytest.raises(Conflict, match="changed since you read it"):
        factories.approve(request, ben, fingerprint="0" * 64)

    assert request.decisions.count() == 0


def test_a5_a_yes_to_the_first_version_is_no_yes_to_the_second(ada, ben):
    first = asked(ada)
    actions.edit_message(
        message_id=first.message_id, content=factories.make_content(subject="Other"), by=ada, now=LATER
    )
    second = factories.ask(first.message, ada, now=LATER)

    with pytest.raises(Conflict, match="changed since you read it"):
        factories.approve(second, ben, fingerprint=first.version.fingerprint, now=LATER)

    assert states(second) == ("open", "in_review")


def test_a5_those_who_had_said_yes_and_those_who_were_asked_are_told_others_are_not(ada, ben, sol, lea):
    request = asked(ada, kind="security_incident")
    factories.approve(request, sol)

    actions.reopen_message(message_id=request.message_id, by=ada, now=LATER)

    assert (told(sol, "approval_void"), told(lea, "approval_void"), told(ben, "approval_void")) == (1, 1, 0)


# A6: who is no longer entitled

LEAVE = {
    "loses the role": lambda person, incident: User.objects.filter(pk=person.pk).update(roles=["support"]),
    "is deactivated": lambda person, incident: User.objects.filter(pk=person.pk).update(is_active=False),
    "leaves the incident": lambda person, incident: remove_perm("incidents.view_incident", person, incident),
}


@pytest.mark.parametrize("how", LEAVE)
def test_a6_between_the_mail_and_the_click_the_decision_is_refused(how, ada, ben):
    request = asked(ada)
    LEAVE[how](ben, request.message.incident)

    with pytest.raises(Refused, match="no longer"):
        factories.approve(request, ben)

    assert (states(request), request.decisions.count()) == (("open", "in_review"), 0)


@pytest.mark.parametrize("how", LEAVE)
def test_a6_between_approval_and_the_order_sending_is_refused(how, ada, ben):
    factories.make_contact(account=factories.make_account())
    message = factories.make_approved(factories.make_incident(ada), ada, ben)
    LEAVE[how](ben, message.incident)

    with pytest.raises(Refused, match="Ben, who approved it"):
        factories.order(message, ada)

    message.refresh_from_db()
    assert (message.state, message.dispatches.count()) == ("approved", 0)


@pytest.mark.parametrize("how", LEAVE)
def test_a6_between_the_order_and_the_end_of_the_hold_it_is_stopped(how, ada, ben):
    factories.make_contact(account=factories.make_account())
    message = factories.make_approved(factories.make_incident(ada), ada, ben)
    dispatch = factories.order(message, ada, hold_seconds=60)[0]
    LEAVE[how](ben, message.incident)

    delivery.release_due(dispatch_id=dispatch.pk, now=LATER)

    dispatch.refresh_from_db()
    assert dispatch.state == "stopped"
    assert "Ben, who approved it" in dispatch.why


# A7: four eyes


@pytest.fixture
def own(ada, ben):
    """A request whose author, editor and submitter all hold the executive role as well."""
    author, editor, submitter = (
        factories.make_user(name, roles=["product_marketing", "executive"])
        for name in ("author", "editor", "submitter")
    )
    message = factories.make_message(factories.make_incident(ada), author)
    actions.edit_message(message_id=message.pk, content=factories.make_content(respond="Anew."), by=editor, now=NOW)
    return factories.ask(message, submitter)


@pytest.mark.parametrize("name", ["author", "editor", "submitter"])
def test_a7_nobody_is_asked_about_what_they_wrote_or_submitted(name, own):
    person = User.objects.get(name=name.capitalize())

    with pytest.raises(Refused, match="not asked"):
        factories.approve(own, person)

    assert own.decisions.count() == 0


@pytest.mark.parametrize("name", ["author", "editor", "submitter"])
@pytest.mark.parametrize("is_superuser", [False, True])
def test_a7_even_with_a_seat_the_action_and_the_database_refuse_them(is_superuser, name, own):
    person = User.objects.get(name=name.capitalize())
    User.objects.filter(pk=person.pk).update(is_superuser=is_superuser)
    ApprovalSeat.objects.create(stage=own.stages.get(), person=person, role="executive", asked_at=NOW)

    with pytest.raises(Refused, match="Somebody else has to approve"):
        factories.approve(own, person)
    with pytest.raises(IntegrityError, match="approval_four_eyes"):
        _raw_decision(own, person)


def test_a7_somebody_else_approves_and_raw_rows_of_others_pass_the_trigger(own, ben):
    assert _raw_decision(own, ben).pk


def test_a7_who_wrote_an_earlier_version_stays_an_author_of_the_later_ones(ada, ben):
    dual = factories.make_user("dual", roles=["product_marketing", "executive"])
    message = factories.make_message(factories.make_incident(ada), dual)
    for subject in ("Second", "Third"):
        actions.edit_message(message_id=message.pk, content=factories.make_content(subject=subject), by=ada, now=NOW)

    request = factories.ask(message, ada)

    assert dual.pk in request.version.authors
    assert {seat.person for seat in request.stages.get().seats.all()} == {ben}


def test_a_message_is_out_only_if_approved_in_the_database_too(ada, ben):
    message = factories.make_message(factories.make_incident(ada), ada)

    for state in ("approved", "sent"):
        with pytest.raises(IntegrityError, match="message_out_only_if_approved"), transaction.atomic():
            Message.objects.filter(pk=message.pk).update(state=state)


def test_the_record_of_a_decision_says_who_how_and_about_which_text(ada, ben):
    request = asked(ada)

    factories.approve(request, ben, proof="device")

    event = AuditEvent.objects.select_related("detail").get(verb="approval.approved")
    assert (event.actor, event.detail.data["fingerprint"]) == (ben, request.version.fingerprint)
    assert "approved by Ben, on their enrolled device" in event.detail.text
    assert event.at == NOW


def test_clock_of_a_decision_offers_it_only_to_those_who_are_asked(policies: None, ada: User, ben: User):
    """The address of a decision answers nobody else: the clock led whoever waits for it into a dead end."""
    request = asked(ada)
    deadline = Deadline.objects.get(kind="approval", incident=request.message.incident)

    assert deadlines.path_for(deadline, ben) == reverse("messaging:approve", args=[request.pk])
    assert deadlines.path_for(deadline, ada) == reverse("messaging:compose", args=[request.message_id])
    assert [deadlines.action_for(deadline, person) for person in (ben, ada)] == [
        "Review and decide",
        "Open the message",
    ]
