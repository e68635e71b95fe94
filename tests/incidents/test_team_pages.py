"""The pages and the API of the team, as a browser and a program ask."""

from datetime import timedelta

import pytest

from crisiscomms.models import AuditEvent, Notice, User
from incidents import actions, team
from incidents.models import DutyHours, DutyShift, RoleAssignment
from tests import factories
from tests.api.asking import program, send
from tests.conftest import NOW

SCRIPT = "<script>alert(1)</script>{{ 7|add:7 }}\u202e"


@pytest.fixture
def incident(ada):
    return factories.make_incident(ada)


@pytest.fixture
def leo(policies):
    return factories.make_user("leo", roles=["legal"], phone="+49 30 555 0101")


def press(browse, user, incident, what, **data):
    return browse(user, f"/incidents/{incident.ref}/team/{what}/", {"at": "team", **data})


def page(browse, user, url):
    response = browse(user, url)
    assert response.status_code == 200
    return response.content.decode()


def test_a_role_is_taken_handed_over_and_ended_from_the_pages(ada, leo, incident, browse):
    lea = factories.make_user("lea", roles=["legal"])

    press(browse, leo, incident, "assume", role="legal_contact")
    mine = page(browse, leo, f"/incidents/{incident.ref}/")
    seen = team.assignment(incident, "legal_contact").pk
    press(browse, leo, incident, "hand-over", role="legal_contact", to=lea.pk, note="Authority asked", seen=seen)
    theirs = page(browse, ada, f"/incidents/{incident.ref}/team/")
    back = press(browse, lea, incident, "release", role="legal_contact")

    assert "You are legal contact" in mine and "Hand over legal contact" in mine
    assert "Authority asked" in theirs and "Leo: Authority asked" in theirs
    assert back.url == f"/incidents/{incident.ref}/team/"
    assert team.holder(incident, "legal_contact") is None


def test_a_hand_over_that_cannot_be_keeps_what_was_typed(ada, leo, incident, browse):
    for data, words in [
        ({"to": leo.pk, "note": ""}, "Say what the next one has to know"),
        ({"to": "", "note": "Kept as typed"}, "Choose who takes it."),
        ({"to": "99999", "note": "Kept as typed"}, "Choose somebody from the list."),
        ({"to": leo.pk, "note": "Kept as typed"}, "Leo may not be communications lead"),
        ({"to": leo.pk, "note": "Kept as typed", "seen": 77}, "changed hands while you had the page open"),
    ]:
        response = press(browse, ada, incident, "hand-over", **{"role": "communications_lead", **data})

        shown = response.content.decode()
        assert response.status_code == 422 and words in shown
        assert not data["note"] or "Kept as typed</textarea>" in shown
    assert not RoleAssignment.objects.filter(role="communications_lead").exists()


def test_what_is_typed_is_inert_wherever_it_is_shown_I6(ada, incident, browse):
    zoe = factories.make_user("zoe", roles=["product_marketing"])
    press(browse, ada, incident, "hand-over", role="incident_lead", to=zoe.pk, note=SCRIPT)

    shown = page(browse, ada, f"/incidents/{incident.ref}/team/") + page(browse, ada, f"/incidents/{incident.ref}/")

    assert "<script>alert(1)" not in shown and "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7|add:7 }}" in shown


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("assume", {"role": "scribe\x00"}),
        ("assume", {"role": "x" * 5000}),
        ("assume", {"role": "scribe\r\nBcc: x"}),
        ("hand-over", {"role": "scribe", "to": "1e9", "note": "x" * 2001}),
        ("hand-over", {"role": "scribe", "to": "1", "note": "a\x00b"}),
        ("hand-over", {"role": "scribe", "to": "1", "note": "x", "seen": "-1"}),
        ("add", {"person": "99999999999999999999"}),
        ("remove", {"person": "'; DROP"}),
    ],
)
def test_bad_input_is_refused_in_words_and_changes_nothing_I5_I8(ada, incident, browse, what, data):
    before = AuditEvent.objects.count(), incident.team.count(), RoleAssignment.objects.count()

    response = press(browse, ada, incident, what, **data)

    assert response.status_code in (302, 400, 422)
    assert (AuditEvent.objects.count(), incident.team.count(), RoleAssignment.objects.count()) == before


