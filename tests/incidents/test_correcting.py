"""What was noted wrongly: corrected, moved, struck out; what it said before is kept, forgotten, and exported."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from crisiscomms import personal, retention
from crisiscomms.models import AuditDetail, AuditEvent
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import actions
from incidents.models import Correction, Incident, Mention
from incidents.outside import chart as mention_chart
from incidents.outside import outward
from incidents.outside import table as mention_table
from incidents.record import parts as record_parts
from tests import factories
from tests.api.asking import program
from tests.conftest import NOW
from tests.incidents.test_monitoring import clock, note, react

LATER = NOW + timedelta(minutes=10)


@pytest.fixture
def incident(ada):
    return factories.make_incident(ada)


@pytest.fixture
def carl(policies):
    return factories.make_user("carl", roles=["product_marketing"])


def correct(row, by, *, seen=1, now=LATER, **fields):
    if isinstance(row, Mention):
        return actions.correct_mention(mention_id=row.pk, seen=seen, by=by, now=now, **fields)
    return actions.correct_reaction(reaction_id=row.pk, seen=seen, by=by, now=now, **fields)


def words(incident, verb):
    event = AuditEvent.objects.select_related("detail").get(chain=incident.chain, verb=verb)
    return event.detail.text


# Correcting


def test_the_record_says_what_changed_from_what_to_what_without_words_of_people(ada, incident):
    mention = note(ada, incident, needs_answer=True)

    correct(mention, ada, sentiment="neutral", where="Payers’ club", author="sam@x.example", quote="All is well")

    mention.refresh_from_db()
    assert (mention.version, mention.author) == (2, "sam@x.example")
    assert words(incident, "mention.corrected") == (
        "Mention corrected: Forum, Payers’ club. Where Payers’ forum → Payers’ club; sentiment negative → neutral; "
        "who said it; what they said"
    )
    assert clock(incident, "mention").title == "Answer a mention: Forum, Payers’ club"
    assert mention.corrections.get().changes["author"] == ["kim@x.example", "sam@x.example"]
    assert not AuditDetail.objects.filter(text__contains="x.example").exists()


def test_a_reaction_is_corrected_with_its_own_tasks(ada, incident):
    reaction = react(ada, incident)

    correct(reaction, ada, competitor="Gratwyck", seen_at=NOW - timedelta(hours=1))

    assert words(incident, "competitor.corrected").startswith(
        "Competitor reaction corrected: Gratwyck. Seen at 17 Nov 2026"
    )
    assert reaction.tasks.get().title == clock(incident, "response").title == "Decide how to answer Gratwyck"


def test_nothing_different_is_no_correction(ada, incident):
    for row in (note(ada, incident), react(ada, incident)):
        correct(row, ada, channel=row.channel, seen_at=row.seen_at)

    assert not Correction.objects.exists()


@pytest.mark.parametrize("make", [note, react])
def test_of_two_at_once_the_second_is_told(make, ada, carl, incident):
    row = make(ada, incident)
    correct(row, carl, channel="press")

    with pytest.raises(Conflict, match="Carl corrected this after you opened it"):
        correct(row, ada, channel="analyst")


@pytest.mark.parametrize("make", [note, react])
def test_of_a_closed_incident_everything_stays(make, ada, incident):
    row = make(ada, incident)
    actions.stand_down(incident_id=incident.pk, reason="A false alarm.", by=ada, now=NOW)

    with pytest.raises(Refused, match="is closed: what was noted"):
        correct(row, ada, channel="press")


@pytest.mark.parametrize("make", [note, react])
@pytest.mark.parametrize("wrong", [{"channel": "smoke"}, {"seen_at": LATER + LATER.resolution}, {"link": "ftp://x"}])
def test_i8_what_cannot_be_meant_is_refused(make, wrong, ada, incident):
    row = make(ada, incident)

    with pytest.raises(Refused):
        correct(row, ada, **wrong)


@pytest.mark.parametrize("make", [note, react])
def test_who_does_not_work_on_it_corrects_nothing(make, ada, ben, carl):
    row = make(ada, factories.make_incident(ada, restricted=True))

    for person in (ben, carl):
        with pytest.raises(NotAllowed):
            correct(row, person, channel="press")


def test_what_was_forgotten_is_not_corrected(ada, olga, incident):
    mention = note(ada, incident)
    personal.erase(person=personal.Person("kim@x.example"), by=olga, now=NOW)

    with pytest.raises(Refused, match="forgotten"):
        correct(mention, ada, sentiment="neutral")


def test_who_is_forgotten_is_forgotten_in_what_was_corrected_too(ada, olga, incident):
    mention = note(ada, incident, quote="")
    correct(mention, ada, author="sam@x.example", reach=3)
    kim = personal.Person("kim@x.example")

    assert personal.export(kim)["mentions"][0]["corrections"][0]["author"][0] == "kim@x.example"
    personal.erase(person=kim, by=olga, now=LATER)

    changes = Correction.objects.get().changes
    assert changes == {"author": ["(erased)", "(erased)"], "reach": [4000, 3]}
    assert personal.export(kim)["mentions"] == []


def test_a_year_after_the_close_corrections_are_forgotten_with_the_mention(ada, incident):
    correct(note(ada, incident), ada, author="sam@x.example")
    Incident.objects.filter(pk=incident.pk).update(phase="closed", closed_at=NOW, stood_down=True)

    retention.apply(now=NOW + timedelta(days=366))

    assert "x.example" not in str(Correction.objects.get().changes)


def test_the_export_shows_corrections_and_what_was_struck_out(ada, incident):
    mention = note(ada, incident)
    correct(mention, ada, reach=10, author="sam@x.example")
    actions.strike_mention(mention_id=mention.pk, reason="Noted twice", by=ada, now=LATER)
    correct(react(ada, incident), ada, what="A discount")
    parts = {part.key: part.read(incident) for part in record_parts.parts()}

    [one] = parts["mentions"]
    assert (one["struck_out_because"], one["struck_out_by"]["name"]) == ("Noted twice", "Ada")
    assert one["corrections"][0]["changed"] == [
        {"what": "readers", "before": "4000", "after": "10"},
        {"what": "who said it"},
    ]
    [reaction] = parts["competitors"]
    assert reaction["corrections"][0]["changed"][0]["before"] == "An offer to switch"


# Striking out


def test_what_is_struck_out_counts_nowhere_and_waits_for_nobody(ada, incident):
    mention = note(ada, incident, needs_answer=True)

    actions.strike_mention(mention_id=mention.pk, reason="Noted twice", by=ada, now=LATER)

    found = Mention.objects.filter(incident=incident)
    assert clock(incident, "mention").state == "waived"
    assert (mention_table.totals(found)["total"], mention_chart.drawn(found)) == (0, None)
    assert outward.for_room(incident)["mention_numbers"]["total"] == 0
    assert words(incident, "mention.struck") == "Mention struck out: Forum, Payers’ forum"
    # Why may name a person outside, and is forgotten with the row alone.
    assert incident.deadlines.get(kind="mention").waived_reason == "The mention was struck out."


def test_what_is_struck_out_stays_so(ada, incident):
    mention = note(ada, incident)
    actions.strike_mention(mention_id=mention.pk, reason="Noted twice", by=ada, now=LATER)
    who = {"mention_id": mention.pk, "by": ada, "now": LATER}

    for act in (
        lambda: actions.strike_mention(reason="Again", **who),
        lambda: actions.answer_mention(how="Wrote", **who),
        lambda: actions.ask_for_answer(owner=ada, **who),
        lambda: actions.correct_mention(seen=1, reach=1, **who),
        lambda: actions.move_mention(incident_id=factories.make_incident(ada).pk, **who),
    ):
        with pytest.raises(Conflict, match="struck out by Ada"):
            act()


def test_an_exercise_and_what_is_real_stay_apart(ada, incident):
    drill = factories.make_incident(ada, is_exercise=True)

    for mention, to in ((note(ada, incident), drill), (note(ada, drill), incident)):
        with pytest.raises(Refused, match="in an exercise stays in exercises"):
            actions.move_mention(mention_id=mention.pk, incident_id=to.pk, by=ada, now=LATER)


def test_what_was_forgotten_is_not_struck_out_with_new_words(ada, incident):
    mention = note(ada, incident)
    Mention.objects.filter(pk=mention.pk).update(forgotten_at=NOW)

    with pytest.raises(Refused, match="forgotten"):
        actions.strike_mention(mention_id=mention.pk, reason="kim@x.example asked", by=ada, now=LATER)


def test_why_a_clock_was_waived_is_forgotten_with_whom_it_names(ada, olga, incident):
    late = incident.deadlines.get(kind="acknowledge")
    actions.waive_deadline(deadline_id=late.pk, reason="kim@x.example asked", by=ada, now=LATER)
    kim = personal.Person("kim@x.example")

    assert personal.export(kim)["clocks"][0]["reasons"] == ["kim@x.example asked", ""]
    personal.erase(person=kim, by=olga, now=LATER)

    late.refresh_from_db()
    assert (late.state, late.waived_reason) == ("waived", "(erased)") and personal.export(kim)["clocks"] == []


def test_striking_out_needs_a_reason_and_an_open_incident(ada, incident):
    mention = note(ada, incident)

    with pytest.raises(Refused, match="Say why"):
        actions.strike_mention(mention_id=mention.pk, reason=" ", by=ada, now=LATER)
    actions.stand_down(incident_id=incident.pk, reason="A false alarm.", by=ada, now=NOW)
    with pytest.raises(Refused, match="is closed"):
        actions.strike_mention(mention_id=mention.pk, reason="Twice", by=ada, now=LATER)


def test_the_database_holds_who_struck_it_out_and_why(ada, incident):
    mention = note(ada, incident, needs_answer=True)
    whole = {"struck_at": NOW, "struck_by": ada, "struck_why": "x"}
    for wrong in ({"struck_at": NOW}, {"struck_why": "x"}, whole):
        with pytest.raises(IntegrityError, match="mention_struck_out"), transaction.atomic():
            Mention.objects.filter(pk=mention.pk).update(**wrong)


def test_a_correction_is_of_one_thing(ada, incident):
    rows = {"mention": note(ada, incident), "reaction": react(ada, incident)}
    for wrong in ({}, rows):
        with pytest.raises(IntegrityError, match="correction_is_of_one_thing"), transaction.atomic():
            Correction.objects.create(version=2, changes={}, by=ada, at=NOW, **wrong)


# Moving


def test_it_is_moved_with_its_clock_and_whoever_answers_it(ada, incident):
    mention, other = note(ada, incident, needs_answer=True), factories.make_incident(ada, severity="critical")
    due_at = clock(incident, "mention").due_at

    actions.move_mention(mention_id=mention.pk, incident_id=other.pk, by=ada, now=LATER)

    mention.refresh_from_db()
    assert (mention.incident, mention.needs_answer, mention.owner) == (other, True, ada)
    assert clock(incident, "mention").state == "waived"
    assert (clock(other, "mention").state, clock(other, "mention").due_at) == ("pending", due_at)
    assert words(incident, "mention.moved").startswith(f"Mention moved to {other.ref}: ")
    assert words(other, "mention.moved").startswith(f"Mention moved here from {incident.ref}: ")


def test_the_record_does_not_name_a_restricted_incident_to_readers_of_another(ada, incident):
    hidden, mention = factories.make_incident(ada, restricted=True), note(ada, incident)

    actions.move_mention(mention_id=mention.pk, incident_id=hidden.pk, by=ada, now=LATER)

    assert words(incident, "mention.moved") == "Mention moved to another incident: Forum, Payers’ forum"


def test_it_is_moved_only_between_open_incidents_that_one_works_on(ada, carl, incident):
    mention, closed = note(ada, incident), factories.make_incident(ada)
    hidden, free = factories.make_incident(ada, restricted=True), note(ada)
    actions.stand_down(incident_id=closed.pk, reason="A false alarm.", by=ada, now=NOW)

    for row, to, by in ((mention, closed, ada), (mention, incident, ada), (free, incident, ada)):
        with pytest.raises(Refused):
            actions.move_mention(mention_id=row.pk, incident_id=to.pk, by=by, now=LATER)
    with pytest.raises(NotAllowed):
        actions.move_mention(mention_id=mention.pk, incident_id=hidden.pk, by=carl, now=LATER)


def test_who_answers_it_must_be_able_to_there(ada, carl, incident):
    mention, hidden = note(ada, incident, needs_answer=True, owner=carl), factories.make_incident(ada, restricted=True)

    with pytest.raises(NotAllowed, match="Hand it over first"):
        actions.move_mention(mention_id=mention.pk, incident_id=hidden.pk, by=ada, now=LATER)


# Pages


def form_of(row, **fields):
    names = ("channel", "where", "sentiment", "reach", "link", "author", "quote", "competitor", "what")
    given = {name: getattr(row, name) for name in names if hasattr(row, name)}
    return {"seen": row.version, **given, "seen_at": "2026-11-17T14:00", **fields}


def pages(incident, mention, reaction):
    return [
        (mention, f"/mentions/{mention.pk}/"),
        (reaction, f"/incidents/{incident.ref}/competitors/{reaction.pk}/"),
    ]


def test_the_form_is_filled_in_and_keeps_what_is_typed_when_somebody_was_first(ada, carl, incident, browse):
    for row, page in pages(incident, note(ada, incident), react(ada, incident)):
        form = browse(ada, f"{page}correct/").content.decode()
        assert f'href="{page}correct/"' in browse(ada, page).content.decode()
        assert str(row.where if hasattr(row, "where") else row.what) in form
        correct(row, carl, channel="press")

        answer = browse(ada, f"{page}correct/", form_of(row, link="https://mine.example/typed"))
        text = answer.content.decode()
        assert answer.status_code == 409 and "https://mine.example/typed" in text
        assert "Carl" in text and 'name="seen" value="2"' in text

        assert browse(ada, f"{page}correct/", form_of(row, seen=2)).status_code == 302
        assert "Corrected by" in browse(ada, page).content.decode()


def test_a_form_sent_as_it_was_keeps_the_hour_that_comes_twice(ada, incident, browse):
    ada.time_zone = "Europe/Berlin"
    ada.save(update_fields=["time_zone"])
    second_time = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    mention = note(ada, incident, seen_at=second_time)

    browse(ada, f"/mentions/{mention.pk}/correct/", form_of(mention, seen_at="2026-10-25T02:30"))

    mention.refresh_from_db()
    assert mention.seen_at == second_time and not Correction.objects.exists()


def test_what_is_struck_out_offers_no_form(ada, incident, browse):
    mention = note(ada, incident)
    actions.strike_mention(mention_id=mention.pk, reason="Noted twice", by=ada, now=LATER)

    assert browse(ada, f"/mentions/{mention.pk}/correct/").status_code == 302
    answer = browse(ada, f"/mentions/{mention.pk}/correct/", form_of(mention, reach="7"))
    text = answer.content.decode()
    assert answer.status_code == 422 and "struck out by Ada already" in text and "was first" not in text


def test_a_form_sent_as_it_was_changes_no_second(ada, incident, browse):
    mention = note(ada, incident, seen_at=NOW - timedelta(seconds=NOW.second + 7))
    shown = browse(ada, f"/mentions/{mention.pk}/correct/").content.decode()
    typed = shown.split('name="seen_at" value="')[1][:16]

    browse(ada, f"/mentions/{mention.pk}/correct/", form_of(mention, seen_at=typed))

    assert not Correction.objects.exists()


def test_the_page_strikes_out_and_moves(ada, incident, browse):
    twice, wrong, other = note(ada, incident), note(ada, incident), factories.make_incident(ada)

    assert browse(ada, f"/mentions/{twice.pk}/", {"act": "strike", "how": ""}).status_code == 422
    assert browse(ada, f"/mentions/{twice.pk}/", {"act": "strike", "how": "Noted twice"}).status_code == 302
    assert browse(ada, f"/mentions/{wrong.pk}/", {"act": "move", "incident": other.number}).status_code == 302

    page = browse(ada, f"/mentions/{twice.pk}/").content.decode()
    assert "Struck out" in page and "Noted twice" in page and "/correct/" not in page
    log = f"/incidents/{incident.ref}/mentions/"
    assert "Noted twice" not in browse(ada, log).content.decode()
    assert "Noted twice" in browse(ada, f"{log}?answer=struck").content.decode()
    assert "Payers" in browse(ada, f"/incidents/{other.ref}/mentions/").content.decode()


# API


def patch(client, url, **body):
    return client.patch(url, body, content_type="application/json")


def test_programs_correct_what_they_name_and_are_told_who_was_first(ada, carl, incident):
    client, mention, reaction = program(ada), note(ada, incident), react(ada, incident)
    for row, url in (
        (mention, "/api/v1/mentions/{}/"),
        (reaction, f"/api/v1/incidents/{incident.number}/competitors/{{}}/"),
    ):
        answer = patch(client, url.format(row.pk), seen=1, channel="press")
        assert (answer.status_code, answer.json()["channel"], answer.json()["version"]) == (200, "press", 2)
        row.refresh_from_db()
        assert row.seen_at == NOW

        late = patch(client, url.format(row.pk), seen=1, channel="analyst")
        assert (late.status_code, "Ada corrected this" in late.json()["detail"]) == (409, True)
        assert patch(client, url.format(row.pk), channel="analyst").status_code == 422
        assert patch(client, url.format(row.pk), seen=2, owner=1).status_code == 422


def test_programs_strike_out_and_move(ada, incident):
    client, mention, other = program(ada), note(ada, incident), factories.make_incident(ada)
    url = f"/api/v1/mentions/{mention.pk}/"

    def act(**body):
        return client.post(url, body, content_type="application/json")

    assert act(act="move").status_code == 422
    assert act(act="move", incident=99).status_code == 404
    assert act(act="move", incident=other.number).json()["incident"] == other.number
    assert act(act="strike", how="Twice").json()["struck_why"] == "Twice"
    assert [len(client.get(f"/api/v1/mentions/?struck={one}").json()["results"]) for one in ("true", "false")] == [1, 0]
