"""Who may do what about mentions, competitors and halts, in which phase: every role, every act, every phase."""

import pytest
from django.db import transaction
from django.urls import reverse

from crisiscomms.models import Role
from crisiscomms.refusal import Refused
from incidents import abilities, actions
from incidents.actions.mentions import can
from tests import factories
from tests.conftest import NOW
from tests.incidents.test_lifecycle import PHASES, put
from tests.incidents.test_monitoring import LATER, note, react

# By hand: the phases in which each can be done at all.
ALWAYS, NOT_CLOSED = frozenset(PHASES), frozenset(PHASES) - {"closed"}
FITS = {
    **dict.fromkeys(("mention_note", "mention_answer", "reaction_note", "response_end", "halt_act"), ALWAYS),
    **dict.fromkeys(("mention_ask", "noted_correct", "reaction_judge", "reaction_decide", "response_add"), NOT_CLOSED),
    "halt_add": {"initial_response", "management"},
}
WORKSHOP = set(Role.values) - {"sales", "executive"}
DECIDE = {"product_marketing", "administrator"}


def expected(role, key, phase):
    return role in (DECIDE if key == "reaction_decide" else WORKSHOP) and phase in FITS[key]


@pytest.fixture
def scene(ada):
    """One of each, of an incident that goes on, and another incident to move to."""
    incident, other = factories.make_incident(ada), factories.make_incident(ada)
    reaction = react(ada, incident)
    return {
        "incident_id": incident.pk,
        "incident": incident,
        "other": other.pk,
        "free": note(ada).pk,
        "mention_id": note(ada, incident, needs_answer=True).pk,
        "reaction_id": reaction.pk,
        "task_id": actions.add_response_task(
            reaction_id=reaction.pk, title="Tell sales", owner=ada, due_at=LATER, by=ada, now=NOW
        ).pk,
        "item_id": actions.add_item(incident_id=incident.pk, name="Ad", kind="ad", owner=ada, by=ada, now=NOW).pk,
        "lea": factories.make_user("lea", roles=["legal"]),
    }


def acts(scene, by, ada):
    """Every act, by the ability that it asks."""
    who = {"by": by, "now": LATER}
    mention, reaction = {"mention_id": scene["mention_id"], **who}, {"reaction_id": scene["reaction_id"], **who}
    item, task = {"item_id": scene["item_id"], **who}, {"task_id": scene["task_id"], **who}
    incident, lea = {"incident_id": scene["incident_id"], **who}, scene["lea"]
    return [
        ("mention_note", lambda: note(by, scene["incident"])),
        ("mention_note", lambda: actions.attach_mention(mention_id=scene["free"], **incident)),
        ("mention_ask", lambda: actions.ask_for_answer(owner=lea, **mention)),
        ("mention_answer", lambda: actions.answer_mention(how="Wrote to them", **mention)),
        ("mention_answer", lambda: actions.leave_unanswered(reason="Taken down", **mention)),
        ("noted_correct", lambda: actions.correct_mention(seen=1, reach=1, **mention)),
        ("noted_correct", lambda: actions.strike_mention(reason="Noted twice", **mention)),
        ("noted_correct", lambda: actions.move_mention(incident_id=scene["other"], **mention)),
        ("noted_correct", lambda: actions.correct_reaction(seen=1, what="A discount", **reaction)),
        ("reaction_note", lambda: react(by, scene["incident"])),
        ("reaction_judge", lambda: actions.judge_claim(claim="Data was lost", is_true="false", **reaction)),
        ("reaction_decide", lambda: actions.decide_response(response="none", why="It is small.", **reaction)),
        (
            "response_add",
            lambda: actions.add_response_task(title="Write", owner=ada, due_at=LATER + (LATER - NOW), **reaction),
        ),
        ("response_end", lambda: actions.end_response_task(outcome="Told", **task)),
        ("response_end", lambda: actions.hand_over_response(owner=lea, **task)),
        ("halt_add", lambda: actions.add_item(name="Post", kind="scheduled_post", owner=ada, **incident)),
        ("halt_add", lambda: actions.check_again(**incident)),
        ("halt_act", lambda: actions.halt_item(**item)),
        ("halt_act", lambda: actions.leave_running(reason="It says sorry", **item)),
        ("halt_act", lambda: actions.hand_over_item(owner=lea, **item)),
    ]


