"""The small demo: made by the real actions at past times, once, and in the state that its page describes."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from crisiscomms import audit, clock
from crisiscomms.models import AuditEvent, Notice, Role, User
from delivery.models import Dispatch, Notification
from desk import demo
from incidents.models import Incident
from messaging.models import ApprovalSeat
from tests.conftest import NOW


@pytest.fixture(scope="module")
def incident(django_db_setup, django_db_blocker):
    """Loaded once for this module, and gone after it."""
    with django_db_blocker.unblock(), transaction.atomic():
        with clock.at(NOW):
            made = demo.load(now=NOW)
        yield made
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _with_database(incident, db):
    return None


def test_one_incident_is_live_and_half_an_hour_in(incident):
    assert Incident.objects.get() == incident
    incident.refresh_from_db()
    assert (incident.phase, incident.severity, incident.declared_at) == (
        "management",
        "major",
        NOW - timedelta(minutes=30),
    )
    assert incident.discovered_at < incident.declared_at and incident.component_states.open().count() == 3


def test_every_role_is_there_and_signs_in(client):
    assert {role for person in User.objects.active() for role in person.roles} == set(Role.values)
    answer = client.post("/account/login/", {"login": "pmm@demo.example", "password": demo.PASSWORD})
    assert (answer.status_code, answer.url) == (302, "/")


def test_the_first_message_was_returned_changed_approved_and_sent(incident):
    first = incident.messages.get(number=1)

    assert first.state == "sent"
    verdicts = list(first.requests.order_by("pk").values_list("decisions__verdict", flat=True))
    assert verdicts == ["returned", "approved"]
    assert {one.channel: one.state for one in first.dispatches.all()} == {
        "email": "done",
        "status": "done",
        "portal": "done",
    }
    tally = Dispatch.objects.get(channel="email").tally
    assert tally.adds_up and tally.sent > 50 and tally.planned == tally.sent + tally.skipped
    assert Notification.objects.filter(state="sent").count() == tally.sent


def test_the_second_message_waits_for_an_executive(incident):
    second = incident.messages.get(number=2)

    assert second.state == "in_review"
    seats = ApprovalSeat.objects.filter(stage__request__message=second, stage__state="open")
    assert {seat.person.email for seat in seats} == {"exec@demo.example", "exec2@demo.example"}


def test_the_clocks_are_those_of_the_story(incident):
    acknowledged = incident.deadlines.get(kind="acknowledge")
    assert acknowledged.state == "met" and not acknowledged.was_late
    following = incident.deadlines.open().get(kind="update")
    assert NOW + timedelta(minutes=20) < following.due_at < NOW + timedelta(minutes=60)


def test_its_records_verify_and_nothing_is_dated_after_now(incident):
    chains = set(AuditEvent.objects.values_list("chain", flat=True))
    assert chains == {audit.INSTALLATION, incident.ref}
    assert [fault for chain in chains for fault in audit.faults(chain)] == []
    assert not AuditEvent.objects.filter(at__gt=NOW).exists()
    times = list(AuditEvent.objects.filter(chain=incident.ref).order_by("number").values_list("at", flat=True))
    assert times == sorted(times)
    assert not Notice.objects.exclude(state__in=["sent", "skipped"]).exists()


def test_every_window_shows_it(incident, browse):
    people = {name: User.objects.get_by_natural_key(f"{name}@demo.example") for name in ("pmm", "exec", "sales")}

    assert "Card payments in the EU" in browse(None, "/status/").content.decode()
    assert "data-cc-copy-text" in browse(people["sales"], "/portal/").content.decode()
    assert "Review and decide" in browse(people["exec"], "/").content.decode()
    assert incident.title in browse(people["pmm"], f"/incidents/{incident.ref}/").content.decode()


def test_it_loads_only_once(incident, capsys):
    before = User.objects.get_queryset().count(), AuditEvent.objects.count()

    call_command("load_demo")

    assert "not loaded" in capsys.readouterr().out
    assert (User.objects.get_queryset().count(), AuditEvent.objects.count()) == before


def test_it_never_loads_in_production(settings):
    settings.LOCAL = False

    with pytest.raises(CommandError, match="LOCAL_MODE=1"):
        call_command("load_demo")
