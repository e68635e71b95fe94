"""The demo: made by the real actions at past times, once, and in the states that its pages describe."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from crisiscomms import audit, clock
from crisiscomms.models import AuditEvent, Notice, Role, User
from delivery.models import Dispatch, Notification
from desk import demo
from incidents.models import Component, Deadline, Incident, Product
from messaging.models import ApprovalSeat
from stakeholders.models import Account, Contact, ImportRun
from tests.conftest import NOW

ACCOUNTS = 60


@pytest.fixture(scope="module")
def live(django_db_setup, django_db_blocker):
    """A tenth of it, loaded once for this module, and gone after it."""
    with django_db_blocker.unblock(), transaction.atomic():
        with clock.at(NOW):
            made = demo.load(now=NOW, accounts=ACCOUNTS)
        yield made
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _with_database(live, db):
    return None


@pytest.fixture
def incident(request):
    return Incident.objects.get(title__startswith=request.param)


def called(title):
    return pytest.mark.parametrize("incident", [title], indirect=True, ids=[""])


def test_the_live_one_is_half_an_hour_in(live):
    assert (live.phase, live.severity, live.declared_at) == ("management", "major", NOW - timedelta(minutes=30))
    assert live.discovered_at < live.declared_at and live.component_states.open().count() == 3
    following = live.deadlines.open().get(kind="update")
    assert NOW + timedelta(minutes=20) < following.due_at < NOW + timedelta(minutes=60)
    assert live.deadlines.get(kind="acknowledge").state == "met"


def test_its_first_message_was_returned_changed_approved_and_sent(live):
    first = live.messages.get(number=1)

    assert first.state == "sent"
    verdicts = list(first.requests.order_by("pk").values_list("decisions__verdict", flat=True))
    assert verdicts == ["returned", "approved"]
    assert {one.channel: one.state for one in first.dispatches.all()} == dict.fromkeys(
        ("email", "status", "portal"), "done"
    )


def test_its_second_message_waits_for_an_executive(live):
    second = live.messages.get(number=2)

    assert second.state == "in_review"
    seats = ApprovalSeat.objects.filter(stage__request__message=second, stage__state="open")
    assert {seat.person.email for seat in seats} == {"exec@demo.example", "exec2@demo.example"}


@called("A key that could read")
def test_a_security_incident_is_in_recovery_at_day_35(incident):
    tasks = incident.recovery_tasks
    done, late = tasks.filter(state="done"), tasks.filter(state="open", due_at__lt=NOW)

    assert incident.phase == "recovery" and (NOW - incident.resolved_at).days + 1 == 35
    assert {one.key for one in late} == {"first-compensation"}
    assert done.count() == 4 and all(one.evidence for one in done)
    assert [one.key for one in done if one.done_at > one.due_at] == ["customer-explanation"]
    assert incident.messages.filter(state="sent").count() == 6


@pytest.mark.parametrize(
    ("incident", "messages", "done"), [("Payment notices arrive", 4, 8), ("Invoices of", 3, 6)], indirect=["incident"]
)
def test_two_are_closed_with_their_history(incident, messages, done):
    assert incident.phase == "closed" and not incident.stood_down
    assert incident.messages.filter(state="sent").count() == messages
    assert incident.recovery_tasks.filter(state="done").count() == done
    assert incident.waivers.get(phase="recovery").reason
    assert not incident.deadlines.open().exists()


def test_one_of_their_promises_was_missed_and_kept_late():
    late = [one for one in Deadline.objects.filter(kind="update") if one.was_late]

    assert len(late) == 1
    assert AuditEvent.objects.filter(verb="deadline.missed", subject=f"deadline:{late[0].pk}").exists()
    assert Notice.objects.filter(kind="deadline_missed", context__deadline=late[0].pk, state="sent").count() > 1


@called("Payouts to three")
def test_one_is_only_watched(incident):
    assert (incident.phase, incident.severity) == ("pre_crisis", "minor")
    assert not incident.deadlines.filter(kind__in=["acknowledge", "update"]).exists()
    assert not incident.dispatches.exists()


@called("Exercise")
def test_one_was_an_exercise_and_nothing_left_it(incident):
    assert incident.is_exercise and incident.stood_down and not incident.dispatches.exists()
    assert "Result:" in AuditEvent.objects.filter(chain=incident.ref, verb="incident.moved").last().detail.text
    assert not incident.messages.filter(state="sent").exists()


def test_its_records_verify_are_in_order_and_end_now():
    chains = set(AuditEvent.objects.values_list("chain", flat=True))

    assert chains == {audit.INSTALLATION, *(one.chain for one in Incident.objects.all())}
    assert [fault for chain in chains for fault in audit.faults(chain)] == []
    for chain in chains:
        times = list(AuditEvent.objects.filter(chain=chain).order_by("number").values_list("at", flat=True))
        assert times == sorted(times) and times[-1] <= NOW, chain
    # What is quiet waits for tomorrow's digest.
    assert not Notice.objects.exclude(state__in=["sent", "skipped", "digest"]).exists()


def test_every_count_adds_up():
    dispatches = Dispatch.objects.select_related("tally")

    assert {one.state for one in dispatches} == {"done"}
    for one in dispatches:
        states = list(one.notifications.values_list("state", flat=True))
        assert one.tally.adds_up and one.tally.planned == len(states) and one.tally.sent == states.count("sent")
    failed = Contact.objects.filter(notifications__state="failed")
    assert failed.exists() and not failed.filter(suppressed_at=None).exists()
    assert not Notification.objects.filter(dispatch__incident=Incident.objects.last(), state="failed").exists()


def test_the_company_its_team_and_its_customers():
    assert {role for person in User.objects.active() for role in person.roles} == set(Role.values)
    assert (Product.objects.count(), Component.objects.count(), Account.objects.count()) == (5, 40, ACCOUNTS)
    assert set(Account.objects.values_list("value", flat=True)) == {"strategic", "important", "standard"}
    assert set(Account.objects.values_list("owner__email", flat=True)) == {
        f"{name}@demo.example" for name in ("sales", "sales2", "sales3")
    }
    run = ImportRun.objects.get()
    assert run.rejected and run.duplicates and run.created == Contact.objects.count() > 5 * ACCOUNTS
    assert all(address.endswith(".example") for address in Contact.objects.values_list("address", flat=True))
    assert Contact.objects.filter(marketing_opt_out=True).exists()
    assert Contact.objects.exclude(unsubscribed_at=None).count() > 5
    assert Contact.objects.filter(first_name__regex="[^ -~À-ž]").exists()


def test_every_role_signs_in(client):
    answer = client.post("/account/login/", {"login": "pmm@demo.example", "password": demo.PASSWORD})
    assert (answer.status_code, answer.url) == (302, "/")


def test_every_window_shows_it(live, browse):
    people = {name: User.objects.get_by_natural_key(f"{name}@demo.example") for name in ("pmm", "exec", "sales", "cs")}

    public = browse(None, "/status/").content.decode()
    assert "Card payments in the EU" in public and "Resolved: payment notices" not in public
    assert "Payment notices are late" in public and "Exercise" not in public and "Nordic" not in public
    assert "data-cc-copy-text" in browse(people["sales"], "/portal/").content.decode()
    assert "Review and decide" in browse(people["exec"], "/").content.decode()
    assert "Decide and give first compensation" in browse(people["cs"], "/").content.decode()
    assert live.title in browse(people["pmm"], f"/incidents/{live.ref}/").content.decode()
    for one in Incident.objects.all():
        assert one.title in browse(people["pmm"], f"/incidents/{one.ref}/?all=1").content.decode()


def test_it_loads_only_once(capsys):
    before = User.objects.get_queryset().count(), AuditEvent.objects.count()

    call_command("load_demo")

    assert "not loaded" in capsys.readouterr().out
    assert (User.objects.get_queryset().count(), AuditEvent.objects.count()) == before


def test_it_never_loads_in_production(settings):
    settings.LOCAL = False

    with pytest.raises(CommandError, match="LOCAL_MODE=1"):
        call_command("load_demo")
