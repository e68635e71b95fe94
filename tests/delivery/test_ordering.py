"""Ordering, holding, taking back, stopping: who gets it, and what can never leave."""

import random
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from crisiscomms import people as persons
from crisiscomms.models import AuditEvent, Notice
from crisiscomms.refusal import Conflict, Refused
from delivery import actions, sender, sweeping
from delivery.channels import email as door
from delivery.channels.smtp import Result
from delivery.models import Dispatch, Notification, Tally
from delivery.models.notifications import STATES
from incidents import actions as incidents
from incidents.models import Incident
from stakeholders import actions as stakeholders
from stakeholders import recipients
from stakeholders.models import Account, Contact, Membership
from tests import factories
from tests.conftest import NOW
from tests.delivery import ground
from tests.delivery.ground import SOON, order_mail, read, round_of_work, states

LATER = NOW + timedelta(seconds=121)


def approved(ada, ben, **fields):
    """An approved message whose promise is far enough for every test here."""
    incident = factories.make_incident(ada, **{key: fields.pop(key) for key in ("kind", "severity") if key in fields})
    fields.setdefault("next_update_at", (NOW + timedelta(days=30)).isoformat())
    return factories.make_approved(incident, ada, ben, **fields)


def by_channel(message):
    return {dispatch.channel: dispatch.state for dispatch in Dispatch.objects.filter(message=message)}


# The frozen list


def test_the_list_and_its_words_freeze_with_the_press(ada, ben, sink):
    ground.people("anna", "ben")
    dispatch = order_mail(ada, ben, hold_seconds=120)

    ground.people("late", name="Late Ltd")
    Contact.objects.filter(first_name="anna").update(first_name="Renamed", address="moved@elsewhere.example")
    round_of_work(LATER)

    assert states(dispatch) == {"anna": "sent", "ben": "sent"}
    assert sorted(sink.counts) == ["anna@many.example", "ben@many.example"]
    assert "Hello anna," in next(
        read(m).get_body(("plain",)).get_content() for m in sink.mails if m.recipient.startswith("anna")
    )


def test_a_person_in_three_accounts_gets_one_mail_and_each_account_counts_it(ada, ben, sink):
    homes = [factories.make_account(name, tier=tier) for name, tier in (("A", 3), ("B", 1), ("C", 2))]
    person = factories.make_contact("lena@many.example", homes[0])
    for home in homes[1:]:
        Membership.objects.create(contact=person, account=home, is_main=False)

    dispatch = order_mail(ada, ben)
    round_of_work()

    row = dispatch.notifications.get()
    assert (set(row.accounts), row.tier, row.merge["account"]) == ({home.pk for home in homes}, 1, "A")
    assert dispatch.request.reach["accounts"] == 3
    assert sink.counts == {"lena@many.example": 1}


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda c: stakeholders.suppress_contact(contact_id=c.pk, reason="bounced", now=NOW), recipients.SUPPRESSED),
        (lambda c: stakeholders.unsubscribe_contact(contact_id=c.pk, how="test", now=NOW), recipients.UNSUBSCRIBED),
        (lambda c: Contact.objects.filter(pk=c.pk).update(marketing_opt_out=True), recipients.OPTED_OUT),
    ],
)
def test_who_is_left_out_stands_in_the_list_with_the_reason(ada, ben, sink, act, reason):
    elsewhere = factories.make_account("Elsewhere", products=["Something else"])
    act(factories.make_contact("left@many.example", elsewhere))
    factories.make_contact("anna@many.example", elsewhere)

    dispatch = order_mail(ada, ben, content={"affected_only": False})
    round_of_work()

    row = ground.row_of(dispatch, "left")
    assert (row.state, row.reason, row.tries.count()) == ("skipped", reason, 0)
    assert sink.counts == {"anna@many.example": 1}


def test_a_marketing_opt_out_does_not_stop_a_notice_about_ones_own_account(ada, ben, sink):
    factories.make_contact("lena@many.example", marketing_opt_out=True)

    order_mail(ada, ben)
    round_of_work()

    assert "You opted out of our marketing mail" in ground.read(sink.mails[0]).get_body(("plain",)).get_content()


