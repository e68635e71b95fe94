"""Mentions and competitors: noted, owned, answered in time, counted, forgotten."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from crisiscomms import handover, personal, retention
from crisiscomms.models import AuditDetail
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import actions
from incidents.models import CompetitorReaction, Incident, Mention, ResponseTask
from incidents.outside import chart as mention_chart
from incidents.outside import table as mention_table
from tests import factories
from tests.conftest import NOW

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def incident(ada):
    return factories.make_incident(ada)


@pytest.fixture
def lea(policies):
    return factories.make_user("lea", roles=["legal"])


def note(by, incident=None, **fields):
    values = {
        "channel": "forum", "where": "Payers’ forum", "sentiment": "negative", "seen_at": NOW, "author": "kim@x.example",
        "quote": "Nothing works, says kim@x.example", "reach": 4000, "now": NOW, **fields,
    }  # fmt: skip
    return actions.note_mention(incident_id=incident.pk if incident else None, by=by, **values)


def react(by, incident, **fields):
    values = {"competitor": "Gratwick", "what": "An offer to switch", "channel": "social", "seen_at": NOW, "now": NOW}
    return actions.note_reaction(incident_id=incident.pk, by=by, **{**values, **fields})


def clock(incident, kind):
    return incident.deadlines.get(kind=kind)


# Mentions


@pytest.mark.parametrize(("severity", "minutes"), [("critical", 60), ("major", 120), ("minor", 1440)])
def test_one_that_needs_an_answer_has_an_owner_and_a_clock_by_severity(severity, minutes, ada):
    incident = factories.make_incident(ada, severity=severity)

    mention = note(ada, incident, needs_answer=True)

    assert (mention.owner, clock(incident, "mention").due_at) == (ada, NOW + timedelta(minutes=minutes))


def test_an_answer_meets_the_clock_and_a_second_one_is_refused(ada, incident):
    mention = note(ada, incident, needs_answer=True)

    actions.answer_mention(mention_id=mention.pk, how="By the press office", by=ada, now=LATER)

    assert clock(incident, "mention").state == "met"
    for act in (
        lambda: actions.answer_mention(mention_id=mention.pk, how="Again", by=ada, now=LATER),
        lambda: actions.leave_unanswered(mention_id=mention.pk, reason="No", by=ada, now=LATER),
        lambda: actions.ask_for_answer(mention_id=mention.pk, owner=ada, by=ada, now=LATER),
    ):
        with pytest.raises(Conflict, match="answered by Ada"):
            act()


def test_it_can_be_handed_over_and_then_need_no_answer(ada, lea, incident):
    mention = note(ada, incident, needs_answer=True)

    actions.ask_for_answer(mention_id=mention.pk, owner=lea, by=ada, now=NOW)
    assert clock(incident, "mention").owner == lea
    actions.leave_unanswered(mention_id=mention.pk, reason="It was taken down.", by=lea, now=LATER)

    mention.refresh_from_db()
    assert (mention.needs_answer, clock(incident, "mention").state) == (False, "waived")
    with pytest.raises(Refused, match="Nobody was asked"):
        actions.leave_unanswered(mention_id=mention.pk, reason="Again", by=lea, now=LATER)


def test_one_of_no_incident_is_attached_before_it_has_a_clock(ada, incident):
    mention = note(ada)

    with pytest.raises(Refused, match="Attach it"):
        actions.ask_for_answer(mention_id=mention.pk, owner=ada, by=ada, now=NOW)
    actions.attach_mention(mention_id=mention.pk, incident_id=incident.pk, by=ada, now=NOW)
    actions.ask_for_answer(mention_id=mention.pk, owner=ada, by=ada, now=NOW)

    assert clock(incident, "mention").state == "pending"
    with pytest.raises(Conflict, match=incident.ref):
        actions.attach_mention(mention_id=mention.pk, incident_id=incident.pk, by=ada, now=NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"channel": "smoke"}, {"sentiment": "angry"}, {"where": " "}, {"reach": -1}, {"reach": 9**12},
        {"seen_at": NOW + timedelta(minutes=1)}, {"link": "javascript:alert(1)"}, {"link": "ftp://x.example"},
    ],
)  # fmt: skip
def test_i8_what_cannot_be_meant_is_refused(wrong, ada, incident):
    with pytest.raises(Refused):
        note(ada, incident, **wrong)


def test_the_database_holds_who_answers_and_how(ada, incident):
    mention = note(ada, incident)
    for wrong in ({"needs_answer": True}, {"answered_at": NOW}, {"link": "javascript:alert(1)"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Mention.objects.filter(pk=mention.pk).update(**wrong)


def test_the_record_names_neither_who_said_it_nor_what(ada, incident):
    note(ada, incident, needs_answer=True)

    words = " ".join(AuditDetail.objects.values_list("text", flat=True))
    assert "Mention noted: Forum, Payers’ forum, negative" in words and "kim" not in words


def test_it_is_seen_by_whoever_sees_its_incident(ada, ben, cleo, browse):
    carl = factories.make_user("carl", roles=["product_marketing"])
    hidden = note(ada, factories.make_incident(ada, restricted=True))
    free = note(ada)

    assert browse(carl, f"/mentions/{hidden.pk}/").status_code == 404
    assert browse(carl, f"/mentions/{free.pk}/").status_code == 200
    assert browse(ben, f"/mentions/{free.pk}/").status_code == 404
    assert "Payers" not in browse(carl, "/mentions/?incident=1").content.decode().split("Find mentions")[0]
    assert set(Mention.objects.visible_to(carl)) == {free}
    assert browse(cleo, "/mentions/").status_code == 404


GOOD = {"channel": "press", "where": "Daily Ledger", "sentiment": "neutral", "seen_at": "2026-11-17T14:00"}


def test_the_log_takes_entries_shows_totals_and_draws_them(ada, incident, browse):
    page = f"/incidents/{incident.ref}/mentions/"

    assert browse(ada, page, {**GOOD, "link": "javascript:alert(1)"}).status_code == 422
    assert (
        browse(
            ada, page, {**GOOD, "link": "https://ledger.example/1", "reach": "1200", "needs_answer": "on"}
        ).status_code
        == 302
    )
    note(ada, incident, seen_at=NOW - timedelta(hours=5))
    text = browse(ada, page).content.decode()

    assert "2 mentions, up to 5\u202f200 readers" in text or "2 mentions, up to 5\u2009200 readers" in text
    assert '<svg class="cc-svg' in text and 'href="https://ledger.example/1" rel="noreferrer' in text
    assert "Daily Ledger" not in browse(ada, f"{page}?channel=forum").content.decode().split("Find mentions")[1]


def test_i1_the_file_runs_nothing(ada, incident, browse):
    note(ada, incident, quote="=HYPERLINK(1)", author="@x")

    lines = b"".join(browse(ada, f"/incidents/{incident.ref}/mentions.csv")).decode()

    assert '"\'=HYPERLINK(1)"' in lines and '"\'@x"' in lines


def test_signs_that_turn_text_around_do_not_get_in(ada, incident, browse):
    page = f"/incidents/{incident.ref}/mentions/"

    assert browse(ada, page, {**GOOD, "author": "\u202eevil"}).status_code == 422
    browse(ada, page, {**GOOD, "quote": "a\u202eb\nc"})

    assert Mention.objects.get().quote == "ab\nc"


def test_totals_and_stacks_count_every_mention_once(ada, incident):
    moments = [NOW - timedelta(days=days, hours=hours) for days, hours in ((0, 0), (0, 0), (0, 2), (4, 0))]
    for moment, sentiment in zip(moments, ("negative", "positive", "negative", "neutral"), strict=True):
        note(ada, incident, seen_at=moment, sentiment=sentiment)
    found = Mention.objects.all()

    totals, drawn = mention_table.totals(found), mention_chart.drawn(found)

    assert (totals["all"], totals["total"], totals["readers"]) == ([2, 1, 1], 4, 16000)
    assert drawn is not None and not drawn["by_hour"]
    assert [stack.in_order for stack in drawn["stacks"]] == [[0, 1, 0], [2, 0, 1]]
    by_hour = mention_chart.drawn(found.filter(seen_at__gt=NOW - timedelta(days=1)))
    assert by_hour is not None and by_hour["by_hour"] and len(by_hour["bars"]) == 3
    assert mention_chart.drawn(found.none()) is None


# Forgetting


def test_a_person_who_asks_is_forgotten_and_the_counts_stay(ada, olga, incident):
    mention = note(ada, incident)
    actions.answer_mention(mention_id=mention.pk, how="Wrote to kim@x.example", by=ada, now=NOW)
    kim = personal.Person("kim@x.example")

    assert personal.export(kim)["mentions"][0]["author"] == "kim@x.example"
    personal.erase(person=kim, by=olga, now=LATER)

    mention.refresh_from_db()
    assert "kim" not in f"{mention.author}{mention.quote}{mention.answered_how}"
    assert (mention.reach, mention.forgotten_at) == (4000, LATER)


def test_who_said_what_is_forgotten_a_year_after_the_close(ada, incident):
    old = note(ada, seen_at=NOW - timedelta(days=366))
    held = note(ada, incident)
    Incident.objects.filter(pk=incident.pk).update(phase="closed", closed_at=NOW, stood_down=True)

    retention.apply(now=NOW)
    old.refresh_from_db()
    held.refresh_from_db()
    assert (old.author, held.author) == ("", "kim@x.example")

    retention.apply(now=NOW + timedelta(days=366))
    held.refresh_from_db()
    assert (held.author, held.quote, held.where) == ("", "", "Payers’ forum")
    assert retention.apply(now=NOW + timedelta(days=366))[0].get("mentions") is None


# Competitors


def test_product_marketing_is_asked_to_decide_and_legal_only_about_a_false_claim(ada, lea, incident):
    reaction = react(lea, incident)

    [decide] = reaction.tasks.all()
    assert (decide.owner, decide.due_at) == (ada, NOW + timedelta(minutes=240))

    for is_true in ("true", "false", "false"):
        actions.judge_claim(reaction_id=reaction.pk, claim="Data was lost", is_true=is_true, by=ada, now=NOW)
    assert [task.owner for task in reaction.tasks.filter(key="legal")] == [lea]
    assert incident.deadlines.open().filter(kind="response").count() == 2


def test_a_false_claim_asks_legal_at_once(ada, lea, incident):
    reaction = react(ada, incident, claim="Data was lost", is_true="false")

    assert set(reaction.tasks.values_list("key", flat=True)) == {"decide", "legal"}
    with pytest.raises(Refused, match="what they claim"):
        react(ada, incident, is_true="true")


@pytest.mark.parametrize("response", [one for one in CompetitorReaction.Response if one != "undecided"])
def test_deciding_is_by_name_with_a_reason_and_meets_the_clock(response, ada, incident):
    reaction = react(ada, incident)

    decided = actions.decide_response(reaction_id=reaction.pk, response=response, why="It is small.", by=ada, now=LATER)

    assert (decided.response, decided.decided_by, decided.decided_at) == (response, ada, LATER)
    task = reaction.tasks.get()
    assert (task.state, clock(incident, "response").state) == ("done", "met")


def test_who_may_not_decide_is_told_who_may(ada, lea, incident):
    reaction = react(ada, incident)

    with pytest.raises(NotAllowed, match="These roles may: Administrator, Product marketing"):
        actions.decide_response(reaction_id=reaction.pk, response="legal", why="Because.", by=lea, now=NOW)
    for wrong in ({"response": "undecided"}, {"why": " "}, {"response": "sue"}):
        with pytest.raises(Refused):
            actions.decide_response(
                reaction_id=reaction.pk, by=ada, now=NOW, **{"response": "none", "why": "x", **wrong}
            )


@pytest.mark.parametrize("start", ResponseTask.State)
@pytest.mark.parametrize("is_dropped", [True, False])
def test_every_move_of_a_task_is_in_the_table_or_refused(start, is_dropped, ada, incident):
    reaction = react(ada, incident)
    task = actions.add_response_task(
        reaction_id=reaction.pk, title="Write it", owner=ada, due_at=LATER, by=ada, now=NOW
    )
    if start != "open":
        ResponseTask.objects.filter(pk=task.pk).update(state=start, outcome="x", done_by=ada, done_at=NOW)

    def end():
        return actions.end_response_task(task_id=task.pk, outcome="Written", is_dropped=is_dropped, by=ada, now=NOW)

    to = ResponseTask.State.DROPPED if is_dropped else ResponseTask.State.DONE
    if to in ResponseTask.MOVES[start]:
        assert end().state == to
        ended = incident.deadlines.get(kind="response", subject=f"response:{task.pk}")
        assert ended.state == ("waived" if is_dropped else "met")
    else:
        with pytest.raises(Conflict):
            end()


def test_the_task_to_decide_is_not_done_by_saying_so(ada, incident):
    task = react(ada, incident).tasks.get()

    with pytest.raises(Refused, match="by deciding"):
        actions.end_response_task(task_id=task.pk, outcome="Done", by=ada, now=NOW)
    with pytest.raises(Refused, match="why it is not needed"):
        actions.end_response_task(task_id=task.pk, outcome=" ", is_dropped=True, by=ada, now=NOW)


def test_of_a_closed_incident_it_is_only_written_down(ada, incident):
    actions.stand_down(incident_id=incident.pk, reason="A false alarm.", by=ada, now=NOW)

    reaction = react(ada, incident, now=LATER)

    assert not reaction.tasks.exists() and not incident.deadlines.open().exists()
    with pytest.raises(Refused, match="closed"):
        actions.decide_response(reaction_id=reaction.pk, response="none", why="x", by=ada, now=LATER)
    with pytest.raises(Refused, match="closed"):
        note(ada, incident, needs_answer=True, now=LATER)


def test_whoever_leaves_passes_on_answers_and_tasks(ada, lea, olga, incident):
    mention = note(ada, incident, needs_answer=True, owner=lea)
    task = react(ada, incident, claim="x", is_true="false").tasks.get(key="legal")

    for holding, _ in handover.held_by(lea):
        holding.pass_on(person=lea, to=ada, by=olga, now=NOW)

    mention.refresh_from_db()
    task.refresh_from_db()
    assert (mention.owner, task.owner) == (ada, ada)
    assert not incident.deadlines.open().filter(owner=lea).exists()


def test_the_pages_of_a_reaction_take_what_is_typed(ada, lea, incident, browse):
    page = f"/incidents/{incident.ref}/competitors/"
    form = {
        "competitor": "Gratwick",
        "what": "An offer",
        "channel": "social",
        "seen_at": "2026-11-17T14:00",
        "is_true": "unknown",
    }

    assert browse(ada, page, {**form, "link": "data:text/html,x"}).status_code == 422
    one = browse(ada, page, form).url
    assert browse(ada, one, {"act": "judge", "claim": "Data was lost", "is_true": "false"}).status_code == 302
    assert browse(lea, one, {"act": "decide", "response": "none", "why": "x"}).status_code == 422
    assert browse(ada, one, {"act": "decide", "response": "none", "why": "It is small."}).status_code == 302
    due = {"title": "Tell sales", "owner": lea.pk, "due_at": "2026-11-18T14:00"}
    assert browse(ada, one, {"act": "add", **due}).status_code == 302
    task = ResponseTask.objects.get(title="Tell sales")
    assert browse(ada, one, {"act": "hand_over", "task": task.pk, "owner": ada.pk}).status_code == 302
    assert browse(ada, one, {"act": "end", "task": task.pk, "outcome": "Told"}).status_code == 302
    assert browse(ada, one, {"act": "end", "task": 999_999, "outcome": "Told"}).status_code == 422

    task.refresh_from_db()
    assert (task.state, task.owner) == ("done", ada)
    room = browse(ada, f"/incidents/{incident.ref}/").content.decode()
    assert "Gratwick" in room and "Claim is false" in room and "Do nothing" in room
