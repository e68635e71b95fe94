"""People and their roles: always an administrator left, one address once, the first set-up only once."""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from threading import Barrier

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection

from crisiscomms import people
from crisiscomms.models import AuditEvent, Role, User
from crisiscomms.refusal import Refused
from tests import factories
from tests.conftest import NOW

PASSWORD = "correct horse battery"
FIRST = {"organisation": "Fernhollow", "name": "Odo", "email": "odo@team.example", "password": PASSWORD, "now": NOW}


def change(person, by, roles=("administrator",), is_active=True):
    return people.change_person(person_id=person.pk, roles=list(roles), is_active=is_active, by=by, now=NOW)


@pytest.mark.parametrize(("roles", "is_active"), [([], True), (["sales"], True), (["administrator"], False)])
def test_the_last_administrator_cannot_be_removed(olga, roles, is_active):
    factories.make_user("was.one", roles=["administrator"], is_active=False)

    with pytest.raises(Refused, match="last administrator"):
        change(olga, olga, roles, is_active)

    olga.refresh_from_db()
    assert olga.has_role(Role.ADMINISTRATOR)


def test_one_of_three_administrators_can_go_and_it_is_on_the_record(olga):
    other = factories.make_user("other", roles=["administrator"])
    factories.make_user("third", roles=["administrator"])

    change(olga, other, ["support"], False)

    olga.refresh_from_db()
    assert (olga.roles, olga.is_active) == (["support"], False)
    assert AuditEvent.objects.get(verb="person.changed").detail.text == (
        "Olga now has the roles support, without access"
    )


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_who_remove_each_other_at_once_one_stays(olga):
    """With a third one, each removal counts at once; who was removed first removes nobody any more."""
    other = factories.make_user("other", roles=["administrator"])
    factories.make_user("third", roles=["administrator"])
    together = Barrier(2)

    def remove(pair):
        whom, by = pair
        together.wait(10)
        try:
            change(whom, by, ["sales"])
        except Refused:
            return "refused"
        finally:
            connection.close()
        return "removed"

    with ThreadPoolExecutor(2) as threads:
        said = sorted(threads.map(remove, [(olga, other), (other, olga)]))

    assert said == ["refused", "removed"]
    assert User.objects.with_role(Role.ADMINISTRATOR).count() == 2


@pytest.mark.parametrize("role", [role for role in Role.values if role != "administrator"])
def test_only_administrators_change_people(policies, role):
    person = factories.make_user("somebody", roles=[role])

    for act in (
        lambda: change(person, person),
        lambda: people.add_person(email="a@b.example", name="A", roles=[], by=person, now=NOW),
    ):
        with pytest.raises(Refused, match="Only an administrator"):
            act()


@pytest.mark.parametrize("email", ["ada@team.example", "ADA@Team.Example", " ada@team.example "])
def test_one_address_is_one_person(olga, ada, email):
    with pytest.raises(Refused, match="here already"):
        people.add_person(email=email, name="Another", roles=[], by=olga, now=NOW)


def test_the_database_also_refuses_a_second_spelling(ada):
    with pytest.raises(IntegrityError, match="user_email_once"):
        User.objects.create(email="ADA@team.example", name="Another")


@pytest.mark.parametrize(
    ("changes", "name"), [({"roles": ["king"]}, "user_roles_are_known"), ({"deputy": "self"}, "their_own_deputy")]
)
def test_the_database_refuses_a_person_that_cannot_be(ada, changes, name):
    if changes.get("deputy"):
        changes = {"deputy": ada}
    with pytest.raises(IntegrityError, match=name):
        User.objects.get_queryset().filter(pk=ada.pk).update(**changes)


def test_the_first_set_up_happens_once(db):
    first = people.set_up_first(**FIRST)

    with pytest.raises(Refused, match="has people already"):
        people.set_up_first(**{**FIRST, "email": "eve@evil.example"})

    assert User.objects.get() == first and first.has_role(Role.ADMINISTRATOR)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_who_set_up_at_once_make_one_administrator():
    together = Barrier(2)

    def set_up(name):
        together.wait(10)
        try:
            people.set_up_first(**{**FIRST, "email": f"{name}@team.example"})
        except Refused:
            return "refused"
        finally:
            connection.close()
        return "made"

    with ThreadPoolExecutor(2) as threads:
        said = sorted(threads.map(set_up, ["odo", "eve"]))

    assert said == ["made", "refused"] and User.objects.get_queryset().count() == 1


@pytest.mark.parametrize("password", ["short", "password1234", "odo@team.example"])
def test_a_weak_first_password_is_refused_with_words(db, password):
    with pytest.raises(Refused, match="password"):
        people.set_up_first(**{**FIRST, "password": password})

    assert not User.objects.get_queryset().exists()


