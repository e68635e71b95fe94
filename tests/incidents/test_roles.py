"""Roles in an incident: who may take and give which in which phase, hand-overs with a note, races, what passes on."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from crisiscomms import audit, departures, notices
from crisiscomms.models import AuditDetail, Notice, User
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import actions, team
from incidents.actions.roles import end_all
from incidents.models import DutyShift, Incident, RoleAssignment
from incidents.team import ownership
from incidents.team.ownership import LEAD
from tests import factories
from tests.conftest import NOW

LATER = NOW + timedelta(minutes=5)
# Which departments may hold which role, by the shipped policy: written by hand, not read from it.
MAY_HOLD = {
    "incident_lead": {
        *("product_marketing", "product", "security", "customer_success", "support", "public_relations", "legal"),
        "administrator",
    },
    "communications_lead": {"product_marketing", "public_relations"},
    "approver_liaison": {"product_marketing", "public_relations", "legal"},
    "customer_lead": {"customer_success", "support"},
    "technical_lead": {"product", "security"},
    "legal_contact": {"legal"},
    "scribe": {
        *("product_marketing", "support", "product", "customer_success", "public_relations", "security", "legal"),
    },
}
DEPARTMENTS = [
    *("product_marketing", "public_relations", "product", "customer_success", "legal", "security", "support"),
    *("executive", "sales", "administrator"),
]
# Who may decide over a role that is not theirs: the table of `lead` in access, by hand.
MAY_GIVE = {"product_marketing", "product", "security", "administrator"}


@pytest.fixture
def incident(ada):
    return factories.make_incident(ada)


@pytest.fixture
def people(policies):
    return {one: factories.make_user(f"p{n}", roles=[one]) for n, one in enumerate(DEPARTMENTS)}


def put_in(incident, phase):
    """As if it had come there; only the phase matters here."""
    over = {"resolved_at": NOW} if phase in ("resolution", "recovery", "closed") else {}
    closed = {"closed_at": NOW} if phase == "closed" else {}
    closed |= {"declared_at": None, "declared_by": None} if phase == "pre_crisis" else {}
    Incident.objects.filter(pk=incident.pk).update(phase=phase, **over, **closed)


def tries(act):
    """The exception's kind, or None; nothing stays done."""
    try:
        with transaction.atomic():
            act()
            transaction.set_rollback(True)
    except Refused as refusal:
        return type(refusal)
    return None


def assume(incident, role, by, **fields):
    return actions.assume_role(incident_id=incident.pk, role=role, by=by, now=LATER, **fields)


def hand_over(incident, role, to, by, note="Where things stand", **fields):
    return actions.hand_over_role(
        incident_id=incident.pk, role=role, to=to, note=note, by=by, **{"now": LATER, **fields}
    )


def test_the_shipped_policy_says_what_the_table_says(policies):
    assert {one.key: set(one.departments) for one in ownership.roles()} == MAY_HOLD


@pytest.mark.parametrize("phase", Incident.Phase.values)
def test_who_may_assume_which_role_in_which_phase(incident, people, phase):
    put_in(incident, phase)
    wrong = {}
    for role in MAY_HOLD:
        for department, person in people.items():
            works = department not in ("sales", "executive")
            wanted = NotAllowed
            if phase == "closed":
                wanted = Refused if works else NotAllowed
            elif works and role == LEAD:
                wanted = Conflict  # somebody always leads it
            elif department in MAY_HOLD[role]:
                wanted = None
            if (found := tries(lambda role=role, person=person: assume(incident, role, person))) != wanted:
                wrong[role, department] = (found, wanted)

    assert wrong == {}


@pytest.mark.parametrize("phase", Incident.Phase.values)
def test_who_may_hand_over_which_role_in_which_phase(ada, incident, people, phase):
    """By each department, of a role that somebody else holds, to somebody who may hold it."""
    holders = {
        role: factories.make_user(f"h{n}", roles=["product_marketing", *MAY_HOLD[role]])
        for n, role in enumerate(MAY_HOLD)
    }
    takers = {
        role: factories.make_user(f"t{n}", roles=["product_marketing", *MAY_HOLD[role]])
        for n, role in enumerate(MAY_HOLD)
    }
    for role, holder in holders.items():
        if role != LEAD:
            assume(incident, role, holder)
    put_in(incident, phase)
    wrong = {}
    for role, taker in takers.items():
        by = people | {"holder": ada if role == LEAD else holders[role], "lead": ada}
        for who, person in by.items():
            may = who in MAY_GIVE | {"holder", "lead"}
            wanted = (None if may else NotAllowed) if phase != "closed" else Refused
            found = tries(lambda role=role, taker=taker, person=person: hand_over(incident, role, taker, person))
            if found != wanted:
                wrong[role, who] = (found, wanted)

    assert wrong == {}


def test_nobody_gets_a_role_that_their_department_may_not_hold(ada, incident, people):
    found = {
        (role, department): tries(lambda role=role, person=person: hand_over(incident, role, person, ada))
        for role in MAY_HOLD
        for department, person in people.items()
    }

    allowed = {key for key, kind in found.items() if kind is None}
    assert allowed == {(role, department) for role, departments in MAY_HOLD.items() for department in departments}


