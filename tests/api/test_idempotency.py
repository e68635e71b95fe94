"""The same key with the same body acts once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from crisiscomms import clock
from crisiscomms.api import idempotency
from crisiscomms.models import GivenAnswer, User
from incidents.models import Incident, IncidentUserObjectPermission
from tests.api.asking import DECLARED, program, send
from tests.conftest import NOW

INCIDENTS = "/api/v1/incidents/"


def declare(client, key="one", **body):
    return send(client, INCIDENTS, {**DECLARED, **body}, **{"Idempotency-Key": key})


def test_the_same_request_again_gets_the_same_answer_and_acts_once(ada):
    first, second = declare(program(ada)), declare(program(ada))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert first.headers["Location"] == second.headers["Location"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Incident.objects.count() == 1


def test_the_order_of_names_makes_no_other_request(ada):
    client = program(ada)
    declare(client)

    again = send(client, INCIDENTS, dict(reversed(DECLARED.items())), **{"Idempotency-Key": "one"})

    assert (again.status_code, Incident.objects.count()) == (201, 1)


def test_another_body_with_the_key_is_refused(ada):
    client = program(ada)
    declare(client)

    answer = declare(client, title="Another")

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert Incident.objects.count() == 1


def test_a_key_belongs_to_one_person(ada, olga):
    answers = [declare(program(person)) for person in (ada, olga)]

    assert len({answer.json()["number"] for answer in answers}) == 2


def test_what_failed_leaves_the_key_free(ada):
    client = program(ada)
    refused = declare(client, discovered_at=(NOW + timedelta(hours=1)).isoformat())

    answer = declare(client)

    assert (refused.status_code, answer.status_code) == (422, 201)


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "é"])
def test_a_key_that_is_none_is_a_bad_request(key, ada):
    answer = declare(program(ada), key)

    assert (answer.status_code, Incident.objects.count()) == (400, 0)


def test_after_a_day_the_key_is_free_and_the_answer_forgotten(ada):
    client = program(ada)
    declare(client)

    with clock.at(NOW + timedelta(hours=23, minutes=59)):
        assert declare(client).headers["Idempotent-Replayed"] == "true"
    with clock.at(NOW + timedelta(hours=24)):
        assert "Idempotent-Replayed" not in declare(client).headers
    assert Incident.objects.count() == 2
    assert idempotency.forget(now=NOW + timedelta(hours=24)) == 0
    assert idempotency.forget(now=NOW + timedelta(hours=48)) == 1


def test_a_kept_answer_is_not_given_to_who_lost_sight_or_right(ada):
    client = program(ada)
    declare(client, restricted=True)

    IncidentUserObjectPermission.objects.filter(user=ada).delete()
    unseen = declare(client, restricted=True)
    User.objects.get_queryset().filter(pk=ada.pk).update(roles=["sales"])
    unallowed = declare(client, restricted=True)

    assert (unseen.status_code, unallowed.status_code) == (404, 404)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_at_once_act_once_and_get_the_same_answer(ada):
    clients = [program(ada) for _ in range(4)]
    for round_ in range(5):
        together = Barrier(len(clients))

        def act(client, key=f"round-{round_}", together=together):
            try:
                with clock.at(NOW):
                    together.wait(30)
                    return declare(client, key).json()["number"]
            finally:
                connection.close()

        with ThreadPoolExecutor(len(clients)) as threads:
            numbers = set(threads.map(act, clients))

        assert numbers == {round_ + 1}
    assert Incident.objects.count() == GivenAnswer.objects.count() == 5