@pytest.mark.parametrize(
    ("gone", "come", "is_refused"),
    [(0, 5, False), (0, 6, True), (5, 0, False), (6, 0, True), (6, 6, False), (100, 0, True)],
)
def test_a_count_more_than_5_percent_off_what_was_approved_is_refused_and_leaves_nothing(
    ada, ben, gone, come, is_refused
):
    factories.make_contacts(100)
    message = approved(ada, ben)
    chosen = Contact.objects.order_by("pk").values_list("pk", flat=True)[:gone]
    Contact.objects.filter(pk__in=list(chosen)).update(unsubscribed_at=NOW)
    ground.people(*(f"n{number}" for number in range(come)), name="New Ltd")

    if not is_refused:
        factories.order(message, ada)
        return
    now_reached = 100 - gone + come
    with pytest.raises(Refused, match=f"100 people were approved, and it would now go to {now_reached}"):
        factories.order(message, ada)

    message.refresh_from_db()
    assert message.state == "approved"
    assert not (Dispatch.objects.exists() or Notification.objects.exists() or Tally.objects.exists())


def test_a_promise_whose_time_has_passed_is_refused(ada, ben):
    ground.people("anna")
    incident = factories.make_incident(ada)
    message = factories.make_approved(incident, ada, ben)

    with pytest.raises(Refused, match="promised in the text has passed"):
        factories.order(message, ada, now=NOW + timedelta(hours=1))

    assert not Dispatch.objects.exists()


@pytest.mark.parametrize("state", ["draft", "in_review"])
def test_nothing_leaves_unapproved(ada, state):
    ground.people("anna")
    message = factories.make_message(factories.make_incident(ada), ada)
    type(message).objects.filter(pk=message.pk).update(state=state)

    with pytest.raises(Refused, match="Only an approved message"):
        factories.order(message, ada)


def test_an_edit_after_approval_voids_it_so_nothing_can_be_ordered(ada, ben):
    ground.people("anna")
    message = approved(ada, ben)
    factories.messaging.edit_message(
        message_id=message.pk, content=factories.make_content(subject="Other words"), by=ada, now=NOW
    )

    with pytest.raises(Refused):
        factories.order(message, ada)

    assert not Dispatch.objects.exists()


def test_sellers_and_executives_may_not_order(ada, ben, cleo):
    ground.people("anna")
    message = approved(ada, ben)

    for person in (ben, cleo):
        with pytest.raises(Refused, match="You may not"):
            factories.order(message, person)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_presses_at_the_same_instant_order_once(ada, ben):
    ground.people("anna")
    message = approved(ada, ben)

    found = ground.at_once(4, lambda _: factories.order(message, ada))

    assert Counter(type(one).__name__ for one in found) == {"list": 1, "Refused": 3}
    assert Notification.objects.count() == 1


# The wall


@pytest.mark.parametrize("channel", Dispatch.Channel.values)
@pytest.mark.parametrize("field", ["is_exercise", "restricted"])
def test_the_database_refuses_an_exercise_that_leaves_and_a_restricted_one_in_public(ada, ben, field, channel):
    ground.people("anna")
    message = approved(ada, ben)
    type(message.incident).objects.filter(pk=message.incident_id).update(**{field: True})
    row = Dispatch(
        incident=message.incident,
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

    if (field, channel) == ("restricted", "email"):
        row.save()
        return
    with pytest.raises(IntegrityError, match="dispatch_respects_the_wall"), transaction.atomic():
        row.save(force_insert=True)


def test_an_exercise_is_refused_with_words(ada, ben):
    ground.people("anna")
    incident = factories.make_incident(ada, is_exercise=True)
    message = factories.make_approved(incident, ada, ben, channels=["email"])

    with pytest.raises(Refused, match="exercise"):
        factories.order(message, ada)

    assert not Dispatch.objects.exists()


def test_a_restricted_incident_goes_by_mail_and_never_in_public(ada, ben, sink):
    ground.people("anna")
    order_mail(ada, ben, restricted=True)
    round_of_work()

    assert sink.counts == {"anna@many.example": 1}
    assert not Dispatch.objects.public(LATER).exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [("content", {}), ("fingerprint", "0"), ("channel", "status"), ("uid", uuid.UUID(int=7))],
)
def test_the_frozen_copy_cannot_change(ada, ben, field, value):
    ground.people("anna")
    dispatch = order_mail(ada, ben)

    with pytest.raises(DatabaseError, match="dispatch_copy_is_frozen"), transaction.atomic():
        Dispatch.objects.filter(pk=dispatch.pk).update(**{field: value})


def test_what_a_try_said_cannot_be_changed_or_deleted(ada, ben, sink):
    ground.people("anna")
    tries = order_mail(ada, ben).notifications.get().tries
    round_of_work()

    for act in (lambda: tries.update(outcome="failed"), tries.all().delete):
        with pytest.raises(DatabaseError, match="Cannot change what a try said"), transaction.atomic():
            act()


# Hold, take back, stop