def refused(act):
    """What an act says; empty when it is done. It is taken back either way."""
    try:
        with transaction.atomic():
            act()
            transaction.set_rollback(True)
    except Refused as refusal:
        return str(refusal)
    return ""


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("role", [*Role.values, "outsider"])
def test_every_act_says_exactly_what_its_ability_says(role, phase, scene, ada):
    by = factories.make_user("somebody", roles=["product_marketing" if role == "outsider" else role])
    incident = put(scene["incident"], phase)
    if role == "outsider":
        type(incident).objects.filter(pk=incident.pk).update(restricted=True)

    answers = abilities.of(incident, by, NOW)

    assert {key for key in FITS if answers[key].may} == {key for key in FITS if expected(role, key, phase)}
    assert {key for key in FITS if answers[key].fits} == {key for key in FITS if phase in FITS[key]}
    for key, act in acts(scene, by, ada):
        # Who may not at all is told that first, by the act; the page says first that it is not the time.
        assert (refused(act) == "") == answers[key].may, key
        if answers[key].fits:
            assert refused(act) == answers[key].why_not, key


def test_every_ability_of_the_outward_side_is_asked_by_an_act(scene, ada):
    assert {key for key, _ in acts(scene, ada, ada)} == set(FITS)


@pytest.mark.parametrize("role", Role.values)
def test_what_belongs_to_no_incident_is_the_workshops(role, ada):
    by, mention = factories.make_user("somebody", roles=[role]), note(ada)

    answers = can(None, by, NOW)

    assert {key: one.may for key, one in answers.items()} == {
        **dict.fromkeys(("mention_note", "mention_answer", "noted_correct"), role in WORKSHOP),
        "mention_ask": False,
    }
    who = {"mention_id": mention.pk, "by": by, "now": NOW}
    for key, act in (
        ("mention_note", lambda: note(by)),
        ("mention_answer", lambda: actions.answer_mention(how="Wrote", **who)),
        ("noted_correct", lambda: actions.correct_mention(seen=1, reach=1, **who)),
        ("mention_ask", lambda: actions.ask_for_answer(owner=ada, **who)),
    ):
        assert (refused(act) == "") == answers[key].may, key


# What a press of each ability looks like on its page.
BUTTONS = {
    "mention": {"mention_ask": 'value="ask"', "mention_answer": 'value="answer"', "noted_correct": "/correct/"},
    "mentions": {"mention_note": 'id="note"'},
    "competitors": {"reaction_note": 'aria-labelledby="cr-new"', "noted_correct": "/correct/"},
    "competitor": {
        "noted_correct": "/correct/", "reaction_judge": 'value="judge"', "reaction_decide": 'value="decide"',
        "response_add": 'value="add"', "response_end": 'value="end"',
    },
    "halt_list": {"halt_add": 'aria-labelledby="h-add"', "halt_act": 'value="halt"'},
}  # fmt: skip


@pytest.mark.parametrize("phase", ["management", "resolution", "closed"])
@pytest.mark.parametrize("role", ["product_marketing", "legal", "executive"])
def test_the_pages_offer_exactly_what_the_abilities_say(role, phase, scene, browse):
    by = factories.make_user("somebody", roles=[role])
    incident = put(scene["incident"], phase)
    actions.let_see(incident=incident, person=by)
    answers = abilities.of(incident, by, NOW)
    at = {
        "mention": [scene["mention_id"]],
        "competitor": [incident.number, scene["reaction_id"]],
        **{name: [incident.number] for name in ("mentions", "competitors", "halt_list")},
    }

    for name, buttons in BUTTONS.items():
        page = browse(by, reverse(f"incidents:{name}", args=at[name])).content.decode()
        assert {key: mark in page for key, mark in buttons.items()} == {key: answers[key].may for key in buttons}, name


@pytest.mark.parametrize("name", ["mention", "competitor"])
def test_where_nothing_can_be_corrected_the_form_is_not_shown(name, scene, ada, browse):
    put(scene["incident"], "closed")
    at = [scene["mention_id"]] if name == "mention" else [scene["incident"].number, scene["reaction_id"]]

    answer = browse(ada, reverse(f"incidents:{name}_correct", args=at))

    assert (answer.status_code, answer.url) == (302, reverse(f"incidents:{name}", args=at))
