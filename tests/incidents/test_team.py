"""Who is on a team: the first minute, joining, leaving, and what a restricted incident shows whom."""

from datetime import timedelta

import pytest

from crisiscomms import audit, notices
from crisiscomms.models import Notice, User
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from delivery import authority
from incidents import actions, team
from incidents.models import DutyShift, Incident, TeamMember
from incidents.team import ownership
from tests import factories
from tests.conftest import NOW

LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def incident(ada):
    return factories.make_incident(ada)


@pytest.fixture
def hidden(ada):
    return factories.make_incident(ada, restricted=True)


def add(incident, person, by, **fields):
    return actions.add_to_team(incident_id=incident.pk, person=person, by=by, now=LATER, **fields)


def remove(incident, person, by):
    actions.remove_from_team(incident_id=incident.pk, person=person, by=by, now=LATER)


def on_duty(person, role):
    DutyShift.objects.create(person=person, role=role, begins_at=NOW, ends_at=NOW + timedelta(hours=8))


def away(person, deputy):
    person.deputy, person.out_from, person.out_until = deputy, NOW - timedelta(days=1), NOW + timedelta(days=1)
    person.save()


def sees(person, incident):
    return Incident.objects.visible_to(person).filter(pk=incident.pk).exists()


def test_everybody_of_the_roles_is_told_and_who_is_on_duty_comes_first(ada):
    sam, sue, leo = (
        factories.make_user(name, roles=[role])
        for name, role in [("sam", "support"), ("sue", "support"), ("leo", "legal")]
    )
    on_duty(sue, "support")

    members = list(factories.make_incident(ada).team.order_by("pk"))

    assert [one.person for one in members] == [ada, sue, sam, leo]
    assert [one.person for one in members if one.was_on_duty] == [sue]
    assert {notice.person for notice in Notice.objects.filter(kind="declared")} == {ada, sam, sue, leo}


def test_the_deputy_of_who_is_away_is_added_and_says_so(ada, ben):
    leo = factories.make_user("leo", roles=["legal"])
    away(leo, ben)

    incident, hidden = factories.make_incident(ada), factories.make_incident(ada, restricted=True)

    assert incident.team.get(person=ben).stands_in_for == leo
    # Of a restricted incident a deputy from elsewhere hears nothing.
    assert not hidden.team.filter(person=ben).exists() and not sees(ben, hidden)


def test_whoever_stands_in_on_duty_is_no_way_into_a_restricted_incident(ada):
    leo, pam = factories.make_user("leo", roles=["legal"]), factories.make_user("pam", roles=["product"])
    away(leo, pam)
    on_duty(leo, "legal")

    assert not sees(pam, factories.make_incident(ada, restricted=True))
    assert factories.make_incident(ada, severity="minor").team.filter(person=pam).exists()


def test_somebody_is_added_with_their_deputy_and_told(ada, ben, dora, incident):
    away(ben, dora)

    new = add(incident, ben, ada)

    assert new == [ben, dora] and sees(ben, incident) and sees(dora, incident)
    told = {notice.person: notices.render(notice, LATER) for notice in Notice.objects.filter(kind="team_joined")}
    assert told[dora].paragraphs[0] == "You stand in for Ben, who is away."
    assert told[ben].subject == f"{incident.ref}: you are on the team of {incident.title}"
    with pytest.raises(Conflict, match="already"):
        add(incident, ben, ada)


def test_who_may_not_see_incidents_cannot_be_added(ada, cleo, incident):
    with pytest.raises(Refused, match="may not see incidents"):
        add(incident, cleo, ada)
    gone = factories.make_user("gone", roles=["support"], is_active=False)
    with pytest.raises(Refused, match="may not see incidents"):
        add(incident, gone, ada)
    with pytest.raises(Refused, match="not of this department"):
        add(incident, factories.make_user("sam", roles=["support"]), ada, role="legal")


def test_of_a_restricted_incident_only_who_leads_or_may_lead_lets_somebody_in(ada, ben, hidden):
    sam, pam = factories.make_user("sam", roles=["support"]), factories.make_user("pam", roles=["product"])
    for outsider in (sam, pam, ben):
        with pytest.raises(NotAllowed):
            add(hidden, sam, outsider)
    add(hidden, sam, ada)

    with pytest.raises(NotAllowed, match="restricted"):
        add(hidden, pam, sam)
    with pytest.raises(NotAllowed, match="may not decide who is scribe"):
        actions.hand_over_role(incident_id=hidden.pk, role="scribe", to=pam, note="x", by=sam, now=LATER)
    assert not sees(pam, hidden)


