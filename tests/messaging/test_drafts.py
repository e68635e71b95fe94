"""Writing: starters, saving as one types, two editors, versions that stay."""

from dataclasses import fields, replace
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.db.utils import DatabaseError

from crisiscomms.models import AuditEvent
from crisiscomms.refusal import Conflict, Refused
from incidents.models import Incident
from messaging import actions, checking
from messaging.content import Content, fingerprint
from messaging.models import Message, MessageVersion, Template
from tests import factories
from tests.conftest import NOW

# One other value for every field of a content: what an approval binds to.
CHANGED = {
    "subject": "Card payments: some fail",
    "recognize": "Some of your card payments fail.",
    "respond": "We work on it.",
    "rebuild": "You will hear from us.",
    "public_title": "Card payments fail",
    "public_body": "Some fail.",
    "say": ["We work on it."],
    "dont_say": [{"text": "A cause.", "instead": "It is being confirmed."}],
    "channels": ["email"],
    "kinds": ["customer", "partner"],
    "tiers": [1, 2],
    "affected_only": False,
    "next_update_at": (NOW + timedelta(hours=2)).isoformat(),
    "missing_reason": "There is nothing to rebuild.",
}
# And what a version brings along when it is frozen.
FROZEN = {"facts": {"title": "Another title"}}


def saved(message: Message, by, **changes: object) -> Message:
    """Saved as by somebody who has the newest revision before them."""
    message.refresh_from_db()
    content = replace(Content.from_data(message.working), **changes)
    return actions.save_draft(message_id=message.pk, content=content, revision=message.revision, by=by, now=NOW)


@pytest.mark.parametrize("message_kind", Message.Kind.values)
@pytest.mark.parametrize("incident_kind", ["service_disruption", "security_incident"])
def test_a_draft_starts_from_the_starter_of_its_kinds_and_is_ready_but_for_the_approval(
    incident_kind, message_kind, ada
):
    incident = factories.make_incident(ada, kind=incident_kind)

    message = actions.start_message(incident_id=incident.pk, kind=message_kind, by=ada, now=NOW)

    template = message.template_version.template
    assert (template.incident_kind, template.message_kind) == (incident_kind, message_kind)
    content = Content.from_data(message.working)
    assert content.missing_parts() == []
    assert checking.faults_for_approval(content, incident, NOW, message_kind) == {}


@pytest.mark.parametrize("kind", Incident.Kind.values)
def test_a_kind_without_a_starter_begins_empty_and_with_a_promise(kind, ada):
    incident = factories.make_incident(ada, kind=kind)
    Template.objects.filter(incident_kind=kind).update(incident_kind="other")

    message = actions.start_message(incident_id=incident.pk, kind="update", by=ada, now=NOW)

    content = Content.from_data(message.working)
    assert (message.template_version, content.recognize) == (None, "")
    assert NOW < content.next_update <= NOW + timedelta(days=1)


@pytest.mark.parametrize("kind", ["holding", "update"])
@pytest.mark.parametrize(("severity", "minutes"), [("critical", 60), ("major", 240), ("minor", 1440)])
def test_the_first_promise_never_comes_later_than_the_cadence_of_the_severity(kind, severity, minutes, ada):
    incident = factories.make_incident(ada, severity=severity)

    message = actions.start_message(incident_id=incident.pk, kind=kind, by=ada, now=NOW)

    promise = datetime.fromisoformat(message.working["next_update_at"])
    assert NOW < promise <= NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize("fields_of_incident", [{"restricted": True}, {"is_exercise": True}])
def test_what_may_not_be_public_starts_without_the_public_channels(fields_of_incident, ada):
    incident = factories.make_incident(ada, **fields_of_incident)

    message = actions.start_message(incident_id=incident.pk, kind="holding", by=ada, now=NOW)

    assert message.working["channels"] == ["email"]


def test_an_unknown_kind_and_a_closed_incident_take_no_draft(ada):
    incident = factories.make_incident(ada)

    with pytest.raises(Refused, match="Choose what kind"):
        actions.start_message(incident_id=incident.pk, kind="novel", by=ada, now=NOW)
    Incident.objects.update(phase="closed", closed_at=NOW, resolved_at=NOW)
    with pytest.raises(Refused, match="closed"):
        actions.start_message(incident_id=incident.pk, kind="update", by=ada, now=NOW)


def test_somebody_without_the_right_can_neither_start_nor_save_nor_keep(ada, ben, cleo):
    message = factories.make_message(factories.make_incident(ada), ada)

    for person in (ben, cleo):
        with pytest.raises(Refused, match="You may not"):
            actions.start_message(incident_id=message.incident_id, kind="update", by=person, now=NOW)
        with pytest.raises(Refused, match="You may not"):
            saved(message, person, subject="Mine now")
        with pytest.raises(Refused, match="You may not"):
            actions.keep_version(message_id=message.pk, by=person, now=NOW)
    message.refresh_from_db()
    assert message.working["subject"] != "Mine now"


def test_saving_moves_the_revision_and_saving_the_same_again_does_not(ada):
    message = factories.make_message(factories.make_incident(ada), ada)
    before = message.revision

    once = saved(message, ada, subject="Anew")
    again = saved(message, ada, subject="Anew")

    assert (once.revision, again.revision) == (before + 1, before + 1)


def test_text_that_could_not_be_rendered_is_kept_while_one_types(ada):
    message = factories.make_message(factories.make_incident(ada), ada)

    saved(message, ada, recognize="Hello {{ first_na")

    message.refresh_from_db()
    assert message.working["recognize"] == "Hello {{ first_na"