def test_somebody_is_added_and_taken_off_by_the_page(ada, incident, browse):
    sam = factories.make_user("sam", roles=["support"])

    press(browse, ada, incident, "add", person=sam.pk)
    shown = page(browse, ada, f"/incidents/{incident.ref}/team/")
    press(browse, ada, incident, "remove", person=sam.pk)

    assert 'Take off<span class="visually-hidden"> the team: Sam' in shown
    assert not incident.team.filter(person=sam).exists()


def test_whoever_leaves_a_restricted_incident_lands_at_home(ada, browse):
    hidden = factories.make_incident(ada, restricted=True)
    sam = factories.make_user("sam", roles=["support"])
    actions.add_to_team(incident_id=hidden.pk, person=sam, by=ada, now=NOW)

    response = press(browse, sam, hidden, "remove", person=sam.pk)

    assert response.url == "/"
    assert browse(sam, f"/incidents/{hidden.ref}/team/").status_code == 404


def test_home_says_my_part_by_incident(ada, leo, incident, browse):
    other = factories.make_incident(ada)
    actions.assume_role(incident_id=other.pk, role="legal_contact", by=leo, now=NOW)

    hers, his = page(browse, ada, "/"), page(browse, leo, "/")

    assert "Incident lead; 2 things wait for you" in hers
    assert "Legal contact; nothing waits for you" in his and "On the team" not in his


def test_contact_details_are_the_workshops_alone(ada, ben, leo, cleo, browse):
    assert "+49 30 555 0101" in page(browse, ada, "/team/")
    assert "+49 30 555 0101" not in page(browse, ben, "/team/") and "Leo" in page(browse, ben, "/team/")
    assert browse(cleo, "/team/").status_code == 404


def test_the_roster_says_who_is_on_duty_which_hours_have_nobody_and_who_is_away(ada, leo, browse):
    empty = page(browse, ada, "/team/")
    DutyShift.objects.create(person=leo, role="legal", begins_at=NOW, ends_at=NOW + timedelta(hours=4))
    ada.deputy, ada.out_from, ada.out_until = leo, NOW - timedelta(days=1), NOW + timedelta(days=1)
    ada.save()

    shown = page(browse, ada, "/team/")

    assert "No duty hours yet" in empty
    # 13:09 UTC is 14:09 in Berlin.
    assert "14:09–18:09" in shown and "Nobody of Legal is on duty from Tuesday 18:09 on" in shown
    assert "Nobody of Security is on duty in these days" in shown
    assert "stands in" in shown


def test_people_change_their_own_hours_and_administrators_everybodys(ada, leo, olga, browse):
    url = f"/team/people/{leo.pk}/duty/"
    hours = {"add": "hours", "h-role": "legal", "h-weekdays": ["0", "4"], "h-begins": "18:00", "h-ends": "08:00"}
    shift = {"add": "shift", "s-role": "legal", "s-begins_at": "2026-11-21T10:00", "s-ends_at": "2026-11-21T18:00"}

    assert browse(ada, url).status_code == browse(ada, url, hours).status_code == 404
    assert browse(leo, url, hours).status_code == browse(olga, url, shift).status_code == 302
    shown = page(browse, leo, url)
    row, one = DutyHours.objects.get(weekday=4), DutyShift.objects.get()
    assert browse(ada, f"/team/duty/hours/{row.pk}/remove/", {}).status_code == 404
    browse(leo, f"/team/duty/hours/{row.pk}/remove/", {})
    browse(leo, f"/team/duty/shifts/{one.pk}/remove/", {})

    assert "Friday 18:00 to 08:00" in shown and "Sat 21 Nov, 10:00 to Sat 21 Nov, 18:00" in shown
    assert one.begins_at.hour == 9 and list(DutyHours.objects.values_list("weekday", flat=True)) == [0]
    assert not DutyShift.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"h-role": "product"}, "Choose one of those offered"),
        ({"h-weekdays": []}, "Please fill this in"),
        ({"h-weekdays": ["7"]}, "Choose one of those offered"),
        ({"h-begins": "25:00"}, "Enter a valid time"),
        ({"h-begins": "18:00"}, "stand there already"),
    ],
)
def test_wrong_hours_come_back_with_words(leo, browse, wrong, words):
    DutyHours.objects.create(person=leo, role="legal", weekday=0, begins="18:00", ends="20:00")
    data = {"add": "hours", "h-role": "legal", "h-weekdays": ["0"], "h-begins": "17:00", "h-ends": "20:00", **wrong}

    response = browse(leo, f"/team/people/{leo.pk}/duty/", data)

    assert response.status_code == 422 and words in response.content.decode()


