"""A text and the facts that it rests on: what may be said, what an approval binds to, and what voids it."""

from datetime import timedelta

import pytest

from crisiscomms.models import Notice
from crisiscomms.refusal import Conflict, Refused
from delivery import actions as delivery
from delivery import authority
from delivery.models import Dispatch
from incidents import actions as incidents
from incidents import facts as sheet
from incidents.models import Fact
from messaging import actions, checking, facts, mail, mails, rendering
from messaging.actions.drafts import BadContent
from messaging.content import Content, facts_of
from messaging.models import ApprovalRequest, Message
from tests import factories
from tests.factories import NOW

LATER = NOW + timedelta(minutes=20)
EMBARGO = NOW + timedelta(minutes=40)
FIELD = "The cause is {{ fact.cause }}."


@pytest.fixture
def incident(ada, ben):
    factories.make_contact("lena@bluegate.example")
    return factories.make_incident(ada)


def say(incident, by, value="a database failover", confidence="confirmed", key="cause", now=NOW, **fields):
    fact = Fact.objects.get(incident=incident, key=key)
    return incidents.change_fact(
        fact_id=fact.pk, seen=fact.version, value=value, confidence=confidence, reason="r", by=by, now=now, **fields
    )


def write(incident, by, *, respond=FIELD, kind="update", **content):
    return factories.make_message(incident, by, kind=kind, respond=respond, affected_only=False, **content)


def approved(incident, ada, ben, **content):
    message = write(incident, ada, **content)
    factories.approve(factories.ask(message, ada), ben)
    message.refresh_from_db()
    return message


# As a field


@pytest.mark.parametrize(
    "source",
    ["{{ fact }}", "{{ fact.a.b }}", "{{ fact[account] }}", "{{ fact.size }}", "{{ fact.Cause }}", "{{ fact.first }}"],
)
def test_a_fact_is_used_by_its_key_alone(source):
    with pytest.raises(rendering.BadTemplate, match=r"uses a fact in another way|not a field"):
        rendering.check(source, where="The subject")
    assert rendering.fact_keys(source) == frozenset()


@pytest.mark.parametrize(
    "source", ["{{ fact.cause }}", "{{ fact['cause'] }}", "{% if fact.cause == 'x' %}y{% endif %}"]
)
def test_every_way_of_using_one_is_seen(source):
    rendering.check(source, where="The subject")

    assert rendering.fact_keys(source) == {"cause"}


def test_a_value_is_words_and_never_a_link_a_tag_or_a_field(ada, incident):
    say(incident, ada, "<b>[x](https://e.example)</b> {{ account }} \u202eevil")
    content = Content(respond=FIELD)
    html = rendering.compile_block(FIELD).html(mail.incident_values(incident, content, "UTC"))

    assert html == ("<p>The cause is &lt;b&gt;[x](https://e.example)&lt;/b&gt; {{ account }} evil.</p>\n")


def test_a_version_keeps_the_facts_that_it_uses_and_no_others(ada, incident):
    say(incident, ada)
    say(incident, ada, "31 accounts", key="affected")
    message = write(incident, ada)

    kept = facts.said_in(Content.from_data(message.versions.last().content))
    assert {key: (fact["value"], fact["confidence"]) for key, fact in kept.items()} == {
        "cause": ("a database failover", "confirmed")
    }
    assert set(facts_of(incident)["facts"]) == {"cause", "affected"}


def test_what_went_out_says_what_was_approved_whatever_the_fact_says_now(ada, ben, incident):
    say(incident, ada)
    content = Content.from_data(approved(incident, ada, ben).approval.version.content)
    say(incident, ada, "high load", now=LATER)

    assert mail.incident_values(incident, content, "UTC")["fact"] == {"cause": "a database failover"}


# Checks


def test_what_cannot_be_said_is_a_finding_at_its_field(ada, incident):
    def found(kind="update"):
        return checking.faults_for_approval(
            factories.make_content(respond=FIELD, affected_only=False), incident, NOW, kind
        ).get("respond", "")

    assert "not known yet" in found()
    fact = say(incident, ada, confidence="believed")
    assert found() == "" and "only believed" in found("resolved")
    incidents.withdraw_fact(fact_id=fact.pk, seen=2, reason="r", by=ada, now=NOW)
    assert "withdrawn" in found()
    missing = factories.make_content(respond="{{ fact.nothing }}", affected_only=False)
    assert "no fact “nothing”" in checking.faults_for_approval(missing, incident, NOW, "update")["respond"]