def test_a_conflict_keeps_both_texts(ada):
    eve = factories.make_user("eve", roles=["product_marketing"])
    message = factories.make_message(factories.make_incident(ada), ada)
    seen = message.revision
    saved(message, eve, respond="Eve's words.")

    with pytest.raises(Conflict, match="Eve saved this text"):
        mine = replace(Content.from_data(message.working), respond="Ada's words.")
        actions.save_draft(message_id=message.pk, content=mine, revision=seen, by=ada, now=NOW)

    message.refresh_from_db()
    assert message.working["respond"] == "Eve's words."
    saved(message, ada, respond="Ada's words.")
    assert message.versions.order_by("-number").first().content["respond"] == "Eve's words."


def test_another_persons_edit_freezes_what_stood_there_under_its_writers_name(ada):
    eve = factories.make_user("eve", roles=["product_marketing"])
    message = factories.make_message(factories.make_incident(ada), ada)
    saved(message, ada, subject="Ada's unkept words")
    count = message.versions.count()

    saved(message, eve, subject="Eve's words")

    kept = message.versions.order_by("-number").first()
    assert (message.versions.count(), kept.content["subject"]) == (count + 1, "Ada's unkept words")
    assert (kept.frozen_by, kept.authors) == (ada, [ada.pk])
    message.refresh_from_db()
    assert message.editors == [ada.pk, eve.pk]


def test_a_kept_version_names_everybody_who_wrote_any_part_of_it(ada):
    eve = factories.make_user("eve", roles=["legal"])
    message = factories.make_message(factories.make_incident(ada), ada)

    saved(message, eve, respond="Eve's words.")
    version = actions.keep_version(message_id=message.pk, by=ada, now=NOW)

    assert set(version.authors) == {ada.pk, eve.pk}


def test_keeping_the_same_text_again_gives_the_same_version_and_no_second_record(ada):
    message = factories.make_message(factories.make_incident(ada), ada)
    recorded = AuditEvent.objects.filter(verb="message.version").count()

    again = actions.keep_version(message_id=message.pk, by=ada, now=NOW)

    assert (again.number, message.versions.count()) == (1, 1)
    assert AuditEvent.objects.filter(verb="message.version").count() == recorded


@pytest.mark.parametrize("statement", ["UPDATE {} SET content = '{{}}'", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["messaging_messageversion", "messaging_templateversion"])
def test_a_version_cannot_be_changed_or_deleted_even_in_the_database(table, statement, ada):
    factories.make_message(factories.make_incident(ada), ada)

    with pytest.raises(DatabaseError, match="Cannot update or delete"), connection.cursor() as cursor:
        cursor.execute(statement.format(table))


def test_the_table_of_changes_knows_every_field_of_a_content():
    assert CHANGED.keys() | FROZEN.keys() == {field.name for field in fields(Content)}


@pytest.mark.parametrize("name", CHANGED | FROZEN)
def test_a_fingerprint_changes_with_every_field(name):
    content = factories.make_content()
    other = replace(content, **{name: (CHANGED | FROZEN)[name]})

    assert getattr(content, name) != getattr(other, name)
    assert fingerprint(content, incident_id=1, template_version_id=1) != fingerprint(
        other, incident_id=1, template_version_id=1
    )


def test_a_fingerprint_changes_with_the_incident_and_with_the_template_version():
    content = factories.make_content()

    marks = {
        fingerprint(content, incident_id=incident, template_version_id=template)
        for incident, template in [(1, 1), (2, 1), (1, 2), (1, None)]
    }

    assert len(marks) == 4
    assert fingerprint(content, incident_id=1, template_version_id=1) in marks


def test_a_fingerprint_does_not_flow_from_one_field_into_the_next():
    one = factories.make_content(recognize="ab", respond="c")
    other = factories.make_content(recognize="a", respond="bc")

    assert fingerprint(one, incident_id=1, template_version_id=1) != fingerprint(
        other, incident_id=1, template_version_id=1
    )


@pytest.mark.parametrize("state", ["in_review", "approved", "sent", "rejected"])
def test_saving_outside_a_draft_is_refused_and_says_what_to_do(state, ada, ben):
    message = factories.make_message(factories.make_incident(ada), ada)
    request = factories.ask(message, ada)
    if state == "rejected":
        factories.approve(request, ben, verdict="rejected", reason="No.")
    elif state != "in_review":
        factories.approve(request, ben)
    if state == "sent":
        factories.make_contact(account=factories.make_account())
        Message.objects.filter(pk=message.pk).update(state="sent")

    with pytest.raises(Refused, match=r"Change the text|new message"):
        saved(message, ada, subject="Behind your back")

    message.refresh_from_db()
    assert (message.state, message.working["subject"]) == (state, factories.make_content().subject)


@pytest.mark.parametrize("act", [actions.reopen_message, actions.edit_message])
@pytest.mark.parametrize("state", ["sent", "rejected"])
def test_what_is_sent_or_rejected_is_not_reopened(act, state, ada, ben):
    message = factories.make_message(factories.make_incident(ada), ada)
    request = factories.ask(message, ada)
    factories.approve(request, ben, **({"verdict": "rejected", "reason": "No."} if state == "rejected" else {}))
    if state == "sent":
        Message.objects.filter(pk=message.pk).update(state="sent")
    extra = {"content": factories.make_content(subject="Other")} if act is actions.edit_message else {}

    with pytest.raises(Refused, match="new message"):
        act(message_id=message.pk, by=ada, now=NOW, **extra)

    assert MessageVersion.objects.filter(message=message).count() == 1