def test_the_welcome_page_makes_the_first_person_and_then_is_gone(db, browse):
    data = {key: FIRST[key] for key in ("organisation", "name", "email", "password")}

    bad = browse(None, "/welcome/", {**data, "password": "short"})
    good = browse(None, "/welcome/", data)
    again = browse(None, "/welcome/", {**data, "email": "eve@evil.example"})

    assert bad.status_code == 422 and "Fernhollow" in bad.content.decode()
    assert (good.status_code, good.url) == (302, "/setup/")
    assert again.url == "/account/login/" and User.objects.get().email == "odo@team.example"


@pytest.mark.parametrize(("typed", "zone"), [({}, "UTC"), ({"time_zone": "Europe/Berlin"}, "Europe/Berlin")])
def test_the_first_person_has_the_time_zone_that_the_welcome_page_sent(typed, zone, db, browse):
    data = {key: FIRST[key] for key in ("organisation", "name", "email", "password")}
    assert "data-cc-zone" in browse(None, "/welcome/").content.decode()

    browse(None, "/welcome/", {**data, **typed})

    assert User.objects.get().time_zone == zone


def test_a_time_zone_that_does_not_exist_makes_nobody(db, browse, monkeypatch):
    data = {key: FIRST[key] for key in ("organisation", "name", "email", "password")}
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD))

    assert browse(None, "/welcome/", {**data, "time_zone": "Mars/Base"}).status_code == 422
    with pytest.raises(CommandError, match="time zone"):
        call_command("create_admin", "odo@team.example", "--time-zone", "Mars/Base")

    assert not User.objects.get_queryset().exists()


def test_the_command_takes_a_time_zone(db, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD))

    call_command("create_admin", "odo@team.example", "--time-zone", "Europe/Berlin")

    assert User.objects.get().time_zone == "Europe/Berlin"


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("aaaaaaaaaaaaaaaa", "different characters"),
        ("abababababABABAB", "different characters"),
        ("mountainmountain", "one word repeated"),
        ("Mountain-mountain-MOUNTAIN", "one word repeated"),
        ("correct horse battery", ""),
        ("mountain and mountain", ""),
        ("пароль длинный и разный", ""),
    ],
)
def test_a_long_password_of_few_signs_or_one_word_again_and_again_is_refused(password, words):
    with pytest.raises(ValidationError, match=words) if words else nullcontext():
        validate_password(password)


def test_in_production_the_welcome_page_makes_nobody(db, browse, settings):
    settings.LOCAL = False

    browse(None, "/welcome/", {key: FIRST[key] for key in ("organisation", "name", "email", "password")})

    assert not User.objects.get_queryset().exists()


@pytest.mark.parametrize(("line", "words"), [(PASSWORD, ""), ("short", "too short"), (PASSWORD + "\n", "")])
def test_the_command_adds_an_administrator(db, monkeypatch, capsys, line, words):
    monkeypatch.setattr("sys.stdin", io.StringIO(line))

    if words:
        with pytest.raises(CommandError, match=words):
            call_command("create_admin", "odo@team.example")
    else:
        call_command("create_admin", "Odo@team.example", "--name", "Odo")
        assert "odo@team.example may sign in" in capsys.readouterr().out
        assert User.objects.get().check_password(PASSWORD)


def test_people_pages_are_the_administrators_and_keep_what_was_typed(olga, ada, browse):
    assert browse(ada, "/setup/people/").status_code == 404
    data = {"name": "Quentin", "email": "ada@team.example", "roles": ["support"], "time_zone": "Europe/Berlin"}

    double = browse(olga, "/setup/people/", data)
    made = browse(olga, "/setup/people/", {**data, "email": "quentin@team.example"})

    assert double.status_code == 422 and "Quentin" in double.content.decode()
    assert made.status_code == 302 and User.objects.get_by_natural_key("QUENTIN@team.example").roles == ["support"]


def test_an_administrator_is_told_why_they_cannot_lock_everybody_out(olga, browse):
    data = {"name": "Olga", "email": olga.email, "roles": ["sales"], "time_zone": "UTC", "is_active": "on"}

    response = browse(olga, f"/setup/people/{olga.pk}/", data)

    assert response.status_code == 422 and "last administrator" in response.content.decode()


def test_a_stale_page_overwrites_nobody_and_keeps_what_was_typed(olga, ada, browse):
    url = f"/setup/people/{ada.pk}/"
    seen = re.search(r'name="seen" value="(\w+)"', browse(olga, url).content.decode())[1]
    data = {"name": "Ada B.", "email": ada.email, "roles": ["legal"], "time_zone": "UTC", "is_active": "on"}
    User.objects.get_queryset().filter(pk=ada.pk).update(is_active=False)

    answer = browse(olga, url, {**data, "seen": seen})

    page = answer.content.decode()
    ada.refresh_from_db()
    assert (answer.status_code, ada.is_active, "Ada B." in page, "has no access" in page) == (409, False, True, True)
    # Whoever has read that may save again.
    seen = re.search(r'name="seen" value="(\w+)"', page)[1]
    assert browse(olga, url, {**data, "seen": seen}).status_code == 302