def test_nothing_leaves_within_the_hold_and_everything_after(ada, ben, sink):
    ground.people("anna")
    message = approved(ada, ben)
    factories.order(message, ada, hold_seconds=120)

    round_of_work(NOW + timedelta(seconds=119))
    assert (by_channel(message), sink.mails) == ({"email": "held", "status": "held", "portal": "held"}, [])

    round_of_work(LATER)
    assert (by_channel(message), sink.counts["anna@many.example"]) == (
        {"email": "done", "status": "done", "portal": "done"},
        1,
    )


def test_what_is_taken_back_never_leaves_and_can_be_ordered_again(ada, ben, sink):
    ground.people("anna")
    message = approved(ada, ben)
    factories.order(message, ada, hold_seconds=120)
    first = Dispatch.objects.get(channel="email")

    actions.take_back(message_id=message.pk, by=ada, now=NOW + timedelta(seconds=60))
    round_of_work(LATER)

    message.refresh_from_db()
    assert (message.state, set(by_channel(message).values())) == ("approved", {"taken_back"})
    assert (states(first), sink.mails) == ({"anna": "cancelled"}, [])
    factories.order(message, ada, now=LATER)
    round_of_work(LATER)
    assert sink.counts == {"anna@many.example": 1}


def test_it_is_too_late_to_take_back_once_it_has_begun_to_leave(ada, ben, sink):
    ground.people("anna")
    message = approved(ada, ben)
    factories.order(message, ada)
    sweeping.sweep(now=SOON)

    with pytest.raises(Conflict, match="too late"):
        actions.take_back(message_id=message.pk, by=ada, now=SOON)

    assert by_channel(message)["email"] == "running"


class StopsAt:
    """A mail server during whose n-th mail a person presses Stop."""

    def __init__(self, number, stop):
        self.number, self.stop, self.taken = number, stop, []

    def send_many(self, mails):
        for mail in mails:
            self.taken.append(mail.recipient)
            if len(self.taken) == self.number:
                self.stop()
            yield Result(mail.key, "sent", 250, "ok")

    def close(self):
        pass


@pytest.mark.parametrize(("slow", "most"), [(True, 3), (False, 4)])
def test_d15_no_send_begins_after_a_stop_has_committed(ada, ben, monkeypatch, slow, most):
    factories.make_contacts(10)
    monkeypatch.setattr(sender, "GROUP", 4)
    dispatch = order_mail(ada, ben)
    server = StopsAt(3, lambda: actions.stop_dispatch(dispatch_id=dispatch.pk, reason="wrong number", by=ada, now=SOON))
    monkeypatch.setattr(door, "session", lambda: server)
    monkeypatch.setattr(sender, "LOOK_AGAIN_SECONDS", 0 if slow else 60)

    round_of_work()

    tally = Tally.objects.get(dispatch=dispatch)
    assert (len(server.taken), tally.sent, tally.queued, tally.adds_up) == (most, most, 10 - most, True)


def test_d15_what_was_stopped_stays_until_it_is_resumed_and_then_reaches_the_rest_once(ada, ben, sink, monkeypatch):
    factories.make_contacts(10)
    dispatch = order_mail(ada, ben)
    server = StopsAt(4, lambda: actions.stop_dispatch(dispatch_id=dispatch.pk, reason="wrong", by=ada, now=SOON))
    monkeypatch.setattr(sender, "LOOK_AGAIN_SECONDS", 0)
    with monkeypatch.context() as patch:
        patch.setattr(door, "session", lambda: server)
        round_of_work()

    round_of_work()
    assert sink.mails == []

    actions.resume_dispatch(dispatch_id=dispatch.pk, by=ada, now=SOON)
    round_of_work(NOW + timedelta(seconds=5))
    dispatch.refresh_from_db()
    assert (dispatch.state, len(sink.mails), set(sink.counts) & set(server.taken)) == ("done", 6, set())


def test_a_stop_needs_a_reason_and_stands_in_the_record(ada, ben):
    ground.people("anna")
    dispatch = ground.release(order_mail(ada, ben))

    with pytest.raises(Refused, match="Say why"):
        actions.stop_dispatch(dispatch_id=dispatch.pk, reason="  ", by=ada, now=SOON)
    actions.stop_dispatch(dispatch_id=dispatch.pk, reason="Wrong number in it", by=ada, now=SOON)

    event = AuditEvent.objects.get(verb="dispatch.stopped")
    assert (event.actor, "Wrong number in it" in event.detail.text) == (ada, True)


