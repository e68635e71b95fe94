"""Who may know that an incident exists (faults X2, X3, X5, X8)."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404
from django.test import Client

from crisiscomms.models import Notice, Role, User
from delivery import team_mail
from incidents import access, actions
from incidents.models import Deadline, Incident
from messaging.models import Message
from tests import factories
from tests.conftest import NOW

WORKSHOP = {role for role in Role.values if role not in ("sales", "executive")}
# By hand from the domain page: role → (sees an open incident, sees a restricted one).
SEES = {
    **dict.fromkeys(WORKSHOP, (True, False)),
    "administrator": (True, True),
    "executive": (False, False),
    "sales": (False, False),
}


@pytest.fixture
def two(ada):
    """An open and a restricted incident of Ada's."""
    return factories.make_incident(ada), factories.make_incident(ada, restricted=True, components={})


def seen(person):
    return set(Incident.objects.visible_to(person))


@pytest.mark.parametrize("role", Role.values)
def test_each_role_sees_what_the_domain_page_says(two, role):
    open_one, restricted = two
    person = factories.make_user("somebody", roles=[role])

    assert (open_one in seen(person), restricted in seen(person)) == SEES[role]


@pytest.mark.parametrize("role", sorted(WORKSHOP))
def test_a_restricted_one_opens_to_those_let_in_by_name_and_only_that_one(two, ada, role):
    other = factories.make_incident(ada, restricted=True, components={})
    person = factories.make_user("somebody", roles=[role])

    actions.let_see(incident=two[1], person=person)

    assert two[1] in seen(person)
    assert (other in seen(person)) == (role == "administrator")


def test_an_executive_sees_what_they_are_asked_about_and_nothing_else(two, ada, ben, dora):
    factories.make_incident(ada)
    assert seen(ben) == set()

    factories.ask(factories.make_message(two[0], ada), ada)

    assert seen(ben) == seen(dora) == {two[0]}


@pytest.mark.parametrize("model", [Message, Deadline])
def test_messages_and_deadlines_follow_their_incident_X3(two, ada, cleo, model):
    for incident in two:
        factories.make_message(incident, ada, channels=["email"])
    sam = factories.make_user("sam", roles=["support"])

    assert {one.incident for one in model.objects.visible_to(sam)} == {two[0]}
    assert {one.incident for one in model.objects.visible_to(ada)} == set(two)
    assert not model.objects.visible_to(cleo).exists()


def test_nobody_at_all_sees_nothing(two):
    assert seen(AnonymousUser()) == set()


@pytest.mark.parametrize("role", Role.values)
def test_somebody_deactivated_sees_nothing_even_by_name_X8(two, role):
    person = factories.make_user("somebody", roles=[role], is_active=False)
    for incident in two:
        actions.let_see(incident=incident, person=person)

    assert seen(person) == set()


def test_hidden_and_missing_look_alike(two, cleo):
    for number in (two[0].number, 999):
        with pytest.raises(Http404):
            access.get_incident(cleo, number)


def test_deactivated_is_out_on_the_next_request_of_a_live_session_X8(two):
    sam = factories.make_user("sam", roles=["support"])
    client = Client()
    client.force_login(sam, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get(f"/incidents/{two[0].ref}/").status_code == 200

    User.objects.filter(pk=sam.pk).update(is_active=False)

    response = client.get(f"/incidents/{two[0].ref}/")
    assert response.status_code == 302 and response.url.startswith("/account/login/")


def test_a_lost_role_counts_on_the_next_request_X8(two, ada):
    client = Client()
    client.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/incidents/declare/").status_code == 200

    User.objects.filter(pk=ada.pk).update(roles=["sales"])

    assert client.get("/incidents/declare/").status_code == 404


def test_a_mail_queued_before_somebody_was_deactivated_is_not_sent_X8(ada, sink):
    sam = factories.make_user("sam", roles=["support"])
    factories.make_incident(ada)
    User.objects.filter(pk=sam.pk).update(is_active=False)

    team_mail.send_due(now=lambda: NOW)

    assert dict(sink.counts) == {"ada@team.example": 1}
    assert Notice.objects.get(person=sam).state == "skipped"


def test_a_mail_about_what_one_may_no_longer_see_is_not_sent_X8(ada, sink):
    sam = factories.make_user("sam", roles=["support"])
    incident = factories.make_incident(ada)
    Incident.objects.filter(pk=incident.pk).update(restricted=True)
    incident.granted.filter(user=sam).delete()

    team_mail.send_due(now=lambda: NOW)

    assert sink.counts["sam@team.example"] == 0


@pytest.mark.parametrize("who", ["sam", "cleo", "ben"])
def test_a_hidden_incident_shows_in_no_list_count_or_search_X2(two, ada, ben, cleo, browse, who):
    sam = factories.make_user("sam", roles=["support"])
    person = {"sam": sam, "cleo": cleo, "ben": ben}[who]
    Incident.objects.filter(pk=two[1].pk).update(title="Keys were leaked")

    for url in ("/", "/incidents/", "/recovery/", "/portal/", "/portal/?q=keys", "/status/", "/status/history.atom"):
        page = browse(person, url).content.decode()
        assert "Keys were leaked" not in page and two[1].ref not in page
    for url in (f"/incidents/{two[1].ref}/", f"/incidents/{two[1].ref}/live/", f"/incidents/{two[1].ref}/timeline/"):
        assert browse(person, url).status_code == 404
