"""Criteria that only a person can know: ticked with a note, once, for this stay in the phase."""

from datetime import timedelta

import pytest
from django.urls import reverse

from crisiscomms import policy
from crisiscomms.models import AuditEvent
from crisiscomms.refusal import NotAllowed, Refused
from incidents import actions, criteria
from incidents.models import CriterionTick
from tests import factories
from tests.conftest import NOW

LATER = NOW + timedelta(minutes=30)


@pytest.fixture
def incident(ada):
    """In management, which ends when a measure is in place and somebody says that it holds."""
    data = policy.current("incidents")
    for phase in data["phases"]:
        if phase["key"] == "management":
            phase["exit_criteria"].append(
                {"key": "holds", "text": "The measure has held for an hour", "check": "ticked"}
            )
    policy.replace(key="incidents", data=data, by=None, now=NOW)
    incident = factories.make_incident(ada)
    actions.move_phase(incident_id=incident.pk, to="management", waive_reason="A test", by=ada, now=NOW)
    incident.refresh_from_db()
    return incident


def tick(incident, by, key="holds", note="Error rate under half a percent since noon"):
    return actions.tick_criterion(incident_id=incident.pk, key=key, note=note, by=by, now=LATER)


def met(incident):
    return {item.key: item.is_met for item in criteria.exit_criteria(incident)}


def test_it_is_open_until_somebody_ticks_it_and_the_record_says_by_what(ada, incident):
    assert met(incident) == {"mitigated": False, "holds": False}

    tick(incident, ada)

    assert met(incident) == {"mitigated": False, "holds": True}
    text = AuditEvent.objects.get(chain=incident.ref, verb="criterion.ticked").detail.text
    assert text == "It holds: The measure has held for an hour. Error rate under half a percent since noon"


def test_it_blocks_the_phase_until_then(ada, incident):
    actions.reach_milestone(incident=incident, kind="mitigated", by=ada, now=NOW)
    with pytest.raises(Refused, match="has held for an hour"):
        actions.move_phase(incident_id=incident.pk, to="resolution", by=ada, now=LATER)

    tick(incident, ada)
    actions.move_phase(incident_id=incident.pk, to="resolution", by=ada, now=LATER)

    incident.refresh_from_db()
    assert incident.phase == "resolution" and not incident.waivers.filter(phase="management").exists()


@pytest.mark.parametrize(("key", "note"), [("holds", "  "), ("mitigated", "x"), ("nonsense", "x"), ("", "x")])
def test_without_a_note_or_for_what_is_looked_up_it_is_refused(ada, incident, key, note):
    with pytest.raises(Refused):
        tick(incident, ada, key, note)
    assert not CriterionTick.objects.exists()


def test_it_is_ticked_once(ada, incident):
    tick(incident, ada)

    with pytest.raises(Refused, match="Ada has ticked it already"):
        tick(incident, ada)


def test_sellers_tick_nothing(cleo, incident):
    with pytest.raises(NotAllowed):
        tick(incident, cleo)


def test_after_a_regression_it_has_to_be_looked_at_anew(ada, incident):
    tick(incident, ada)
    for to in ("resolution", "management"):
        actions.move_phase(incident_id=incident.pk, to=to, waive_reason="It came back", by=ada, now=LATER)

    incident.refresh_from_db()
    assert met(incident)["holds"] is False and CriterionTick.objects.count() == 1


def test_the_room_takes_the_tick(browse, ada, incident):
    page = browse(ada, reverse("desk:room", args=[incident.number])).content.decode()
    assert "The measure has held for an hour: by what do you know?" in page

    browse(ada, reverse("incidents:tick", args=[incident.number]), {"key": "holds", "note": "Seen on the graph"})

    assert "Seen on the graph" in browse(ada, reverse("desk:room", args=[incident.number])).content.decode()