@pytest.mark.parametrize(
    ("begins", "ends", "words"),
    [
        ("2026-11-21T18:00", "2026-11-21T10:00", "after the beginning"),
        ("2026-11-01T10:00", "2026-11-02T10:00", "in the past"),
        ("2026-11-21T10:00", "2027-03-21T10:00", "31 days at most"),
        ("2026-11-21T10:00", "9999-01-01T00:00", "This year cannot be meant"),
    ],
)
def test_wrong_shifts_come_back_with_words(leo, browse, begins, ends, words):
    data = {"add": "shift", "s-role": "legal", "s-begins_at": begins, "s-ends_at": ends}

    response = browse(leo, f"/team/people/{leo.pk}/duty/", data)

    assert response.status_code == 422 and words in response.content.decode()
    assert not DutyShift.objects.exists()


def test_the_ownership_page_says_it_in_words_twice(ada, ben, cleo, browse):
    shown = page(browse, ben, "/team/ownership/")

    assert "Reporting to authorities" in shown and "Owns it" in shown and "Is told" in shown
    assert browse(cleo, "/team/ownership/").status_code == 404
    assert "Change it" not in shown and "Change it" in page(
        browse, factories.make_user("olga", roles=["administrator"]), "/team/ownership/"
    )


def test_who_has_lost_access_is_marked_and_the_room_stays_readable(ada, leo, incident, browse):
    User.objects.get_queryset().filter(pk=leo.pk).update(is_active=False)

    assert "no access any more" in page(browse, ada, f"/incidents/{incident.ref}/team/") or leo not in [
        one.person for one in incident.team.all()
    ]


def test_the_room_asks_the_database_no_more_often_for_a_larger_team(ada, incident, django_assert_max_num_queries):
    def queries():
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as captured:
            team.for_room(incident, ada, NOW)
        return len(captured)

    before = queries()
    for number in range(8):
        person = factories.make_user(f"s{number}", roles=["support"])
        actions.add_to_team(incident_id=incident.pk, person=person, by=ada, now=NOW)
        DutyShift.objects.create(person=person, role="support", begins_at=NOW, ends_at=NOW + timedelta(hours=1))

    assert queries() <= before + 1


def test_the_api_lists_takes_and_hands_over(ada, leo, incident):
    lea = factories.make_user("lea", roles=["legal"])
    url = f"/api/v1/incidents/{incident.number}"
    client = program(leo)

    taken = send(client, f"{url}/roles/", {"role": "legal_contact"})
    again = send(client, f"{url}/roles/", {"role": "legal_contact"})
    body = {"role": "legal_contact", "to": lea.pk, "note": "Authority asked", "seen": taken.json()["id"]}
    headers = {"Idempotency-Key": "one"}
    given = [send(client, f"{url}/roles/hand-over/", body, **headers) for _ in range(2)]
    stale = send(client, f"{url}/roles/hand-over/", body)
    listed = client.get(f"{url}/roles/").json()["results"]

    assert (taken.status_code, taken.json()["person"]["name"]) == (201, "Leo")
    assert again.status_code == stale.status_code == 409
    assert [one.status_code for one in given] == [201, 201] and given[0].json() == given[1].json()
    assert [one["person"]["name"] for one in listed] == ["Lea", "Leo", "Ada"]
    assert [one["note"] for one in listed if not one["ended_at"]] == ["Authority asked", ""]
    assert Notice.objects.filter(kind="role_given").count() == 1
    assert {"Ada", "Leo", "Lea"} == {one["person"]["name"] for one in client.get(f"{url}/team/").json()["results"]}


@pytest.mark.parametrize(
    "body", [{}, {"role": 7}, {"role": "x" * 31}, {"role": "a\u2028b"}, {"role": "scribe", "by": 1}]
)
def test_the_api_refuses_what_does_not_fit_I8(ada, incident, body):
    answer = send(program(ada), f"/api/v1/incidents/{incident.number}/roles/", body)

    assert answer.status_code == 422 and not RoleAssignment.objects.filter(role="scribe").exists()


def test_the_api_says_who_is_on_duty(ada, leo):
    DutyShift.objects.create(person=leo, role="legal", begins_at=NOW, ends_at=NOW + timedelta(hours=4))

    found = program(ada).get("/api/v1/on-duty/").json()

    assert found == [{"department": "legal", "person": {"id": leo.pk, "name": "Leo"}, "stands_in_for": None}]
