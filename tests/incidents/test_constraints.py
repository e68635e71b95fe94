"""What the database refuses, whatever code asks: impossible rows by raw updates and inserts."""

from datetime import time, timedelta
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, IntegrityError, connection
from django.db.models import F

from crisiscomms.api.tokens import make_token
from crisiscomms.models import (
    ApiToken,
    ChatLine,
    ControlChange,
    GivenAnswer,
    Invitation,
    Notice,
    NoticeChoice,
    User,
)
from delivery import sweeping
from delivery.models import DeliveryAttempt, Dispatch, Notification
from incidents.models import (
    Component,
    ComponentState,
    CriterionWaiver,
    Deadline,
    Dependency,
    DutyHours,
    DutyShift,
    ImportedIncident,
    ImportedUpdate,
    Incident,
    Milestone,
    TeamMember,
)
from messaging.models import ApprovalDecision, ApprovalRequest, Message, MessageVersion
from recovery import actions as recovery
from recovery.models import RecoveryTask
from stakeholders.models import ColumnMapping, ErasedAddress, ImportChange, ImportRow, ImportRun
from tests import factories
from tests.conftest import NOW

HOUR = timedelta(hours=1)
# Constraint → (table, what a careless update would set).
IMPOSSIBLE = {
    "incident_discovered_before_declared": (Incident, {"discovered_at": NOW + HOUR}),
    "incident_closed_exactly_when_it_says_so": (Incident, {"phase": "closed", "resolved_at": NOW}),
    "incident_resolved_once_past_management": (Incident, {"phase": "recovery", "resolved_at": None}),
    "component_state_ends_after_it_began": (ComponentState, {"ended_at": NOW - HOUR}),
    "deadline_met_has_a_time": (Deadline, {"state": "met", "next_action_at": None}),
    "deadline_waived_has_a_reason": (Deadline, {"state": "waived", "next_action_at": None}),
    "deadline_pending_is_watched": (Deadline, {"state": "pending", "next_action_at": None}),
    "deadline_ended_rests": (Deadline, {"state": "met", "met_at": NOW, "next_action_at": NOW}),
    "deadline_warns_before_it_is_due": (Deadline, {"warn_at": NOW + 1000 * HOUR * 24}),
    "message_out_only_if_approved": (Message, {"state": "sent", "approval": None}),
    "approval_ended_has_a_time": (ApprovalRequest, {"state": "open", "ended_at": NOW}),
    "dispatch_released_once_it_runs": (Dispatch, {"state": "running", "released_at": None}),
    "dispatch_stopped_says_why": (Dispatch, {"state": "stopped", "why": ""}),
    "dispatch_copy_is_frozen": (Dispatch, {"fingerprint": "another"}),
    "notification_claimed_is_of_a_claim": (Notification, {"state": "claimed", "claim": None}),
    "notification_waiting_has_a_time": (Notification, {"state": "retry", "next_attempt_at": None}),
    "notification_ended_badly_says_why": (Notification, {"state": "failed", "reason": ""}),
    "erased_address_is_a_digest": (ErasedAddress, {"digest": "lena@bluegate.example"}),
    "user_is_back_after_leaving": (User, {"out_from": NOW, "out_until": NOW}),
    "invitation_is_accepted_or_withdrawn": (Invitation, {"accepted_at": NOW, "withdrawn_at": NOW}),
    "change_is_confirmed_by_another": (
        ControlChange,
        {"state": "confirmed", "decided_at": NOW, "decided_by": F("asked_by")},
    ),
    "change_decided_has_a_time": (ControlChange, {"state": "withdrawn", "decided_at": None}),
    "change_refused_says_why": (ControlChange, {"state": "refused", "decided_at": NOW, "answer": ""}),
    "component_does_not_need_itself": (Dependency, {"on": F("component")}),
    "import_refused_says_why": (ImportRun, {"state": "refused", "why_refused": ""}),
    "import_undone_has_a_time": (ImportRun, {"state": "undone"}),
    "import_row_not_taken_says_why": (ImportRow, {"outcome": "reject", "reason": ""}),
    "api_token_ends_after_it_began": (ApiToken, {"expiry": NOW}),
    "api_token_lives_a_year_at_most": (ApiToken, {"expiry": NOW + 366 * 24 * HOUR}),
    "api_token_may_do_something_known": (ApiToken, {"scopes": []}),
    "api_token_has_a_name": (ApiToken, {"name": ""}),
    "notice_waiting_has_a_time": (Notice, {"state": "digest", "next_attempt_at": NOW}),
    "notice_gathered_is_of_a_digest": (Notice, {"digest": F("pk")}),
    "notice_urgent_is_told_at_once": (NoticeChoice, {"urgent": "digest"}),
    "notice_way_is_known": (NoticeChoice, {"quiet": "pigeon"}),
    "notice_in_chat_calls_somebody": (NoticeChoice, {"normal": "both", "chat_name": ""}),
    "chat_line_waiting_has_a_time": (ChatLine, {"state": "queued", "next_attempt_at": None}),
    "duty_hours_on_a_weekday": (DutyHours, {"weekday": 7}),
    "duty_shift_ends_after_it_began": (DutyShift, {"ends_at": F("begins_at")}),
    "recovery_task_done_with_evidence": (RecoveryTask, {"state": "done", "done_at": NOW, "evidence": ""}),
}
# Unique sentence → the table whose row cannot stand there twice, and what may differ.
TWICE = {
    "incidents_incident_number": (Incident, {}),
    "component_has_one_open_state": (ComponentState, {}),
    "deadline_open_once_per_subject": (Deadline, {}),
    "person_joins_a_team_once": (TeamMember, {}),
    "invitation_open_once_per_person": (Invitation, {}),
    "change_open_once_per_subject": (ControlChange, {}),
    "component_needs_another_once": (Dependency, {}),
    "duty_hours_stand_once": (DutyHours, {}),
    "duty_shift_stands_once": (DutyShift, {}),
    "milestone_reached_once": (Milestone, {}),
    "message_number_once_per_incident": (Message, {"state": "draft", "approval": None}),
    "message_version_once": (MessageVersion, {}),
    "message_in_one_approval_at_a_time": (ApprovalRequest, {}),
    "person_decides_once_per_request": (ApprovalDecision, {}),
    "version_leaves_once_per_channel": (Dispatch, {"uid": "6d4b8c3e-4a1c-4a39-9d9b-0f2c6a1e7b11"}),
    "nobody_gets_a_dispatch_twice": (Notification, {}),
    "import_row_staged_once": (ImportRow, {}),
    "import_changes_a_thing_once": (ImportChange, {}),
    "columns_remembered_once_per_kind": (ColumnMapping, {}),
    "api_token_is_of_one_person": (ApiToken, {}),
    "idempotency_key_once_per_person": (GivenAnswer, {}),
    "crisiscomms_noticechoice_person": (NoticeChoice, {}),
    "crisiscomms_chatline_notice": (ChatLine, {}),
    "recovery_task_once_per_incident": (RecoveryTask, {}),
    "imported_update_once_per_incident": (ImportedUpdate, {"uid": "6d4b8c3e-4a1c-4a39-9d9b-0f2c6a1e7b11"}),
}
# Append-only: neither changed nor removed.
STAYS = [MessageVersion, ApprovalDecision, DeliveryAttempt]


