"""The first minute: clocks from discovery, the right people told once, numbers without gaps."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from crisiscomms.models import AuditEvent, Notice, Role
from crisiscomms.refusal import Refused
from delivery import team_mail
from incidents.models import Incident
from tests import factories
from tests.conftest import NOW

# Written by hand from the domain page: acknowledge after discovery, cadence after that, in minutes.
CLOCKS = [("critical", 60, 60), ("major", 90, 240), ("minor", 120, 1440)]
WORKSHOP = ["product_marketing", "product", "customer_success", "support", "security", "legal", "public_relations"]
TOLD = {"critical": {*WORKSHOP, "executive"}, "major": {*WORKSHOP}, "minor": {*WORKSHOP[:5]}}


def everybody() -> dict:
    return {role: factories.make_user(role.replace("_", "."), roles=[role]) for role in Role.values}


def clocks(incident):
    return {one.kind: (one.due_at, one.owner, one.state) for one in incident.deadlines.all()}


@pytest.mark.parametrize(("severity", "acknowledge", "cadence"), CLOCKS)
def test_clocks_count_from_discovery_not_from_the_press(ada, severity, acknowledge, cadence):
    discovered = NOW - timedelta(minutes=20)

    incident = factories.make_incident(ada, severity=severity, discovered_at=discovered)

    first = discovered + timedelta(minutes=acknowledge)
    assert clocks(incident) == {
        "acknowledge": (first, ada, "pending"),
        "update": (first + timedelta(minutes=cadence), ada, "pending"),
    }


@pytest.mark.parametrize("severity", TOLD)
def test_the_team_of_the_policy_is_told_by_one_mail_each(policies, severity):
    people = everybody()
    people["product"].roles = ["product", "support", "security"]
    people["product"].save()
    gone = factories.make_user("gone", roles=["product"], is_active=False)

    incident = factories.make_incident(people["product_marketing"], severity=severity)

    team = {member.person for member in incident.team.select_related("person")}
    assert team == {people[role] for role in TOLD[severity]}
    assert gone not in team
    assert sorted(Notice.objects.values_list("person", "kind")) == sorted((one.pk, "declared") for one in team)


def test_the_mails_really_leave_once_each_and_lead_to_the_room(ada, sink):
    factories.make_user("pia", roles=["product"])
    incident = factories.make_incident(ada)

    for _ in range(2):
        team_mail.send_due(now=lambda: NOW)

    assert sink.counts == {"ada@team.example": 1, "pia@team.example": 1}
    assert Notice.objects.filter(state="sent").count() == 2
    assert incident.title in team_mail.notices.render(Notice.objects.first(), NOW).subject


def test_a_restricted_one_starts_with_its_declarer_security_and_legal_and_its_mail_says_nothing(policies):
    people = everybody()

    incident = factories.make_incident(people["product"], restricted=True, severity="critical", summary="Keys leaked")

    team = {member.person for member in incident.team.select_related("person")}
    assert team == {people["product"], people["security"], people["legal"]}
    for notice in Notice.objects.all():
        mail = team_mail.notices.render(notice, NOW)
        assert incident.title not in mail.subject
        assert not any("leaked" in line or incident.title in line for line in mail.paragraphs)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"discovered_at": NOW + timedelta(seconds=1)}, "future"),
        ({"discovered_at": NOW - timedelta(days=367)}, "more than a year"),
        ({"title": "  "}, "Say what happened"),
        ({"kind": "weather"}, "kind and a severity"),
        ({"severity": "awful"}, "kind and a severity"),
    ],
)
def test_a_declaration_that_cannot_be_true_is_refused_and_leaves_nothing(ada, wrong, words):
    with pytest.raises(Refused, match=words):
        factories.make_incident(ada, **wrong)

    assert not Incident.objects.exists() and not Notice.objects.exists() and not AuditEvent.objects.filter(actor=ada)


@pytest.mark.parametrize(("role", "may"), [(role, role not in ("sales", "executive")) for role in Role.values])
def test_who_may_declare(policies, role, may):
    person = factories.make_user("somebody", roles=[role])

    if may:
        assert factories.make_incident(person).declared_by == person
    else:
        with pytest.raises(Refused, match="may not declare an incident"):
            factories.make_incident(person)


def test_declaring_is_on_the_record_with_what_is_affected(ada):
    incident = factories.make_incident(ada, discovered_at=NOW - timedelta(minutes=9))

    texts = AuditEvent.objects.filter(chain=incident.ref).order_by("number").values_list("detail__text", flat=True)
    declared, affected, asked = texts
    assert declared == "Declared: Card payments fail or take over a minute (Service disruption, Major)"
    assert affected == "Card payments is partly failing since 17 Nov 13:00 UTC"
    assert asked.startswith("Facts to find out: what customers cannot do, since when")
    assert incident.component_states.get().began_at == NOW - timedelta(minutes=9)


def test_nothing_is_public_by_declaring(ada, browse):
    incident = factories.make_incident(ada)

    assert not incident.component_states.filter(released=True).exists()
    page = browse(None, "/status/").content.decode()
    assert incident.title not in page and incident.ref not in page


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gaps_and_no_doubles_under_two_threads(ada):
    factories.make_component()
    together = Barrier(2)

    def declare(each: int) -> None:
        try:
            together.wait(10)
            for turn in range(4):
                title = "" if turn == 2 else f"Incident {each}.{turn}"
                try:
                    factories.make_incident(ada, title=title, components={})
                except Refused:
                    assert title == ""
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(declare, range(2)))

    assert sorted(Incident.objects.values_list("number", flat=True)) == [1, 2, 3, 4, 5, 6]