def test_what_is_done_cannot_be_stopped_and_what_runs_cannot_be_resumed(ada, ben, sink):
    ground.people("anna")
    dispatch = ground.release(order_mail(ada, ben))

    with pytest.raises(Conflict):
        actions.resume_dispatch(dispatch_id=dispatch.pk, by=ada, now=SOON)
    round_of_work()
    with pytest.raises(Conflict, match="nothing to stop"):
        actions.stop_dispatch(dispatch_id=dispatch.pk, reason="late", by=ada, now=SOON)


# Authority, asked again when the hold ends


def change(person, **fields):
    olga = factories.make_user("olga", roles=["administrator"])
    values = {"roles": person.roles, "is_active": True, "successor": olga, **fields}
    persons.change_person(person_id=person.pk, by=olga, now=NOW, **values)


A6 = {
    "the approver loses the role": (lambda ada, ben, i: change(ben, roles=["sales"]), "Ben, who approved it"),
    "the approver is deactivated": (lambda ada, ben, i: change(ben, is_active=False), "Ben, who approved it"),
    "the approver leaves the incident": (
        lambda ada, ben, i: i.granted.filter(user=ben).delete(),
        "Ben, who approved it, has left",
    ),
    "who ordered it loses the right": (lambda ada, ben, i: change(ada, roles=["sales"]), "Ada, who ordered it"),
    "who ordered it is deactivated": (lambda ada, ben, i: change(ada, is_active=False), "Ada, who ordered it"),
    "the incident is stood down": (
        lambda ada, ben, i: incidents.stand_down(incident_id=i.pk, reason="False alarm", by=ada, now=NOW),
        "stood down",
    ),
}


@pytest.mark.parametrize("case", A6)
def test_a6_what_may_no_longer_leave_is_stopped_with_words_before_anything_went(ada, ben, sink, case):
    act, words = A6[case]
    ground.people("anna")
    dispatch = order_mail(ada, ben, hold_seconds=120)

    act(ada, ben, dispatch.incident)
    round_of_work(LATER)

    dispatch.refresh_from_db()
    assert dispatch.state == "stopped"
    assert words in dispatch.why
    assert sink.mails == []


def test_a6_those_who_ordered_and_lead_are_told_why_it_stopped(ada, ben, dora, sink):
    ground.people("anna")
    dispatch = order_mail(ada, ben, hold_seconds=120)

    change(ben, roles=["sales"])
    round_of_work(LATER)
    round_of_work(LATER)

    notice = Notice.objects.get(kind="dispatch_stopped")
    assert (notice.person, notice.context) == (ada, {"dispatch": dispatch.pk})


def test_an_incident_that_becomes_restricted_holds_its_public_channels(ada, ben, sink):
    ground.people("anna")
    message = approved(ada, ben)
    factories.order(message, ada, hold_seconds=120)

    incident = message.incident
    type(incident).objects.filter(pk=incident.pk).update(restricted=True)
    round_of_work(LATER)

    assert (by_channel(message)["status"], by_channel(message)["portal"]) == ("stopped", "stopped")
    assert not Dispatch.objects.for_sellers(LATER).exists()


# Customers first


def ordered_to_tiers(ada, ben, *locals_by_tier, kind="service_disruption", message_kind="update"):
    for tier, locals_ in enumerate(locals_by_tier, start=1):
        ground.people(*locals_, name=f"Tier {tier}", tier=tier)
    incident = factories.make_incident(ada, kind=kind)
    # Somebody has decided that everybody may read it; the lock is another matter.
    Incident.objects.filter(pk=incident.pk).update(disclosure="transparent")
    incident.refresh_from_db()
    message = factories.make_message(
        incident, ada, kind=message_kind, next_update_at=(NOW + timedelta(days=30)).isoformat()
    )
    factories.approve(factories.ask(message, ada), ben)
    factories.order(message, ada)
    return message


def test_the_public_waits_until_the_mails_to_tiers_1_and_2_are_handed_over(ada, ben, sink):
    message = ordered_to_tiers(ada, ben, ["anna"], ["ben"], ["cleo"])

    sweeping.sweep(now=SOON)
    status = Dispatch.objects.get(message=message, channel="status")
    assert (status.state, "2 people of tier 1 and 2" in status.why) == ("locked", True)
    assert not Dispatch.objects.public(SOON).exists()

    round_of_work()
    assert by_channel(message)["status"] == "done"
    assert Dispatch.objects.public(SOON).exists()


def test_a_mail_that_ended_badly_no_longer_holds_the_public_back(ada, ben, sink):
    message = ordered_to_tiers(ada, ben, ["rcpt-550"], ["drop"], [])

    round_of_work()

    assert states(Dispatch.objects.get(message=message, channel="email")) == {"rcpt-550": "failed", "drop": "unknown"}
    assert by_channel(message)["status"] == "done"