@pytest.fixture
def world(ada, ben):
    """One of everything, in a state that is right."""
    factories.make_contacts(1)
    incident = factories.make_incident(ada)
    message = factories.make_approved(incident, ada, ben)
    factories.order(message, ada)
    sweeping.sweep(now=NOW)
    recovery.open_programme(incident=incident, by=ada, now=NOW)
    olga, guest = factories.make_user("olga", roles=["administrator"]), factories.make_user("guest", roles=[])
    lasts = {"asked_by": olga, "asked_at": NOW, "expires_at": NOW + HOUR}
    Invitation.objects.create(person=guest, invited_by=olga, invited_at=NOW, expires_at=NOW + HOUR)
    ControlChange.objects.create(kind="roles", subject="person:1", title="x", payload={}, reason="x", **lasts)
    component = Component.objects.first()
    other = Component.objects.create(product=component.product, name="Another part")
    Dependency.objects.create(component=component, on=other)
    run = ImportRun.objects.create(name="f.csv", uploaded_at=NOW, worked_at=NOW)
    ImportRow.objects.create(run=run, number=2, key="a@x.example", outcome="create")
    ImportChange.objects.create(run=run, number=2, thing="contact", thing_id=1)
    ColumnMapping.objects.create(signature="s", mapping={}, used_at=NOW)
    ErasedAddress.objects.create(digest="erased:" + "0" * 40, erased_at=NOW)
    DeliveryAttempt.objects.create(notification=Notification.objects.get(), number=1, at=NOW, outcome="retry")
    NoticeChoice.objects.create(person=ada)
    DutyHours.objects.create(person=ada, role="product_marketing", weekday=0, begins=time(8), ends=time(18))
    DutyShift.objects.create(person=ada, role="product_marketing", begins_at=NOW, ends_at=NOW + HOUR)
    ChatLine.objects.create(notice=Notice.objects.first(), next_attempt_at=NOW)
    make_token(name="x", scopes=["read"], days=1, by=ada, now=NOW)
    GivenAnswer.objects.create(person=ada, key="x", request_digest="x", status=201, body={}, created_at=NOW)
    ImportedUpdate.objects.create(incident=incident, external_id="u1", at=NOW, stage="resolved")
    return SimpleNamespace(incident=incident, message=message, ada=ada, ben=ben)