def test_a_refusal_says_who_may(ada, incident, people):
    with pytest.raises(
        NotAllowed, match=r"P4 may not be communications lead of INC-1\. .*: Product marketing, Public relations\."
    ):
        assume(incident, "communications_lead", people["legal"])
    with pytest.raises(NotAllowed, match=r"Ada, who leads it, may\. So may people of Administrator, Product"):
        hand_over(incident, "legal_contact", people["legal"], people["support"])
    with pytest.raises(NotAllowed, match=r"You may not work on an incident\. These roles may: "):
        assume(incident, "scribe", people["sales"])


def test_a_hand_over_of_the_lead_moves_the_clocks_the_field_and_tells_the_next_one_what_is_open(ada, incident):
    zoe = factories.make_user("zoe", roles=["product_marketing"])
    factories.make_message(incident, ada)
    Notice.objects.all().delete()

    hand_over(incident, LEAD, zoe, ada, note="Cause unknown. Next: the update at three.")

    incident.refresh_from_db()
    assert incident.lead == zoe and team.holder(incident, LEAD) == zoe
    assert {clock.owner for clock in incident.deadlines.open()} == {zoe}
    before, after = incident.roles.order_by("pk")
    assert (before.person, before.ended_at, before.ended_by) == (ada, LATER, ada)
    assert (after.person, after.note, after.by) == (zoe, "Cause unknown. Next: the update at three.", ada)
    notice = Notice.objects.get(kind="role_given")
    mail = notices.render(notice, LATER)
    words = " ".join(mail.paragraphs)
    assert notice.person == zoe and mail.subject == f"{incident.ref}: you are incident lead now"
    assert "Cause unknown" in words and "Acknowledge to customers" in words and "Holding statement 1: draft" in words
    assert "Incident lead: Ada hands over to Zoe. Note: Cause unknown." in AuditDetail.objects.latest("pk").text
    assert list(audit.faults(incident.ref)) == []


def test_a_role_takes_its_clocks_along_and_gives_them_back(ada, incident):
    pia = factories.make_user("pia", roles=["public_relations"])

    assume(incident, "communications_lead", pia)
    taken = {clock.owner for clock in incident.deadlines.open()}
    hand_over(incident, LEAD, factories.make_user("suri", roles=["product"]), ada)
    kept = {clock.owner for clock in incident.deadlines.open()}
    actions.release_role(incident_id=incident.pk, role="communications_lead", by=pia, now=LATER)

    assert taken == kept == {pia}
    assert {clock.owner.name for clock in incident.deadlines.open()} == {"Suri"}
    assert Notice.objects.get(kind="role_vacant").person.name == "Suri"


def test_the_lead_is_never_left_empty(ada, incident):
    with pytest.raises(Refused, match="hand the lead over"):
        actions.release_role(incident_id=incident.pk, role=LEAD, by=ada, now=LATER)


@pytest.mark.parametrize("note", ["", "  \n ", "x" * 2001])
def test_a_hand_over_needs_a_note_of_some_length(ada, incident, note):
    with pytest.raises(Refused, match=r"Say what|2000 characters"):
        hand_over(incident, LEAD, factories.make_user("zoe", roles=["product"]), ada, note=note)


@pytest.mark.parametrize("role", ["", "captain", "Incident_lead", "scribe\x00"])
def test_a_role_that_does_not_exist_is_refused(ada, incident, role):
    with pytest.raises(Refused, match="no such role"):
        assume(incident, role, ada)


def test_the_deputy_of_who_is_away_may_hand_over_and_nobody_elses(ada, incident, people):
    holder, deputy = people["legal"], people["support"]
    User.objects.get_queryset().filter(pk=holder.pk).update(deputy=deputy)
    holder.refresh_from_db()
    assume(incident, "legal_contact", holder)
    other = factories.make_user("lea", roles=["legal"])

    assert tries(lambda: hand_over(incident, "legal_contact", other, deputy)) is NotAllowed
    User.objects.get_queryset().filter(pk=holder.pk).update(out_from=NOW, out_until=NOW + timedelta(days=2))
    assert tries(lambda: hand_over(incident, "legal_contact", other, deputy)) is None


def test_a_page_that_shows_an_older_holder_changes_nothing(ada, incident):
    zoe, ida = (factories.make_user(name, roles=["product_marketing"]) for name in ("zoe", "ida"))
    seen = team.assignment(incident, LEAD).pk
    hand_over(incident, LEAD, zoe, ada, seen=seen)

    with pytest.raises(Conflict, match=r"changed hands while you had the page open\. Zoe holds it now"):
        hand_over(incident, LEAD, ida, ada, seen=seen)
    with pytest.raises(Conflict, match="Zoe holds it now"):
        hand_over(incident, LEAD, ida, ada, seen=0)