@pytest.mark.parametrize("respond", [FIELD, "We see a Database Failover in the log."])
def test_resting_on_what_is_only_believed_is_remarked_by_name(respond, ada, incident):
    say(incident, ada, "a database failover", "believed")

    ((name, words),) = facts.remarks(factories.make_content(respond=respond), incident, NOW)
    assert name == "respond" and "“The cause”, which is only believed" in words and "ask Product" in words
    say(incident, ada, "a database failover", "confirmed")
    assert facts.remarks(factories.make_content(respond=respond), incident, NOW) == []


# Embargo: confidence × embargo × use


def _ask(message, ada, ben):
    factories.ask(message, ada, now=LATER)


def _decide(message, ada, ben):
    factories.approve(ApprovalRequest.objects.get(message=message), ben, now=LATER)


def _order(message, ada, ben):
    factories.order(message, ada, now=LATER)


def _release(message, ada, ben):
    dispatch = Dispatch.objects.filter(message=message, channel="email").get()
    if delivery.release_due(dispatch_id=dispatch.pk, now=LATER) == "stopped":
        raise Refused(Dispatch.objects.get(pk=dispatch.pk).why)


def _batch(message, ada, ben):
    dispatch = Dispatch.objects.filter(message=message, channel="email").get()
    dispatch.released_at = NOW
    reason = authority.why_not(dispatch, LATER)
    if reason:
        raise Refused(reason)


USES = {"ask": (0, _ask), "decide": (1, _decide), "order": (2, _order), "release": (3, _release), "batch": (3, _batch)}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("typed", ["field", "letters"])
@pytest.mark.parametrize("confidence", ["believed", "confirmed"])
@pytest.mark.parametrize(("embargo", "is_held"), [(None, False), (LATER, False), (EMBARGO, True)])
def test_an_embargoed_fact_leaves_in_no_way(embargo, is_held, confidence, typed, use, ada, ben, incident):
    say(incident, ada, confidence=confidence)
    steps, act = USES[use]
    message = write(incident, ada, respond=FIELD if typed == "field" else "It was A database failover.")
    for step in (_ask_now, _decide_now, _order_now)[:steps]:
        step(message, ada, ben)
    # Set behind the back of the actions, so that only the look at the moment of leaving can hold it.
    Fact.objects.filter(incident=incident, key="cause").update(embargo_until=embargo)

    if not is_held:
        act(message, ada, ben)
        return
    with pytest.raises(Refused, match=r"embargoed until (14:49 CET|13:49 UTC)"):
        act(message, ada, ben)


def _ask_now(message, ada, ben):
    factories.ask(message, ada)


def _decide_now(message, ada, ben):
    factories.approve(ApprovalRequest.objects.get(message=message), ben)


def _order_now(message, ada, ben):
    message.refresh_from_db()
    factories.order(message, ada)


# A change voids


@pytest.mark.parametrize("state", ["in_review", "approved"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": "high load"}, "was changed"),
        ({"confidence": "believed"}, "was changed"),
        ({"embargo_until": EMBARGO}, "under an embargo"),
        ("withdraw", "was withdrawn"),
    ],
)
def test_a_changed_fact_voids_what_was_asked_or_approved_with_it(change, words, state, ada, ben, incident):
    fact = say(incident, ada)
    message = write(incident, ada)
    request = factories.ask(message, ada)
    if state == "approved":
        factories.approve(request, ben)

    if change == "withdraw":
        incidents.withdraw_fact(fact_id=fact.pk, seen=fact.version, reason="r", by=ada, now=LATER)
    else:
        say(incident, ada, now=LATER, **change)

    message.refresh_from_db()
    request.refresh_from_db()
    assert (message.state, message.approval, request.state) == ("draft", None, "voided")
    assert request.ended_reason == f"The fact “The cause” {words}." or words in request.ended_reason
    with pytest.raises(Conflict, match="The cause"):
        factories.approve(request, ben, now=LATER)
    with pytest.raises(Refused):
        factories.order(message, ada, now=LATER)


def test_whoever_asked_is_told_that_a_fact_ended_it_unless_they_changed_it_themselves(ada, ben, incident):
    say(incident, ada)
    message = approved(incident, ada, ben)
    other = factories.make_user("paul", roles=["product_marketing"])

    say(incident, other, "high load", now=LATER)

    notice = Notice.objects.get(person=ada, kind="approval_ended", key__startswith="void:")
    told = mails.approval_ended(notice, LATER)
    assert told.subject == f"{incident.ref}: {message.name} has to be looked at and approved again"
    assert "Reason: The fact “The cause” was changed." in told.paragraphs
    again = factories.ask(write(incident, ada), ada)
    say(incident, ada, "low load", now=LATER)
    again.refresh_from_db()
    assert again.state == "voided" and not Notice.objects.filter(key=f"void:{again.pk}").exists()


