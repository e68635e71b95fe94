"""What an undo takes back, what it leaves and why, and what it never does."""

from datetime import timedelta

import pytest

from crisiscomms import policy
from crisiscomms.models import AuditEvent
from crisiscomms.refusal import Refused
from delivery.models import Dispatch
from stakeholders import actions
from stakeholders.imports import chunks, forgetting, running
from stakeholders.models import Account, Contact, ImportChange, ImportRow, ImportRun, Membership
from tests import factories

HEADER = "Email,First Name,Last Name,Account ID,Account Name,Account Tier,Email Opt Out\n"
ADA = "ada@x.example,Ada,Lovelace,7,Acme,Standard,\n"


def things():
    """Everything that an import may touch, without the times."""
    leave = ("updated_at",)
    return [
        [
            {key: value for key, value in row.items() if key not in leave}
            for row in model.objects.order_by("pk").values()
        ]
        for model in (Account, Contact, Membership)
    ]


@pytest.fixture
def undo(now):
    def _undo(run, by=None):
        actions.undo_import(run_id=run.pk, by=by, now=now, in_background=False)
        while running.work(run_id=run.pk):
            pass
        run.refresh_from_db()
        return run

    return _undo


def test_everything_is_as_before(bring, undo):
    bring(HEADER + ADA + "old@x.example,Old,L,,Namesake,,\n")
    before = things()

    run = bring(
        HEADER + "ADA@x.example,Augusta,King,7,Acme Inc,Strategic,\nben@x.example,Ben,L,8,Globex,,\n"
        "old@x.example,,,9,namesake,,\nada@x.example,,,8,Globex,,\n"
    )
    changed = things()
    undone = undo(run)

    assert changed != before
    assert (things(), undone.state, undone.kept) == (before, "undone", 0)
    assert not ImportChange.objects.filter(run=run).exists()


def test_it_is_recorded_with_who_and_how_much(bring, undo, ada):
    run = undo(bring(HEADER + ADA), by=ada)

    event = AuditEvent.objects.select_related("detail").get(verb="import.undone")
    assert (event.actor, event.detail.data) == (ada, {"undone": 3, "kept": 0})
    assert (run.undone_by, Contact.objects.count()) == (ada, 0)


@pytest.mark.parametrize("change", ["unsubscribe", "suppress", "edit", "import"])
def test_who_was_changed_since_is_left_and_listed(change, bring, undo, now):
    run = bring(HEADER + ADA)
    contact = Contact.objects.get()
    if change == "unsubscribe":
        actions.unsubscribe_contact(contact_id=contact.pk, now=now, how="link")
    elif change == "suppress":
        actions.suppress_contact(contact_id=contact.pk, reason="550", now=now)
    elif change == "edit":
        Contact.objects.update(title="Countess")
    else:
        bring(HEADER + "ada@x.example,,Byron,,,,\n")
    left = Contact.objects.values().get()

    undo(run)

    assert Contact.objects.values().get() == left
    reasons = ImportChange.objects.filter(run=run).values_list("thing", "kept_because")
    assert dict(reasons)["contact"] == "it was changed since"
    assert dict(reasons)["account"] == "people are still in it"
    assert Membership.objects.exists()


def test_nobody_is_subscribed_again(bring, undo, now):
    bring(HEADER + ADA)
    actions.suppress_contact(contact_id=Contact.objects.get().pk, reason="550", now=now)
    run = bring(HEADER + "ada@x.example,Augusta,,,,,yes\n")
    actions.unsubscribe_contact(contact_id=Contact.objects.get().pk, now=now, how="link")

    undo(run)
    Contact.objects.update(unsubscribed_at=None)
    again = bring(HEADER + "ada@x.example,Grace,,,,,\n")
    undo(again)

    contact = Contact.objects.get()
    assert (contact.marketing_opt_out, contact.suppressed_at) == (True, now)


def test_an_opt_out_that_the_import_brought_stays(bring, undo):
    bring(HEADER + ADA)
    run = bring(HEADER + "ada@x.example,Augusta,,,,,yes\n")

    undo(run)

    contact = Contact.objects.get()
    assert (contact.first_name, contact.marketing_opt_out) == ("Ada", True)


