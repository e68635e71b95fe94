"""What weakens control takes two administrators, and the page of the second one shows what would change."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from crisiscomms import changes, control, people, policy
from crisiscomms.models import AuditEvent, ControlChange, Notice, User
from crisiscomms.organisation import set_organisation
from crisiscomms.refusal import Conflict, Refused
from delivery import team_mail
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
    factories.make_user("third", roles=["administrator"])
    people.change_person(person_id=olga.pk, roles=["support"], is_active=True, by=otto, now=NOW)

    with pytest.raises(Refused, match="no longer an administrator"):
        changes.confirm(change_id=asked.pk, by=otto, now=NOW)


def test_a_single_administrator_is_not_stuck_and_the_record_says_alone(olga):
    ask(olga)

    assert four_eyes() is False
    assert "made alone" in AuditEvent.objects.get(verb="change.alone").detail.text


@pytest.mark.parametrize("role", sorted(control.CONTROL_ROLES))
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


@pytest.mark.parametrize("change", [{"roles": ["sales"]}, {"is_active": False}], ids=["role", "access"])
def test_one_of_the_last_two_administrators_goes_only_when_the_other_agrees(olga, otto, change):
    values = {"person_id": olga.pk, "roles": olga.roles, "is_active": True, **change}
    people.change_person(**values, by=otto, now=NOW)
    olga.refresh_from_db()
    assert olga.has_role("administrator")
    asked = ControlChange.objects.get(kind="administrator")
    with pytest.raises(Refused, match="somebody else has to confirm"):
        changes.confirm(change_id=asked.pk, by=otto, now=NOW)
    # Nor is another thing done alone meanwhile.
    kim = factories.make_user("kim", roles=["support"])
    people.change_person(person_id=kim.pk, roles=["legal"], is_active=True, by=otto, now=NOW)
    assert ControlChange.objects.filter(kind="roles", state="open").exists()

    changes.confirm(change_id=asked.pk, by=olga, now=NOW)
    olga.refresh_from_db()
    assert not olga.has_role("administrator") and olga.is_active == change.get("is_active", True)


def test_with_three_administrators_one_is_removed_at_once(olga, otto):
    factories.make_user("third", roles=["administrator"])

    people.change_person(person_id=olga.pk, roles=["sales"], is_active=True, by=otto, now=NOW)

    olga.refresh_from_db()
    assert olga.roles == ["sales"] and not ControlChange.objects.exists()


def test_a_removal_of_who_became_the_last_one_changes_nothing(olga, otto):
    people.change_person(person_id=otto.pk, roles=["sales"], is_active=True, by=olga, now=NOW)
    asked = ControlChange.objects.get()
    people.release_administrator(email=olga.email, now=NOW)

    with pytest.raises(Refused):
        changes.confirm(change_id=asked.pk, by=otto, now=NOW)
    otto.refresh_from_db()
    assert otto.has_role("administrator")


def test_an_administrator_who_is_gone_is_released_on_the_server_and_on_the_record(olga, otto, capsys):
    call_command("release_administrator", "OTTO@team.example")

    otto.refresh_from_db()
    assert otto.roles == [] and "no longer an administrator" in capsys.readouterr().out
    event = AuditEvent.objects.get(verb="person.changed")
    assert event.actor is None and "by the installation" in event.detail.text
    for email, words in ((olga.email, "last administrator"), ("who@team.example", "No administrator")):
        with pytest.raises(CommandError, match=words):
            call_command("release_administrator", email)


def change_address(person, by, email="thief@evil.example"):
    fields = {"roles": person.roles, "is_active": True, "email": email, "phone": "+43 1"}
    people.change_person(person_id=person.pk, by=by, now=NOW, **fields)
    person.refresh_from_db()


@pytest.mark.parametrize("role", sorted(control.CONTROL_ROLES - {"administrator"}))
def test_one_alone_cannot_turn_the_approvals_of_another_to_their_own_mailbox(olga, otto, role):
    person = factories.make_user("person", roles=[role])

    change_address(person, olga)

    assert (person.email, person.phone) == ("person@team.example", "+43 1")
    asked = ControlChange.objects.get(kind="address")
    assert asked.differences == [["E-mail", "person@team.example", "thief@evil.example"]]
    with pytest.raises(Refused, match="somebody else has to confirm"):
        changes.confirm(change_id=asked.pk, by=olga, now=NOW)
    changes.confirm(change_id=asked.pk, by=otto, now=NOW)
    person.refresh_from_db()
    assert person.email == "thief@evil.example"


def test_another_address_is_told_to_the_old_one_and_stands_on_the_record(olga, ada, sink):
    change_address(ada, olga, "ada.new@team.example")

    team_mail.send_due(now=lambda: NOW)
    assert dict(sink.counts) == {"ada@team.example": 1}
    text = AuditEvent.objects.get(verb="person.changed").detail.text
    assert text.endswith("; e-mail was ada@team.example, is ada.new@team.example; also changed: phone")


def test_an_address_changed_meanwhile_is_not_given_a_role(olga, otto, ada):
    people.change_person(person_id=ada.pk, roles=["executive"], is_active=True, by=olga, now=NOW)
    change_address(User.objects.get_by_natural_key(ada.email), olga)

    with pytest.raises(Conflict, match="has changed since"):
        changes.confirm(change_id=ControlChange.objects.get(kind="roles").pk, by=otto, now=NOW)


def test_an_address_that_somebody_took_meanwhile_is_refused_with_words(olga, otto, ben):
    change_address(ben, olga, "new@team.example")
    factories.make_user("new", roles=["sales"])

    with pytest.raises(Conflict, match="here already"):
        changes.confirm(change_id=ControlChange.objects.get().pk, by=otto, now=NOW)


def test_who_was_removed_a_moment_ago_changes_nothing_with_what_their_request_still_says(olga, otto, ada):
    asked = ask(olga)
    stale = User.objects.get_queryset().get(pk=otto.pk)
    User.objects.get_queryset().filter(pk=otto.pk).update(roles=["sales"])

    for act in (
        lambda: people.change_person(person_id=ada.pk, roles=[], is_active=True, by=stale, now=NOW),
        lambda: changes.confirm(change_id=asked.pk, by=stale, now=NOW),
        lambda: set_organisation(by=stale, now=NOW, name="Evil"),
    ):
        with pytest.raises(Refused, match="Only an administrator"):
            act()


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
