"""A new person comes in by a link that works once, for seven days, and never from a stranger's guess."""

from datetime import timedelta

import pytest

from crisiscomms import invitations, people
from crisiscomms.models import AuditEvent, Invitation, Notice, User
from crisiscomms.refusal import Refused
from tests import factories
from tests.conftest import NOW

PASSWORD = "correct horse battery"
DAY = timedelta(days=1)


def add(olga, email="nina@team.example", **fields):
    return people.add_person(email=email, name="Nina", roles=["support"], by=olga, now=NOW, **fields)


def token_of(person):
    return invitations.link(person.invitations.latest("pk")).rstrip("/").rpartition("/")[2]


def test_whoever_is_added_is_invited_and_the_mail_holds_no_secret_in_the_table(olga):
    nina = add(olga)

    notice = Notice.objects.get(kind="invitation", person=nina)
    assert notice.context == {"invitation": nina.invitations.get().pk}
    assert not nina.has_usable_password()


def test_the_link_lets_them_in_once(olga, client):
    nina = add(olga)
    token = token_of(nina)
    url = f"/account/invitation/{token}/"

    assert client.get(url).status_code == client.get(url).status_code == 200
    assert client.post(url, {"password": PASSWORD}).headers["Location"] == "/"
    assert client.get("/account/me/").status_code == 200

    nina.refresh_from_db()
    assert nina.check_password(PASSWORD)
    again = client.post(url, {"password": "another long password"})
    assert (again.status_code, b"has been used" in again.content) == (410, True)
    nina.refresh_from_db()
    assert nina.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda nina, olga: Invitation.objects.update(expires_at=NOW), "expired"),
        (lambda nina, olga: invitations.invite(person_id=nina.pk, by=olga, now=NOW), "no longer works"),
        (lambda nina, olga: User.objects.get_queryset().filter(pk=nina.pk).update(is_active=False), "no longer works"),
    ],
    ids=["expired", "replaced", "deactivated"],
)
def test_a_link_that_is_over_says_so(olga, spoil, words):
    nina = add(olga)
    token = token_of(nina)
    spoil(nina, olga)

    with pytest.raises(Refused, match=words):
        invitations.accept(token=token, password=PASSWORD, now=NOW)


@pytest.mark.parametrize("token", ["1", "1.", "x.y", "99999999999999999999.ab", "١.ab", "1." + "0" * 48])
def test_a_guessed_link_is_refused(olga, token):
    add(olga)

    with pytest.raises(Refused, match="not complete"):
        invitations.find(token, NOW)


def test_a_link_survives_a_new_secret_key_while_the_old_one_is_named(olga, settings):
    token = token_of(add(olga))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, [settings.SECRET_KEY]
    assert invitations.find(token, NOW)

    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(Refused):
        invitations.find(token, NOW)


def test_a_weak_password_is_said_and_the_link_stays_good(olga, client):
    token = token_of(add(olga))

    answer = client.post(f"/account/invitation/{token}/", {"password": "short"})

    assert (answer.status_code, b"too short" in answer.content) == (422, True)
    assert invitations.find(token, NOW)


def test_only_an_administrator_invites_and_never_who_has_a_password(olga, ada):
    nina = add(olga)

    with pytest.raises(Refused, match="Only an administrator"):
        invitations.invite(person_id=nina.pk, by=ada, now=NOW)
    with pytest.raises(Refused, match="has a password already"):
        invitations.invite(person_id=ada.pk, by=olga, now=NOW)


def test_the_record_says_who_invited_and_who_came(olga):
    nina = add(olga)
    invitations.accept(token=token_of(nina), password=PASSWORD, now=NOW + DAY)

    said = list(AuditEvent.objects.filter(subject=f"person:{nina.pk}").order_by("number").values_list("verb", "actor"))
    assert said == [("person.added", olga.pk), ("person.invited", olga.pk), ("person.accepted", nina.pk)]


def test_an_invited_administrator_who_never_came_counts_for_nothing(olga):
    people.add_person(email="otto@team.example", name="Otto", roles=["administrator"], by=olga, now=NOW)

    with pytest.raises(Refused, match="last administrator"):
        people.change_person(person_id=olga.pk, roles=["sales"], is_active=True, by=olga, now=NOW)
    # Nobody else could confirm, so olga still changes alone.
    kim = factories.make_user("kim", roles=["support"])
    people.change_person(person_id=kim.pk, roles=["legal"], is_active=True, by=olga, now=NOW)
    kim.refresh_from_db()
    assert kim.roles == ["legal"]


def test_a_link_is_over_once_a_password_was_set_in_another_way(olga):
    nina = add(olga)
    token = token_of(nina)
    nina.set_password(PASSWORD)
    nina.save()

    with pytest.raises(Refused, match="in another way"):
        invitations.accept(token=token, password="another long password", now=NOW)
