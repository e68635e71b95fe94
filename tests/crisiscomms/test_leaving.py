"""Whoever loses access leaves nothing alone; whoever is away is not waited for."""

from datetime import timedelta

import pytest

from crisiscomms import people
from crisiscomms.models import AuditEvent, Notice
from crisiscomms.refusal import Refused
from incidents import access, deadlines
from incidents.actions import let_see
from incidents.models import Deadline
from messaging import actions as messaging
from messaging.actions import proof
from messaging.models import ApprovalSeat
from recovery import actions as recovery
from recovery.models import RecoveryTask
from tests import factories
from tests.conftest import NOW

HOUR = timedelta(hours=1)


def leave(person, by, successor=None):
    return people.change_person(
        person_id=person.pk, roles=person.roles, is_active=False, by=by, now=NOW, successor=successor
    )


def test_who_holds_something_cannot_leave_without_a_successor(olga, ada):
    factories.make_incident(ada)

    with pytest.raises(Refused, match=r"Ada holds 1 open incidents they lead.*Choose who takes that over"):
        leave(ada, olga)

    ada.refresh_from_db()
    assert ada.is_active


def test_everything_passes_on_and_is_on_the_record(olga, ada, ben):
    nora = factories.make_user("nora", roles=["product_marketing"])
    incident = factories.make_incident(ada)
    recovery.open_programme(incident=incident, by=ada, now=NOW)
    RecoveryTask.objects.update(owner=ada)
    ben.deputy = ada
    ben.save()

    leave(ada, olga, nora)

    incident.refresh_from_db()
    ben.refresh_from_db()
    assert (incident.lead, ben.deputy) == (nora, nora)
    assert not Deadline.objects.open().filter(owner=ada).exists()
    assert not RecoveryTask.objects.filter(owner=ada).exists()
    assert "handed over to Nora" in AuditEvent.objects.get(verb="person.handed_over").detail.text
    assert AuditEvent.objects.filter(chain=incident.chain, verb="incident.lead", actor=olga).exists()


@pytest.mark.parametrize("roles", [["sales"], ["executive"]])
def test_a_successor_who_may_not_is_refused_and_nothing_moves(olga, ada, roles):
    incident = factories.make_incident(ada)
    other = factories.make_user("other", roles=roles)

    with pytest.raises(Refused, match="Other"):
        leave(ada, olga, other)

    incident.refresh_from_db()
    ada.refresh_from_db()
    assert (incident.lead, ada.is_active) == (ada, True)


def test_who_loses_the_roles_for_what_they_lead_passes_it_on_too(olga, ada, ben):
    nora = factories.make_user("nora", roles=["product_marketing"])
    incident = factories.make_incident(ada)
    ben.deputy = ada
    ben.save()
    values = {"person_id": ada.pk, "is_active": True, "by": olga, "now": NOW}

    with pytest.raises(Refused, match=r"Ada holds 1 open incidents they lead.*Choose who takes that over"):
        people.change_person(**values, roles=["sales"])
    people.change_person(**values, roles=["product"])
    people.change_person(**values, roles=["sales"], successor=nora)

    incident.refresh_from_db()
    ben.refresh_from_db()
    # A seller may still stand in for somebody.
    assert (incident.lead, ben.deputy) == (nora, ada)


def test_who_comes_back_finds_no_session_no_device_and_no_incident_that_was_opened_to_them(olga, ada, client):
    nora = factories.make_user("nora", roles=["product_marketing"])
    incident = factories.make_incident(ada, restricted=True)
    let_see(incident=incident, person=nora)
    secret = proof.enroll_device(person=nora, label="x", now=NOW)
    client.force_login(nora, backend="allauth.account.auth_backends.AuthenticationBackend")

    leave(nora, olga, ada)
    people.change_person(person_id=nora.pk, roles=nora.roles, is_active=True, by=olga, now=NOW)

    nora.refresh_from_db()
    assert nora.is_active and client.get("/").headers["Location"].startswith("/account/login/")
    assert not proof.known_device(person=nora, secret=secret, now=NOW)
    assert not access.may(nora, "view", incident)


def test_who_left_is_out_with_the_next_request(olga, dora, client):
    client.force_login(dora, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/").status_code == 200

    leave(dora, olga)

    assert client.get("/").headers["Location"].startswith("/account/login/")


def away(person, deputy, now=NOW):
    fields = {"deputy": deputy, "out_from": now - HOUR, "out_until": now + 24 * HOUR}
    return people.change_self(person=person, now=now, **fields)


def test_an_approver_who_is_away_has_the_deputy_asked_from_the_start(ada, ben):
    edda = factories.make_user("edda", roles=["executive"])
    away(ben, edda)
    incident = factories.make_incident(ada)

    message = factories.make_message(incident, ada)
    messaging.request_approval(message_id=message.pk, by=ada, now=NOW)

    assert set(ApprovalSeat.objects.values_list("person__name", flat=True)) >= {"Ben", "Edda"}
    assert Notice.objects.filter(kind="approval_request", person=edda).exists()


def test_an_owner_who_is_away_has_the_deputy_warned_too(ada):
    nora = factories.make_user("nora", roles=["product_marketing"])
    away(ada, nora)
    incident = factories.make_incident(ada)
    due = incident.deadlines.get(kind="acknowledge")

    deadlines.tick(now=due.warn_at)

    told = Notice.objects.filter(kind="deadline_soon").values_list("person__name", flat=True)
    assert set(told) == {"Ada", "Nora"}


def test_going_away_needs_a_deputy(ada, browse):
    with pytest.raises(Refused, match="Name a deputy"):
        people.change_self(person=ada, now=NOW, deputy=None, out_from=NOW, out_until=NOW + HOUR)

    typed = {"phone": "+43 1", "time_zone": "UTC", "out_from": "2099-01-02T08:00", "out_until": "2099-01-01T08:00"}
    answer = browse(ada, "/account/me/", typed)
    assert (answer.status_code, "after the day they leave" in answer.content.decode()) == (422, True)
    assert "2099-01-02T08:00" in answer.content.decode()