def test_one_that_will_be_tried_again_still_holds_the_public_back(ada, ben, sink):
    message = ordered_to_tiers(ada, ben, [], ["greylist"], ["anna"])

    round_of_work()
    assert by_channel(message)["status"] == "locked"

    round_of_work(NOW + timedelta(minutes=1))
    assert by_channel(message)["status"] == "done"


def test_tier_3_alone_does_not_lock_the_public(ada, ben):
    message = ordered_to_tiers(ada, ben, [], [], ["anna"])

    sweeping.sweep(now=SOON)

    assert by_channel(message) == {"email": "running", "status": "done", "portal": "done"}


@pytest.mark.parametrize(
    ("kind", "message_kind", "state"),
    [
        ("service_disruption", "holding", "done"),
        ("service_disruption", "update", "locked"),
        ("product_quality", "holding", "locked"),
        ("compliance_failure", "holding", "locked"),
        ("ethics_controversy", "update", "locked"),
    ],
)
def test_only_a_service_disruptions_holding_statement_goes_public_at_once(ada, ben, kind, message_kind, state):
    message = ordered_to_tiers(ada, ben, ["anna"], kind=kind, message_kind=message_kind)

    sweeping.sweep(now=SOON)

    assert by_channel(message)["status"] == state


def test_stopping_the_mails_does_not_open_the_lock(ada, ben, sink):
    message = ordered_to_tiers(ada, ben, ["anna"])
    sweeping.sweep(now=SOON)
    mail = Dispatch.objects.get(message=message, channel="email")

    actions.stop_dispatch(dispatch_id=mail.pk, reason="Wrong number in it", by=ada, now=SOON)
    round_of_work()

    assert by_channel(message)["status"] == "locked"


@pytest.mark.parametrize("reason", ["", "The press asks"])
def test_who_leads_may_open_the_lock_early_with_a_reason_on_the_record(ada, ben, reason):
    message = ordered_to_tiers(ada, ben, ["anna"])
    sweeping.sweep(now=SOON)
    status = Dispatch.objects.get(message=message, channel="status")

    if not reason:
        with pytest.raises(Refused, match="Say why"):
            actions.open_early(dispatch_id=status.pk, reason=reason, by=ada, now=SOON)
        return
    actions.open_early(dispatch_id=status.pk, reason=reason, by=ada, now=SOON)

    event = AuditEvent.objects.get(verb="dispatch.opened_early")
    assert (by_channel(message)["status"], event.actor, reason in event.detail.text) == ("done", ada, True)


def test_who_may_not_lead_may_not_open_the_lock(ada, ben):
    message = ordered_to_tiers(ada, ben, ["anna"])
    sweeping.sweep(now=SOON)
    status = Dispatch.objects.get(message=message, channel="status")

    with pytest.raises(Refused, match="You may not"):
        actions.open_early(
            dispatch_id=status.pk, reason="Hurry", by=factories.make_user("sue", roles=["support"]), now=SOON
        )

    assert by_channel(message)["status"] == "locked"


# The tally


COLUMNS = {
    "claimed": {"claim": 1, "next_attempt_at": None},
    "queued": {"next_attempt_at": NOW},
    "retry": {"next_attempt_at": NOW},
}


@pytest.mark.parametrize("seed", range(6))
def test_the_tallies_kept_by_the_database_always_reconcile(ada, ben, seed):
    chance = random.Random(seed)
    factories.make_contacts(30)
    dispatches = [order_mail(ada, ben), order_mail(ada, ben)]
    everybody = list(Notification.objects.values_list("pk", flat=True))

    for _ in range(25):
        state = chance.choice(STATES)
        chosen = chance.sample(everybody, chance.randrange(len(everybody)))
        Notification.objects.filter(pk__in=chosen).update(state=state, reason="by chance", **COLUMNS.get(state, {}))

        for dispatch in dispatches:
            tally = Tally.objects.get(dispatch=dispatch)
            counted = Counter(dispatch.notifications.values_list("state", flat=True))
            assert {name: getattr(tally, name) for name in STATES} == {name: counted[name] for name in STATES}
            assert (tally.planned, tally.adds_up) == (30, True)


def test_an_undone_change_is_undone_in_the_tally(ada, ben):
    factories.make_contacts(3)
    dispatch = order_mail(ada, ben)

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        dispatch.notifications.update(state="sent")
        raise ZeroDivisionError

    assert (Tally.objects.get(dispatch=dispatch).queued, Account.objects.count()) == (3, 1)