def test_who_was_mailed_is_never_deleted(bring, undo, ada, ben, policies):
    run = bring("Email,Account Name,Lifecycle Stage,Products\nlena@x.example,Bluegate,Customer,Payments API\n")
    incident = factories.make_incident(ada)
    factories.order(factories.make_approved(incident, ada, ben), ada)

    undone = undo(run)

    assert Dispatch.objects.exists()
    assert (undone.undone, undone.kept, Contact.objects.count(), Membership.objects.count()) == (0, 3, 1, 1)
    reasons = set(ImportChange.objects.values_list("kept_because", flat=True))
    assert "the person is on the list of a message that was ordered since" in reasons


def test_a_place_of_a_mailed_person_goes_when_the_mail_was_earlier(bring, undo, ada, ben, policies, now):
    bring("Email,Account Name,Lifecycle Stage,Products\nlena@x.example,Bluegate,Customer,Payments API\n")
    earlier = now - timedelta(hours=2)
    Dispatch.objects.update(ordered_at=earlier)
    factories.order(factories.make_approved(factories.make_incident(ada), ada, ben), ada)
    Dispatch.objects.update(ordered_at=earlier)

    undo(bring("Email,Account Name\nlena@x.example,Wrong Ltd\n"))

    assert list(Account.objects.values_list("name", flat=True)) == ["Bluegate"]


def test_it_is_possible_for_seven_days_or_what_policy_says(bring, now):
    run = bring(HEADER + ADA)

    with pytest.raises(Refused, match="for 7 days"):
        actions.undo_import(run_id=run.pk, by=None, now=now + timedelta(days=7, seconds=1), in_background=False)
    policy.replace(key="stakeholders", data={"undo_days": 30}, by=None, now=now)
    actions.undo_import(run_id=run.pk, by=None, now=now + timedelta(days=29), in_background=False)


def test_an_import_without_traces_cannot_be_undone(bring, now):
    run = bring(HEADER + ADA)
    ImportRun.objects.update(confirmed_at=None)

    with pytest.raises(Refused, match="nothing to undo"):
        actions.undo_import(run_id=run.pk, by=None, now=now, in_background=False)


@pytest.mark.parametrize("choice", ["keep", "undo", "keep, then undo"])
def test_a_running_import_is_stopped_and_the_person_chooses(choice, read, ada, now, undo, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 10)
    run = read(HEADER + "".join(f"p{n}@x.example,P,L,{n},Acme {n},,\n" for n in range(30)))
    actions.apply_import(run_id=run.pk, by=ada, now=now, in_background=False)
    running.work(run_id=run.pk, seconds=0)

    if choice != "undo":
        actions.cancel_import(run_id=run.pk, by=ada, now=now)
    people = Contact.objects.count()
    if choice != "keep":
        undo(run, by=ada)

    run.refresh_from_db()
    assert (people, run.applied, running.work(run_id=run.pk)) == (10, 10, False)
    assert Contact.objects.count() == Account.objects.count() == (10 if choice == "keep" else 0)
    assert run.state == ("cancelled" if choice == "keep" else "undone")


@pytest.mark.parametrize("end", ["cancelled", "refused"])
def test_rows_of_a_file_that_came_to_nothing_are_forgotten_at_once(end, read, ada, now):
    run = read(HEADER + ADA)
    if end == "cancelled":
        actions.cancel_import(run_id=run.pk, by=ada, now=now)
    else:
        ImportRun.objects.update(state="refused", why_refused="too many rows", finished_at=now)

    forgetting.forget(now=now)

    assert not ImportRow.objects.exists()


def test_rows_are_forgotten_when_nothing_can_be_undone_any_more(bring, now):
    run = bring(HEADER + ADA)

    forgetting.forget(now=now + timedelta(days=6))
    kept = ImportRow.objects.count()
    for _ in range(2):
        forgetting.forget(now=now + timedelta(days=8))

    run.refresh_from_db()
    assert (kept, ImportRow.objects.count(), ImportChange.objects.count(), run.samples) == (1, 0, 0, [])
    assert (run.forgotten_at, run.created) == (now + timedelta(days=8), 1)
