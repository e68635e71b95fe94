"""What weakens control takes two administrators, and the page of the second one shows what would change."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from crisiscomms import changes, people, policy
from crisiscomms.models import AuditEvent, ControlChange, Notice
from crisiscomms.refusal import Conflict, Refused
from tests import factories
from tests.conftest import NOW

WEEK = timedelta(days=7)


@pytest.fixture
def otto(olga):
    """A second administrator."""
    return factories.make_user("otto", roles=["administrator"])


def ask(olga, **fields):
    data = policy.current("messaging")
    data = {**data, "settings": {**data["settings"], "four_eyes": False}}
    values = {"key": "messaging", "base": 1, "data": data, "reason": "Small team", "by": olga, "now": NOW}
    return policy.change(**values | fields)


def four_eyes():
    return policy.current("messaging")["settings"]["four_eyes"]


def test_a_change_of_approvals_counts_only_when_another_one_confirms(olga, otto):
    asked = ask(olga)

    assert (four_eyes(), asked.differences) == (True, [["settings.four_eyes", "yes", "no"]])
    assert list(Notice.objects.filter(kind="control_change").values_list("person", flat=True)) == [otto.pk]
    with pytest.raises(Refused, match="somebody else has to confirm"):
        changes.confirm(change_id=asked.pk, by=olga, now=NOW)

    changes.confirm(change_id=asked.pk, by=otto, now=NOW)
    assert (four_eyes(), policy.newest("messaging").changed_by) == (False, olga)
    assert AuditEvent.objects.get(verb="change.confirmed").actor == otto


def test_the_database_refuses_a_change_confirmed_by_who_asked(olga, otto):
    asked = ask(olga)

    with pytest.raises(IntegrityError, match="change_is_confirmed_by_another"):
        ControlChange.objects.filter(pk=asked.pk).update(state="confirmed", decided_by=olga, decided_at=NOW)


def test_refusing_needs_a_reason_that_who_asked_reads(olga, otto):
    asked = ask(olga)
    with pytest.raises(Refused, match="Say why"):
        changes.refuse(change_id=asked.pk, reason=" ", by=otto, now=NOW)

    changes.refuse(change_id=asked.pk, reason="Four eyes stay", by=otto, now=NOW)

    asked.refresh_from_db()
    assert (asked.state, asked.answer, four_eyes()) == ("refused", "Four eyes stay", True)
    assert Notice.objects.get(kind="control_change_decided").person == olga
    with pytest.raises(Conflict, match="already"):
        changes.confirm(change_id=asked.pk, by=otto, now=NOW)


def test_one_waits_at_a_time_and_lapses_after_a_week(olga, otto):
    asked = ask(olga)
    with pytest.raises(Conflict, match="Olga has asked"):
        ask(otto)

    with pytest.raises(Conflict, match="lapsed"):
        changes.confirm(change_id=asked.pk, by=otto, now=NOW + WEEK)
    assert ask(otto, now=NOW + WEEK).pk != asked.pk


def test_what_changed_meanwhile_is_not_overwritten(olga, otto):
    asked = ask(olga)
    policy.replace(key="messaging", data=policy.current("messaging"), by=otto, now=NOW)

    with pytest.raises(Conflict, match="version 2 is in force, you saw 1"):
        changes.confirm(change_id=asked.pk, by=otto, now=NOW)
    with pytest.raises(Conflict, match="version 2"):
        ask(otto, base=1)


def test_who_asked_and_lost_the_role_changes_nothing_any_more(olga, otto):
    asked = ask(olga)
    people.change_person(person_id=olga.pk, roles=["support"], is_active=True, by=otto, now=NOW)

    with pytest.raises(Refused, match="no longer an administrator"):
        changes.confirm(change_id=asked.pk, by=otto, now=NOW)


def test_a_single_administrator_is_not_stuck_and_the_record_says_alone(olga):
    ask(olga)

    assert four_eyes() is False
    assert "made alone" in AuditEvent.objects.get(verb="change.alone").detail.text


@pytest.mark.parametrize("role", sorted(people.CONTROL_ROLES))
def test_a_role_that_carries_control_waits_for_the_second_and_the_rest_counts_at_once(olga, otto, role):
    kim = factories.make_user("kim", roles=["support"])

    people.change_person(person_id=kim.pk, roles=["product", role], is_active=True, by=olga, now=NOW)
    kim.refresh_from_db()
    assert kim.roles == ["product"]

    changes.confirm(change_id=ControlChange.objects.get().pk, by=otto, now=NOW)
    kim.refresh_from_db()
    assert kim.roles == ["product", role]


def test_taking_a_role_away_waits_for_nobody(olga, otto, ben):
    people.change_person(person_id=ben.pk, roles=["sales"], is_active=True, by=olga, now=NOW)

    ben.refresh_from_db()
    assert (ben.roles, ControlChange.objects.count()) == (["sales"], 0)


def test_on_the_pages(olga, otto, browse):
    text = policy.written(policy.description_of("messaging"), policy.current("messaging"))
    typed = {"base": 1, "text": text.replace("hold_seconds: 120", "hold_seconds: 0"), "reason": "Quicker"}

    looked = browse(olga, "/setup/policies/messaging/text/", {**typed, "look": "1"})
    assert (looked.status_code, "settings.hold_seconds" in looked.content.decode()) == (200, True)
    asked = browse(olga, "/setup/policies/messaging/text/", {**typed, "change": "1"})
    url = asked.headers["Location"]

    assert browse(olga, url, {"confirm": "1"}).status_code == 422
    page = browse(otto, url).content.decode()
    assert "Quicker" in page and "settings.hold_seconds" in page
    assert browse(otto, url, {"confirm": "1"}).headers["Location"] == "/setup/changes/"
    assert policy.current("messaging")["settings"]["hold_seconds"] == 0


def test_two_who_edit_one_policy_lose_nothing_that_was_typed(olga, browse):
    text = policy.written(policy.description_of("recovery"), policy.current("recovery"))
    typed = {"base": 1, "text": text.replace("due_days: 14", "due_days: 10"), "reason": "Sooner", "change": "1"}
    policy.replace(key="recovery", data=policy.current("recovery"), by=None, now=NOW)

    answer = browse(olga, "/setup/policies/recovery/text/", typed)

    page = answer.content.decode()
    assert (answer.status_code, "due_days: 10" in page, "Sooner" in page) == (409, True, True)
    assert "version 2 is in force, you saw 1" in page