def test_leaving_a_restricted_incident_ends_sight_at_once_and_in_queued_work_X8(ada, ben, hidden):
    pam = factories.make_user("pam", roles=["product", "product_marketing"])
    add(hidden, pam, ada)
    actions.assume_role(incident_id=hidden.pk, role="technical_lead", by=pam, now=LATER)
    told = Notice.objects.get(kind="team_joined")
    factories.make_contact()
    message = factories.make_approved(hidden, ada, ben, channels=["email"], affected_only=False)
    dispatch = factories.order(message, pam, hold_seconds=120)[0]
    assert notices.render(told, LATER) is not None and authority.why_not(dispatch, LATER) == ""

    remove(hidden, pam, ada)

    assert not sees(pam, hidden) and team.holder(hidden, "technical_lead") is None
    assert notices.render(told, LATER) is None
    assert "no longer has access" in authority.why_not(dispatch, LATER)
    left = notices.render(Notice.objects.get(kind="team_left"), LATER)
    assert left.subject == f"{hidden.ref}: you are no longer on its team" and hidden.title not in str(left)
    assert list(audit.faults(hidden.ref)) == []


def test_leaving_passes_clocks_on(ada, incident):
    pia = factories.make_user("pia", roles=["public_relations"])
    add(incident, pia, ada)
    actions.assume_role(incident_id=incident.pk, role="communications_lead", by=pia, now=LATER)

    remove(incident, pia, pia)

    assert {clock.owner for clock in incident.deadlines.open()} == {ada}


def test_who_may_not_be_removed_by_whom(ada, incident):
    sam, sue = (factories.make_user(name, roles=["support"]) for name in ("sam", "sue"))
    add(incident, sam, ada)

    with pytest.raises(NotAllowed, match="You may take yourself off"):
        remove(incident, sam, sue)
    with pytest.raises(Refused, match="Hand the lead over first"):
        remove(incident, ada, ada)
    with pytest.raises(Conflict, match="not on the team"):
        remove(incident, sue, ada)
    remove(incident, sam, sam)
    assert not TeamMember.objects.filter(incident=incident, person=sam).exists()


def test_whoever_owns_recovery_tasks_hands_those_over_first(ada, incident):
    from recovery.actions import open_programme

    sam = factories.make_user("sam", roles=["support"])
    add(incident, sam, ada)
    task = open_programme(incident=incident, by=ada, now=NOW)[0]
    incident.deadlines.filter(kind="recovery_task", subject=task.key).update(owner=sam)
    incident.deadlines.filter(kind="recovery_task").update(owner=sam)

    with pytest.raises(Refused, match="recovery programme"):
        remove(incident, sam, ada)


def test_a_closed_incident_keeps_its_team(ada, ben, incident):
    sam = factories.make_user("sam", roles=["support"])
    add(incident, sam, ada)
    actions.stand_down(incident_id=incident.pk, reason="False alarm", by=ada, now=LATER)

    for act in (lambda: add(incident, ben, ada), lambda: remove(incident, sam, ada)):
        with pytest.raises(Refused, match="closed"):
            act()


def test_owners_of_an_activity_come_from_the_policy(policies):
    assert ownership.owners_of("messaging_strategy") == ["product_marketing", "public_relations"]
    assert ownership.owners_of("regulatory_reporting") == ["legal"]
    with pytest.raises(LookupError):
        ownership.owners_of("coffee")


def test_the_room_says_per_activity_who_does_it_here(ada, incident):
    lea, leo = (factories.make_user(name, roles=["legal"]) for name in ("lea", "leo"))
    for person in (lea, leo):
        add(incident, person, ada)

    def reporting():
        lines = team.for_room(incident, ada, LATER)["activity_lines"]
        return next(line.people for line in lines if line.label == "Reporting to authorities")

    nobody_holds = reporting()
    on_duty(leo, "legal")
    one_on_duty = reporting()
    actions.assume_role(incident_id=incident.pk, role="legal_contact", by=lea, now=LATER)

    assert (nobody_holds, one_on_duty, reporting()) == ([lea, leo], [leo], [lea])


def test_my_part_is_the_live_incidents_i_am_in_with_my_roles_first(ada, incident, hidden):
    sam = factories.make_user("sam", roles=["support"])
    other = factories.make_incident(ada)
    assert [part.incident for part in team.parts_of(sam)] == [other]
    add(incident, sam, ada)
    actions.assume_role(incident_id=incident.pk, role="customer_lead", by=sam, now=LATER)

    parts = team.parts_of(User.objects.get_queryset().get(pk=sam.pk))

    assert [(part.incident, part.roles) for part in parts] == [(incident, ["Customer lead"]), (other, [])]