def _one_of(model):
    rows = model.objects.open() if model is Deadline else model.objects.all()
    return rows.order_by("pk").first()


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_the_database_refuses_an_impossible_row(world, name):
    model, changes = IMPOSSIBLE[name]
    row = _one_of(model)

    with pytest.raises(DatabaseError, match=name):
        model.objects.filter(pk=row.pk).update(**changes)


@pytest.mark.parametrize("name", TWICE)
def test_the_database_refuses_the_same_thing_twice(world, name):
    model, changes = TWICE[name]
    row = _one_of(model)
    row.pk, row._state.adding = None, True
    for field, value in changes.items():
        setattr(row, field, value)

    with pytest.raises(IntegrityError, match=name):
        row.save(force_insert=True)


@pytest.mark.parametrize("model", STAYS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("act", ["update", "delete"])
def test_what_was_decided_frozen_or_tried_stays(world, model, act):
    row = model.objects.first()
    column = "at" if model is not MessageVersion else "frozen_at"

    with pytest.raises(DatabaseError, match="Cannot"):
        model.objects.filter(pk=row.pk).update(**{column: NOW + HOUR}) if act == "update" else row.delete()


def test_the_same_incident_of_another_page_is_not_imported_twice(world):
    fields = {"source": "https://x.example", "external_id": "a", "imported_by": world.ada, "imported_at": NOW}
    ImportedIncident.objects.create(incident=world.incident, **fields)

    with pytest.raises(IntegrityError, match="imported_incident_once_per_source"):
        ImportedIncident.objects.create(incident=factories.make_incident(world.ada), **fields)


def test_a_waiver_without_a_reason_is_refused(world):
    with pytest.raises(IntegrityError, match="waiver_has_a_reason"):
        CriterionWaiver.objects.create(
            incident=world.incident, phase="management", keys=["mitigated"], reason="", by=world.ada, at=NOW
        )


@pytest.mark.parametrize("person", ["ada", "ben"])
def test_nobody_approves_their_own_by_raw_insert_A7(world, person):
    message = factories.make_message(world.incident, world.ada, kind="update")
    request = factories.ask(message, world.ada)
    row = ApprovalDecision(
        request=request,
        stage=request.stages.get(),
        person=getattr(world, person),
        verdict="approved",
        proof="session",
        fingerprint=request.version.fingerprint,
        at=NOW,
    )

    if person == "ben":
        row.save()
    else:
        with pytest.raises(IntegrityError, match="approval_four_eyes"):
            row.save()


@pytest.mark.parametrize("verdict", ["returned", "rejected"])
def test_a_no_without_a_reason_is_refused(world, verdict):
    message = factories.make_message(world.incident, world.ada, kind="update")
    request = factories.ask(message, world.ada)

    with pytest.raises(IntegrityError, match="approval_no_needs_a_reason"):
        ApprovalDecision.objects.create(
            request=request, stage=request.stages.get(), person=world.ben, verdict=verdict, proof="session", at=NOW
        )


@pytest.mark.parametrize(
    ("flags", "channel", "leaves"),
    [
        ({"is_exercise": True}, "email", False),
        ({"is_exercise": True}, "status", False),
        ({"restricted": True}, "status", False),
        ({"restricted": True}, "portal", False),
        ({"restricted": True}, "email", True),
        ({}, "status", True),
    ],
)
def test_the_wall_stands_in_the_database(ada, ben, flags, channel, leaves):
    incident = factories.make_incident(ada)
    message = factories.make_approved(incident, ada, ben)
    Incident.objects.filter(pk=incident.pk).update(**flags)
    row = Dispatch(
        incident=incident,
        message=message,
        version=message.approval.version,
        request=message.approval,
        channel=channel,
        content={},
        fingerprint="x",
        ordered_by=ada,
        ordered_at=NOW,
        hold_until=NOW,
    )

    if leaves:
        row.save()
    else:
        with pytest.raises(IntegrityError, match="dispatch_respects_the_wall"):
            row.save()


@pytest.mark.django_db
def test_every_named_constraint_of_these_houses_is_in_the_database():
    """A sentence that a migration forgot protects nothing."""
    models = [*{model for model, _ in [*IMPOSSIBLE.values(), *TWICE.values()]}, CriterionWaiver]
    wanted = {constraint.name for model in models for constraint in model._meta.constraints}
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint UNION SELECT indexname FROM pg_indexes")
        there = {name for (name,) in cursor.fetchall()}
    assert wanted <= there