def test_history_can_neither_be_changed_nor_removed(ada, incident):
    row = incident.roles.get()
    for act in (
        lambda: RoleAssignment.objects.filter(pk=row.pk).update(note="Never said"),
        lambda: RoleAssignment.objects.filter(pk=row.pk).update(
            ended_at=LATER, person=factories.make_user("x", roles=[])
        ),
        lambda: row.delete(),
    ):
        with pytest.raises(DatabaseError, match="role_assignment_stays"), transaction.atomic():
            act()
    end_all(incident, by=ada, now=LATER)
    with pytest.raises(DatabaseError, match="role_assignment_stays"), transaction.atomic():
        RoleAssignment.objects.filter(pk=row.pk).update(ended_at=None, ended_by=None)


def test_the_database_knows_one_holder_at_a_time(ada, incident):
    fields = {"incident": incident, "role": LEAD, "person": ada, "began_at": NOW}

    with pytest.raises(IntegrityError, match="role_has_one_holder_at_a_time"), transaction.atomic():
        RoleAssignment.objects.create(**fields)
    with pytest.raises(IntegrityError, match="role_ends_after_it_began"), transaction.atomic():
        RoleAssignment.objects.create(**fields | {"role": "x", "ended_at": NOW - timedelta(hours=1)})
    with pytest.raises(IntegrityError, match="role_ended_by_once_ended"), transaction.atomic():
        RoleAssignment.objects.create(**fields | {"role": "x", "ended_by": ada})


def test_roles_end_with_the_incident(ada, incident):
    assume(incident, "scribe", ada)

    actions.stand_down(incident_id=incident.pk, reason="False alarm", by=ada, now=LATER)

    assert set(incident.roles.values_list("ended_at", "ended_by")) == {(LATER, ada.pk)}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_two_who_assume_one_role_at_once_one_wins_and_the_other_is_told(ada):
    incident = factories.make_incident(ada)
    rivals = [factories.make_user(name, roles=["legal"]) for name in ("lea", "leo")]
    for round_ in range(10):
        barrier = Barrier(2)

        def take(person, barrier=barrier):
            try:
                barrier.wait(timeout=30)
                assume(incident, "legal_contact", person)
            except Conflict as refusal:
                return str(refusal)
            finally:
                connection.close()
            return ""

        with ThreadPoolExecutor(2) as threads:
            said = list(threads.map(take, rivals))

        winner = team.holder(incident, "legal_contact")
        assert sorted(map(bool, said)) == [False, True], round_
        assert f"{winner} holds this role already" in "".join(said)
        actions.release_role(incident_id=incident.pk, role="legal_contact", by=winner, now=LATER)


def test_what_a_leaving_person_holds_passes_on_and_their_duty_ends(olga, ada, incident):
    lea, leo = (factories.make_user(name, roles=["legal"]) for name in ("lea", "leo"))
    assume(incident, "legal_contact", lea)
    assume(incident, "scribe", lea)
    assert "2 roles in open incidents" in ", ".join(
        f"{count} {holding.words}" for holding, count in departures.check(lea, roles=[], stays=False, successor=leo)
    )

    departures.depart(lea, roles=[], stays=False, successor=leo, by=olga, now=LATER)

    assert {team.holder(incident, role) for role in ("legal_contact", "scribe")} == {leo}
    assert incident.roles.filter(person=lea, ended_at=None).count() == 0


def test_a_role_that_the_successor_may_not_hold_ends_and_the_lead_hears_of_it(olga, ada, incident):
    lea, sam = factories.make_user("lea", roles=["legal"]), factories.make_user("sam", roles=["support"])
    assume(incident, "legal_contact", lea)

    departures.depart(lea, roles=[], stays=False, successor=sam, by=olga, now=LATER)

    assert team.holder(incident, "legal_contact") is None
    assert Notice.objects.get(kind="role_vacant").person == ada


def test_a_leaving_lead_hands_the_role_over_with_the_field(olga, ada, incident):
    zoe = factories.make_user("zoe", roles=["product_marketing"])

    departures.depart(ada, roles=[], stays=False, successor=zoe, by=olga, now=LATER)

    incident.refresh_from_db()
    assert incident.lead == team.holder(incident, LEAD) == zoe


def test_on_duty_people_own_the_clocks_of_a_role_that_nobody_holds(people, ada):
    suri = people["product"]
    pia = people["public_relations"]
    DutyShift.objects.create(person=pia, role="public_relations", begins_at=NOW, ends_at=NOW + timedelta(hours=8))

    theirs = factories.make_incident(suri)
    hidden = factories.make_incident(suri, restricted=True)
    DutyShift.objects.create(person=ada, role="product_marketing", begins_at=NOW, ends_at=NOW + timedelta(hours=8))
    hers = factories.make_incident(ada)

    assert {clock.owner for clock in theirs.deadlines.open()} == {pia}
    # Of a restricted incident they know nothing; and a lead who is on duty for it keeps it.
    assert {clock.owner for clock in hidden.deadlines.open()} == {suri}
    assert {clock.owner for clock in hers.deadlines.open()} == {ada}