@pytest.mark.parametrize("change", [{"source": "the log"}, {"confidence": "confirmed"}])
def test_what_makes_no_text_wrong_voids_nothing(change, ada, ben, incident):
    say(incident, ada, confidence="believed")
    message = approved(incident, ada, ben)
    say(incident, ada, **{"confidence": "believed", **change}, now=LATER)
    say(incident, ada, "12 accounts", key="affected", now=LATER)

    message.refresh_from_db()
    assert message.state == "approved"
    factories.order(message, ada, now=LATER)


def test_what_is_on_hold_does_not_leave_when_its_fact_changed(ada, ben, incident):
    say(incident, ada)
    message = approved(incident, ada, ben)
    held = factories.order(message, ada, hold_seconds=60)[0]
    say(incident, ada, "high load", now=NOW + timedelta(seconds=30))

    assert delivery.release_due(dispatch_id=held.pk, now=LATER) == "stopped"
    assert "The fact “The cause” was changed." in Dispatch.objects.get(pk=held.pk).why


def test_what_has_begun_to_leave_goes_on(ada, ben, incident):
    say(incident, ada)
    held = factories.order(approved(incident, ada, ben), ada)[0]
    delivery.release_due(dispatch_id=held.pk, now=NOW)
    say(incident, ada, "high load", now=LATER)

    assert authority.why_not(Dispatch.objects.get(pk=held.pk), LATER) == ""


# Out of date


def test_a_draft_is_out_of_date_until_it_is_looked_at_again(ada, ben, incident):
    say(incident, ada)
    message = approved(incident, ada, ben)
    assert facts.out_of_date([message], incident) == {}

    fact = say(incident, ada, "high load", now=LATER)
    message.refresh_from_db()
    assert facts.out_of_date([message], incident) == {message.pk: [fact]}

    factories.ask(message, ada, now=LATER)
    message.refresh_from_db()
    assert (message.state, facts.out_of_date([message], incident)) == ("in_review", {})


def test_a_draft_of_which_no_version_was_kept_goes_by_when_it_was_written(ada, incident):
    say(incident, ada)
    message = actions.start_message(incident_id=incident.pk, kind="update", by=ada, now=NOW)
    content = factories.make_content(respond=FIELD)
    message = actions.save_draft(message_id=message.pk, content=content, revision=1, by=ada, now=NOW)
    say(incident, ada, "high load", now=LATER)
    assert message.pk in facts.out_of_date([message], incident)

    content.subject = "Another"
    message = actions.save_draft(message_id=message.pk, content=content, revision=2, by=ada, now=LATER)
    assert facts.out_of_date([message], incident) == {}


def test_the_sheet_names_what_has_left_with_it_and_what_is_being_written(ada, ben, incident):
    say(incident, ada)
    sent = approved(incident, ada, ben)
    factories.order(sent, ada)
    for dispatch in Dispatch.objects.filter(message=sent, channel="portal"):
        delivery.release_due(dispatch_id=dispatch.pk, now=NOW)
    write(incident, ada)
    say(incident, ada, "high load", now=LATER)

    row = next(row for row in sheet.rows(incident, ada, LATER) if row.fact.key == "cause")
    found = {(use.name, use.word, use.at, use.value, use.is_stale) for use in row.uses}
    assert found == {
        ("Update 1", "sent", NOW, "a database failover", True),
        ("Update 2", "draft", None, "", True),
    }
    assert [use.name for use in row.stale_uses] == ["Update 1"]
    onlooker = next(row for row in sheet.rows(incident, ben, LATER) if row.fact.key == "cause")
    assert onlooker.uses == []


def test_an_unknown_fact_is_never_sent_for_approval(ada, incident):
    message = write(incident, ada)

    with pytest.raises(BadContent, match="not known yet"):
        factories.ask(message, ada)
    assert Message.objects.get(pk=message.pk).state == "draft"


def test_whoever_changes_a_fact_reads_first_what_rests_on_it(ada, ben, incident, browse):
    say(incident, ada)
    factories.ask(write(incident, ada), ada)
    fact = Fact.objects.get(incident=incident, key="cause")

    page = browse(ada, f"/incidents/{incident.ref}/facts/{fact.pk}/change/").content.decode()

    assert "It is said in update 1 (in approval)." in page
    assert "an approval that waits or was given does not count any more" in page
