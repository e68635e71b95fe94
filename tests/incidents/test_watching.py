"""Watch items: seen, not declared; no clock, nothing leaves; declared under the same number, or nothing came of it."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.urls import reverse

from crisiscomms.models import AuditEvent, Notice
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import abilities, actions
from incidents.models import Incident, PhaseSpan
from tests import factories
from tests.conftest import NOW

LATER = NOW + timedelta(hours=5)


def watch(by, **fields):
    values = {
        "title": "Payouts take a day longer", "kind": "product_quality", "severity": "minor",
        "noticed_at": NOW - timedelta(hours=2), "components": {factories.make_component("Payouts").pk: "degraded"},
        "now": NOW, **fields,
    }  # fmt: skip
    return actions.open_watch_item(by=by, **values)


def declare(item, by, **fields):
    values = {
        "title": "Payouts arrive late", "kind": "service_disruption", "severity": "major", "discovered_at": LATER,
        "now": LATER, **fields,
    }  # fmt: skip
    return actions.declare_incident(by=by, watch_item=item, **values)


def test_it_has_a_number_a_record_and_no_clock_towards_customers(ada, ben):
    item = watch(ada)

    assert item.is_watched and (item.opened_by, item.declared_at, item.declared_by) == (ada, None, None)
    assert not item.deadlines.filter(kind__in=["acknowledge", "update"]).exists()
    assert item.component_states.open().count() == 1
    assert AuditEvent.objects.filter(chain=item.ref, verb="watch.opened").exists()
    assert not Notice.objects.filter(person=ben).exists()


def test_a_rule_opens_one_in_nobodys_name_and_product_marketing_hears(ada, ben):
    other = factories.make_user("zoe", roles=["product_marketing"], date_joined=NOW + timedelta(days=1))

    item = watch(None)

    assert (item.opened_by, item.lead) == (None, ada)
    assert set(Notice.objects.filter(kind="watched").values_list("person", flat=True)) == {ada.pk, other.pk}


@pytest.mark.parametrize("fields", [{"title": " "}, {"kind": "flood"}, {"severity": "huge"}, {"noticed_at": LATER}])
def test_bad_answers_are_refused(ada, fields):
    with pytest.raises(Refused):
        watch(ada, **fields)
    assert not Incident.objects.exists()


def test_sellers_open_none(cleo):
    with pytest.raises(NotAllowed):
        watch(cleo)


def test_declaring_keeps_number_and_record_and_starts_the_clocks_from_discovery(ada, ben):
    item = watch(ada)

    incident = declare(item, ada)

    assert (incident.pk, incident.number) == (item.pk, item.number)
    assert (incident.declared_at, incident.title, incident.severity) == (LATER, "Payouts arrive late", "major")
    acknowledge = incident.deadlines.get(kind="acknowledge")
    assert acknowledge.due_at == LATER + timedelta(minutes=90)
    assert list(incident.spans.values_list("phase", "began_at", "ended_at")) == [
        ("pre_crisis", NOW, LATER), ("initial_response", LATER, None),
    ]  # fmt: skip
    assert incident.component_states.open().count() == 1


def test_what_was_restricted_stays_so(ada):
    assert declare(watch(ada, restricted=True), ada, restricted=False).restricted


def test_a_hidden_one_cannot_be_declared_by_its_number(ada, policies):
    other = factories.make_user("carl", roles=["product_marketing"])
    item = watch(ada, restricted=True)

    with pytest.raises(NotAllowed):
        declare(item, other)


def test_it_is_declared_once(ada):
    item = watch(ada)
    declare(item, ada)

    with pytest.raises(Conflict, match="no watch item any more"):
        declare(item, ada)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_declare_it_at_once_one_is_told(ada):
    item, outcomes = watch(ada), []
    gate = threading.Barrier(2)

    def press():
        gate.wait()
        try:
            outcomes.append(declare(item, ada).pk)
        except Conflict:
            outcomes.append("too late")
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(str, outcomes)) == sorted([str(item.pk), "too late"])
    assert PhaseSpan.objects.filter(incident=item).count() == 2


def test_nothing_came_of_it(ada):
    item = watch(ada)

    actions.stand_down(incident_id=item.pk, reason="The bank mended it", by=ada, now=LATER)

    item.refresh_from_db()
    assert (item.phase, item.stood_down, item.declared_at) == ("closed", True, None)
    assert not item.component_states.open().exists()


@pytest.mark.parametrize("to", ["initial_response", "management", "closed"])
def test_no_phase_is_reached_from_it_by_moving(ada, to):
    item = watch(ada)

    with pytest.raises(Refused):
        actions.move_phase(incident_id=item.pk, to=to, by=ada, now=LATER, waive_reason="because")


def test_no_milestone_is_noted(ada):
    with pytest.raises(Refused, match="declared first"):
        actions.reach_milestone(incident=watch(ada), kind="verified", by=ada, now=LATER)


def test_a_text_may_lie_ready_and_does_not_leave(ada, ben):
    item = watch(ada)
    message = factories.make_approved(item, ada, ben)

    with pytest.raises(Refused, match="nothing leaves before it is declared"):
        factories.order(message, ada)


def test_the_database_knows_none_that_is_declared_and_watched(ada):
    item = watch(ada)

    with pytest.raises(IntegrityError, match="incident_declared_once_past_watching"):
        Incident.objects.filter(pk=item.pk).update(declared_at=NOW, declared_by=ada)


def test_the_database_knows_no_incident_that_nobody_declared(ada):
    incident = factories.make_incident(ada)

    with pytest.raises(IntegrityError, match="incident_declared_once_past_watching"):
        Incident.objects.filter(pk=incident.pk).update(declared_at=None, declared_by=None)


def test_the_declare_page_watches_by_its_second_button(browse, ada):
    answers = {
        "title": "Payouts are slow", "kind": "product_quality", "severity": "minor", "component_state": "partial",
        "discovered_at": "2026-11-17T13:00", "watch": "1",
    }  # fmt: skip

    answer = browse(ada, reverse("incidents:declare"), answers)

    item = Incident.objects.get()
    assert answer.url == reverse("desk:room", args=[item.number]) and item.is_watched


def test_its_room_offers_to_declare_it_with_what_is_known(browse, ada):
    item = watch(ada)
    url = reverse("incidents:declare_watched", args=[item.number])
    assert url in browse(ada, reverse("desk:room", args=[item.number])).content.decode()

    page = browse(ada, url).content.decode()

    assert "Payouts take a day longer" in page and f"Declare {item.ref}" in page


def test_home_says_what_smoulders(browse, ada):
    watch(ada)

    assert b"Smouldering" in browse(ada, reverse("desk:home")).content


def test_its_abilities_are_those_of_a_watch_item(ada):
    can = abilities.of(watch(ada), ada, NOW)

    assert {key for key, answer in can.items() if answer.may} >= {"declare", "stand_down", "severity", "component"}
    assert not can["move"].may and "declared first" in can["move"].why_not
