"""The fact sheet: what opens it, what may be said, who was first, and what the database refuses."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import IntegrityError, InternalError, connection, transaction

from crisiscomms import policy
from crisiscomms.models import AuditEvent, Notice
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import actions, facts, signals
from incidents.models import Deadline, Fact, FactVersion, Incident
from tests import factories
from tests.factories import NOW

LATER = NOW + timedelta(hours=3)


@pytest.fixture
def suri(policies):
    """Knows: product."""
    return factories.make_user("suri", roles=["product"])


@pytest.fixture
def incident(ada, suri):
    return factories.make_incident(ada)


def get(incident, key="cause"):
    return Fact.objects.get(incident=incident, key=key)


def say(fact, by, value="A failover", confidence="believed", **fields):
    values = {"seen": Fact.objects.get(pk=fact.pk).version, "now": NOW, **fields}
    return actions.change_fact(fact_id=fact.pk, value=value, confidence=confidence, by=by, **values)


@pytest.fixture
def heard():
    """What was sent as `fact_changed`: labels."""
    told = []

    def hear(**sent):
        told.append(sent["fact"].label)

    signals.fact_changed.connect(hear)
    yield told
    signals.fact_changed.disconnect(hear)


# The checklist


@pytest.mark.parametrize("kind", Incident.Kind.values)
def test_declaring_opens_what_its_kind_asks_for(kind, ada):
    incident = factories.make_incident(ada, kind=kind)

    wanted = policy.current("facts")["kinds"][kind]
    opened = list(incident.facts.all())
    assert [fact.key for fact in opened] == [item["key"] for item in wanted]
    assert {(fact.confidence, fact.value, fact.is_asked, fact.version) for fact in opened} == {("unknown", "", True, 1)}
    assert [(fact.role, fact.why) for fact in opened] == [(item["role"], item["why"]) for item in wanted]
    assert FactVersion.objects.filter(fact__incident=incident).count() == len(wanted) >= 8
    assert {item["before"] for item in wanted} == {"acknowledgement", "explanation", "none"}


def test_another_kind_adds_what_is_missing_and_takes_nothing(ada, incident):
    Incident.objects.filter(pk=incident.pk).update(kind="security_incident")
    incident.refresh_from_db()
    say(get(incident), ada)

    new = actions.open_checklist(incident=incident, by=ada, now=NOW)
    again = actions.open_checklist(incident=incident, by=ada, now=NOW)

    assert (new, again) == (8, 0)
    assert get(incident).value == "A failover"
    assert {"symptom", "what_data"} <= set(incident.facts.values_list("key", flat=True))
    assert sorted(incident.facts.values_list("position", flat=True)) == list(range(1, 17))


def test_a_change_of_the_policy_counts_for_the_next_incident(ada, incident):
    data = policy.current("facts")
    data["kinds"]["service_disruption"][0] |= {"label": "What is broken", "role": "product"}
    policy.replace(key="facts", data=data, by=None, now=NOW)

    assert (get(incident, "symptom").label, get(incident, "symptom").role) == ("What customers cannot do", "support")
    assert get(factories.make_incident(ada), "symptom").label == "What is broken"


# What may be said


@pytest.mark.parametrize(
    ("value", "confidence", "words"),
    [
        ("", "believed", "Say what it is"),
        ("  ", "confirmed", "Say what it is"),
        ("Something", "unknown", "at least believed"),
        ("Something", "certain", "how sure"),
    ],
)
def test_what_does_not_go_together_is_refused_in_words(value, confidence, words, ada, incident):
    with pytest.raises(Refused, match=words):
        say(get(incident), ada, value, confidence)
    with pytest.raises(Refused, match=words):
        actions.add_fact(incident_id=incident.pk, label="New", value=value, confidence=confidence, by=ada, now=NOW)


def test_every_change_is_a_version_with_its_reason(ada, suri, incident):
    say(get(incident), ada)
    say(get(incident), suri, "A failover", "confirmed", source="Database log")
    say(get(incident), ada, "High load", "believed", reason="The log was of another day")

    last, middle, first, opened = get(incident).versions.all()
    assert (last.value, last.reason, last.by) == ("High load", "The log was of another day", ada)
    assert (middle.confidence, middle.source, middle.by) == ("confirmed", "Database log", suri)
    assert (first.confidence, opened.confidence) == ("believed", "unknown")
    assert get(incident).confirmed_by is None


def test_what_was_confirmed_changes_only_with_a_reason(ada, incident):
    say(get(incident), ada, confidence="confirmed")

    for value, confidence in (("High load", "confirmed"), ("A failover", "believed")):
        with pytest.raises(Refused, match="Say why it changes"):
            say(get(incident), ada, value, confidence)
    say(get(incident), ada, confidence="confirmed", source="Log")


def test_saying_the_same_again_is_no_version(ada, incident):
    say(get(incident), ada)
    say(get(incident), ada)

    assert get(incident).version == 2


def test_a_confirmation_stays_with_who_gave_it(ada, suri, incident):
    say(get(incident), ada)
    actions.confirm_fact(fact_id=get(incident).pk, seen=2, by=suri, now=NOW)
    say(get(incident), ada, confidence="confirmed", source="Log")

    assert (get(incident).confirmed_by, get(incident).version) == (suri, 4)
    with pytest.raises(Conflict, match="Suri has confirmed"):
        actions.confirm_fact(fact_id=get(incident).pk, seen=4, by=ada, now=NOW)


def test_nothing_is_no_fact_to_confirm_or_withdraw(ada, incident):
    with pytest.raises(Refused, match="nothing to confirm"):
        actions.confirm_fact(fact_id=get(incident).pk, seen=1, by=ada, now=NOW)
    with pytest.raises(Refused, match="nothing to withdraw"):
        actions.withdraw_fact(fact_id=get(incident).pk, seen=1, reason="x", by=ada, now=NOW)


def test_withdrawn_says_nothing_until_somebody_says_something_else(ada, incident):
    say(get(incident), ada, confidence="confirmed")
    with pytest.raises(Refused, match="Say why"):
        actions.withdraw_fact(fact_id=get(incident).pk, seen=2, reason=" ", by=ada, now=NOW)

    actions.withdraw_fact(fact_id=get(incident).pk, seen=2, reason="Wrong system", by=ada, now=NOW)
    assert (get(incident).value, get(incident).withdrawn_at) == ("", NOW)
    assert get(incident).versions.first().is_withdrawn

    say(get(incident), ada)
    assert get(incident).withdrawn_at is None


def test_an_embargo_lies_ahead(ada, incident):
    with pytest.raises(Refused, match="still to come"):
        say(get(incident), ada, embargo_until=NOW)
    say(get(incident), ada, embargo_until=LATER)
    # One that is over stays where it is.
    say(get(incident), ada, source="Log", embargo_until=LATER, now=LATER + timedelta(hours=1))

    assert get(incident).is_embargoed(NOW) and not get(incident).is_embargoed(LATER)


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("The cause", "the_cause"),
        ("Årsak, trolig", "arsak_trolig"),
        ("原因", "fact"),
        ("Size", "size_2"),
        ("Cause", "cause_2"),
        ("12 names", "names"),
        ("x" * 120, "x" * 34),
    ],
)
def test_a_key_is_made_from_the_label(label, key, ada, incident):
    fact = actions.add_fact(incident_id=incident.pk, label=label, value="x", by=ada, now=NOW)

    assert fact.key == key and not fact.is_asked


def test_only_the_workshop_changes_facts_and_not_in_a_closed_incident(ada, cleo, incident):
    with pytest.raises(NotAllowed):
        say(get(incident), cleo)
    actions.stand_down(incident_id=incident.pk, reason="nothing", by=ada, now=NOW)

    for act in (
        lambda: say(get(incident), ada),
        lambda: actions.add_fact(incident_id=incident.pk, label="x", value="x", by=ada, now=NOW),
        lambda: actions.ask_for_fact(fact_id=get(incident).pk, role="product", by=ada, now=NOW),
    ):
        with pytest.raises(Refused, match="closed"):
            act()


# What others hear


def test_others_hear_of_what_makes_a_text_wrong_and_of_nothing_else(ada, incident, heard):
    quiet = [("A failover", "believed", None), ("A failover", "confirmed", None)]
    loud = [
        ("A failover", "believed", None),
        ("High load", "believed", None),
        ("High load", "believed", LATER),
    ]
    for value, confidence, embargo in quiet:
        say(get(incident), ada, value, confidence, embargo_until=embargo, reason="r")
    assert heard == [] and get(incident).changed_at is None

    for count, (value, confidence, embargo) in enumerate(loud, start=1):
        say(get(incident), ada, value, confidence, embargo_until=embargo, reason="r")
        assert len(heard) == count
    say(get(incident), ada, "High load", "believed", embargo_until=None)
    assert (len(heard), get(incident).changed_at) == (3, NOW)


def test_the_record_keeps_what_is_embargoed_to_itself(ada, incident):
    say(get(incident), ada, "Secret thing", embargo_until=LATER)
    say(get(incident), ada, "Open thing", embargo_until=None)
    say(get(incident), ada, "Open thing again")

    said = AuditEvent.objects.filter(verb="fact.changed").select_related("detail").order_by("number")
    texts = [event.detail.text for event in said]
    assert "Secret thing" not in " ".join(texts) and "embargoed until 17 Nov 16:09 UTC" in texts[0]
    assert texts[2] == "The cause: believed, Open thing → believed, Open thing again"


# Asking


def test_asking_tells_a_role_and_starts_a_clock_that_the_answer_meets(ada, suri, incident):
    deadline = actions.ask_for_fact(fact_id=get(incident).pk, role="product", by=ada, now=NOW)

    assert (deadline.owner, deadline.due_at) == (suri, NOW + timedelta(minutes=30))
    assert Notice.objects.filter(kind="fact_asked", person=suri).count() == 1
    say(get(incident), suri)
    assert Deadline.objects.get(pk=deadline.pk).state == "met"


def test_of_a_restricted_incident_only_its_team_is_asked(ada, suri):
    secret = factories.make_incident(ada, restricted=True)

    with pytest.raises(Refused, match="Nobody of Product"):
        actions.ask_for_fact(fact_id=get(secret).pk, role="product", by=ada, now=NOW)
    with pytest.raises(Refused, match="role of the workshop"):
        actions.ask_for_fact(fact_id=get(secret).pk, role="sales", by=ada, now=NOW)
    assert not Notice.objects.filter(kind="fact_asked").exists()


def test_who_is_away_does_not_own_the_clock(ada, suri, incident):
    nora = factories.make_user("nora", roles=["product"])
    suri.out_from, suri.out_until = NOW - timedelta(days=1), NOW + timedelta(days=1)
    suri.save()

    assert actions.ask_for_fact(fact_id=get(incident).pk, role="product", by=ada, now=NOW).owner == nora


# Two at once


def test_who_comes_second_is_told_and_overwrites_nothing(ada, suri, incident):
    seen = get(incident).version
    say(get(incident), ada, seen=seen)

    with pytest.raises(Conflict, match="Ada changed this"):
        say(get(incident), suri, "High load", seen=seen)
    with pytest.raises(Conflict):
        actions.confirm_fact(fact_id=get(incident).pk, seen=seen, by=suri, now=NOW)
    with pytest.raises(Conflict):
        actions.withdraw_fact(fact_id=get(incident).pk, seen=seen, reason="r", by=suri, now=NOW)
    assert get(incident).value == "A failover"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_six_at_the_same_instant_one_wins(ada, incident):
    fact, barrier, ends = get(incident), Barrier(6), []

    def press(number):
        try:
            barrier.wait()
            actions.change_fact(
                fact_id=fact.pk, seen=1, value=f"Answer {number}", confidence="believed", by=ada, now=NOW
            )
            ends.append("won")
        except Conflict:
            ends.append("told")
        finally:
            connection.close()

    threads = [Thread(target=press, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(ends) == ["told"] * 5 + ["won"]
    assert (get(incident).version, fact.versions.count()) == (2, 2)


# What the database refuses


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("fact_key_once_per_incident", {"key": "since"}),
        ("fact_key_is_a_word", {"key": "Not a word"}),
        ("fact_key_is_a_word", {"key": "size"}),
        ("fact_confirmed_by_somebody_at_a_time", {"confidence": "confirmed", "value": "x"}),
        ("fact_confirmed_by_somebody_at_a_time", {"confirmed_at": NOW}),
        ("fact_unknown_says_nothing", {"value": "x"}),
        ("fact_unknown_says_nothing", {"confidence": "believed"}),
        ("fact_withdrawn_says_nothing", {"confidence": "believed", "value": "x", "withdrawn_at": NOW}),
        ("fact_asked_says_whom_to_ask", {"role": ""}),
    ],
)
def test_the_database_refuses_a_fact_that_cannot_be(name, fields, incident):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Fact.objects.filter(pk=get(incident).pk).update(**fields)


@pytest.mark.parametrize("act", [lambda rows: rows.update(value="x"), lambda rows: rows.delete()])
def test_the_history_stays(act, ada, incident):
    with pytest.raises(InternalError, match="fact_version_stays"), transaction.atomic():
        act(FactVersion.objects.filter(fact=get(incident)))


# Reading


def test_an_onlooker_sees_an_embargoed_fact_afterwards(ada, ben, incident):
    say(get(incident), ada, "Secret thing", source="Secret log", embargo_until=LATER)
    actions.let_see(incident=incident, person=ben)

    def seen_by(person, now):
        row = next(row for row in facts.rows(incident, person, now) if row.fact.key == "cause")
        return row.value, row.source, bool(facts.history(row.fact, person, now))

    assert seen_by(ada, NOW) == ("Secret thing", "Secret log", True)
    assert seen_by(ben, NOW) == ("", "", False)
    assert seen_by(ben, LATER) == ("Secret thing", "Secret log", True)


def test_the_room_shows_what_is_known_first(ada, incident, django_assert_num_queries):
    say(get(incident), ada)
    added = actions.add_fact(incident_id=incident.pk, label="Extra", value="x", by=ada, now=NOW)
    actions.withdraw_fact(fact_id=added.pk, seen=1, reason="r", by=ada, now=NOW)

    with django_assert_num_queries(3):
        shown = facts.for_room(incident, ada, NOW)

    assert (shown["facts_known"], shown["facts_total"], len(shown["fact_rows"])) == (1, 8, 8)
    assert shown["fact_rows"][0].fact.key == "cause"
