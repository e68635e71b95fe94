"""Nothing is given to somebody who cannot do it, whatever it is and however it is given."""

from datetime import timedelta

import pytest
from django.db import transaction

from crisiscomms import handover
from crisiscomms.models import Role
from crisiscomms.refusal import NotAllowed, Refused
from incidents import actions
from incidents.models import DutyShift
from tests import factories
from tests.conftest import NOW

LATER = NOW + timedelta(hours=1)


def a_response(ada, incident):
    reaction = actions.note_reaction(
        incident_id=incident.pk, competitor="Gratwick", what="An offer", channel="social", seen_at=NOW, by=ada, now=NOW
    )
    task = reaction.tasks.get()
    return lambda owner: actions.hand_over_response(task_id=task.pk, owner=owner, by=ada, now=LATER)


def a_new_response(ada, incident):
    reaction = actions.note_reaction(
        incident_id=incident.pk, competitor="Gratwick", what="An offer", channel="social", seen_at=NOW, by=ada, now=NOW
    )
    return lambda owner: actions.add_response_task(
        reaction_id=reaction.pk, title="Write to sellers", owner=owner, due_at=LATER, by=ada, now=NOW
    )


def a_task_of_the_plan(ada, incident):
    data = {"tasks": {"tasks": ["30 | product_marketing | Ask the insurer"]}}
    actions.write_playbook(
        kind=incident.kind, severity=incident.severity, sections=data, base=0, reason="First", by=ada, now=NOW
    )
    actions.switch_playbook(incident_id=incident.pk, by=ada, now=NOW)
    task = incident.plan_tasks.get()
    return lambda owner: actions.hand_over_plan_task(task_id=task.pk, owner=owner, by=ada, now=LATER)


def something_that_goes_out(ada, incident):
    return lambda owner: actions.add_item(
        incident_id=incident.pk, name="Fair stand", kind="event", owner=owner, by=ada, now=NOW
    )


def a_mention(ada, incident):
    mention = actions.note_mention(
        incident_id=incident.pk,
        channel="forum",
        where="Payers’ forum",
        sentiment="negative",
        seen_at=NOW,
        by=ada,
        now=NOW,
    )
    return lambda owner: actions.ask_for_answer(mention_id=mention.pk, owner=owner, by=ada, now=LATER)


@pytest.mark.parametrize("thing", [a_response, a_new_response, a_task_of_the_plan, something_that_goes_out, a_mention])
def test_what_a_seller_cannot_do_is_not_theirs(thing, ada, cleo):
    give = thing(ada, factories.make_incident(ada))

    with pytest.raises(NotAllowed, match="Cleo cannot work on this incident"):
        give(cleo)
    assert give(factories.make_user("paul", roles=["product_marketing"])) is not None


def test_a_role_is_no_way_into_a_restricted_incident(ada):
    """Whoever may not let people in does not give their own role to somebody outside; who leads may."""
    incident = factories.make_incident(ada, restricted=True)
    lea, paul = (factories.make_user(name, roles=["legal"]) for name in ("lea", "paul"))
    actions.add_to_team(incident_id=incident.pk, person=lea, by=ada, now=NOW)
    actions.assume_role(incident_id=incident.pk, role="legal_contact", by=lea, now=NOW)
    give = {"incident_id": incident.pk, "role": "legal_contact", "to": paul, "note": "All is calm", "now": LATER}

    with pytest.raises(NotAllowed, match="Ada, who leads it, may let them in"):
        actions.hand_over_role(**give, by=lea)
    actions.hand_over_role(**give, by=ada)

    assert incident.roles.open().get(role="legal_contact").person == paul


@pytest.mark.parametrize("roles", [["sales"], ["executive"]])
def test_nobody_succeeds_a_lead_who_could_not_lead(roles, ada, olga):
    incident = factories.make_incident(ada)
    successor = factories.make_user("sol", roles=roles)

    with pytest.raises(Refused, match="Sol"), transaction.atomic():
        handover.pass_on(handover.held_by(ada), person=ada, to=successor, by=olga, now=LATER)
    incident.refresh_from_db()
    assert incident.lead == ada


def test_who_is_on_duty_is_said_by_themselves_or_an_administrator(ada, ben, olga):
    made = actions.add_duty_shift(
        person=ada, role=Role.PRODUCT_MARKETING, begins_at=LATER, ends_at=LATER + timedelta(hours=8), by=ada, now=NOW
    )

    with pytest.raises(NotAllowed):
        actions.remove_duty_shift(shift_id=made.pk, by=ben, now=NOW)
    assert DutyShift.objects.filter(pk=made.pk).exists()
    assert actions.remove_duty_shift(shift_id=made.pk, by=olga, now=NOW) == ada
