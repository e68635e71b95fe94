"""What keeps a message from being sent for approval: one table, a sentence for each."""

from datetime import timedelta

import pytest

from messaging import actions, checking
from messaging.actions.drafts import BadContent
from messaging.models import Message
from tests import factories
from tests.conftest import NOW

# What is wrong → the field it is said at, and words of the sentence.
FAULTY = {
    "no channel": ({"channels": []}, "channels", "at least one channel"),
    "an unknown channel": ({"channels": ["email", "pigeon"]}, "channels", "channel"),
    "an e-mail without a subject": ({"subject": "  "}, "subject", "needs a subject"),
    "a status page without a title": ({"public_title": ""}, "public_title", "a title and a text"),
    "a status page without a text": ({"public_body": " \n"}, "public_title", "a title and a text"),
    "no text at all": ({"recognize": "", "respond": " ", "rebuild": "\n"}, "recognize", "no text yet"),
    "no recognize part": ({"recognize": ""}, "missing_reason", "no recognize part"),
    "no respond part": ({"respond": ""}, "missing_reason", "no respond part"),
    "no rebuild part": ({"rebuild": " \n "}, "missing_reason", "no rebuild part"),
    "two parts missing": ({"respond": "", "rebuild": ""}, "missing_reason", "no respond, rebuild part"),
    "no tier": ({"tiers": []}, "tiers", "at least one tier"),
    "an unknown tier": ({"tiers": [1, 4]}, "tiers", "tier"),
    "nobody": ({"kinds": []}, "kinds", "who gets it"),
    "an unknown kind of account": ({"kinds": ["enemy"]}, "kinds", "who gets it"),
    "no promise": ({"next_update_at": None, "rebuild": "Soon.", "say": []}, "next_update_at", "next update"),
    "a promise in the past": (
        {"next_update_at": (NOW - timedelta(seconds=1)).isoformat()},
        "next_update_at",
        "has passed",
    ),
    "a promise of this very moment": ({"next_update_at": NOW.isoformat()}, "next_update_at", "has passed"),
    "a promise after more than a month": (
        {"next_update_at": (NOW + timedelta(days=31)).isoformat()},
        "next_update_at",
        "30 days",
    ),
    "a subject over the limit": ({"subject": "x" * 201}, "subject", "longer than 200"),
    "a part over the limit": ({"respond": "x" * 8_001}, "respond", "longer than 8000"),
    "a subject of two lines": ({"subject": "One\nBcc: all@e.example"}, "subject", "one line"),
    "a subject with NUL": ({"subject": "a\x00b"}, "subject", "control character"),
    "a subject with U+2028": ({"subject": "a\u2028b"}, "subject", "control character"),
    "a part with an escape": ({"respond": "a\x1bb"}, "respond", "control character"),
    "a talking point over the limit": ({"say": ["x" * 601]}, "say", "talking points"),
    "too many talking points": ({"say": ["x"] * 61}, "say", "talking points"),
}


@pytest.mark.parametrize("case", FAULTY)
def test_a_fault_is_said_at_its_field(case, ada):
    fields, where, words = FAULTY[case]

    faults = checking.faults_for_approval(
        factories.make_content(**fields), factories.make_incident(ada), NOW, Message.Kind.UPDATE
    )

    assert words in faults.pop(where)
    # One over its limit cannot be put into a mail either; nothing else is said.
    assert not [sentence for sentence in faults.values() if "put together into one mail" not in sentence]


def test_a_complete_content_has_no_fault(ada):
    incident = factories.make_incident(ada)

    assert checking.faults_for_approval(factories.make_content(), incident, NOW, Message.Kind.HOLDING) == {}


@pytest.mark.parametrize("part", ["recognize", "respond", "rebuild"])
def test_a_part_may_be_missing_for_a_stated_reason(part, ada):
    content = factories.make_content(**{part: "", "missing_reason": "Nothing is known of it yet."})

    assert checking.faults_for_approval(content, factories.make_incident(ada), NOW, Message.Kind.HOLDING) == {}


def test_a_reason_does_not_stand_for_all_three_parts(ada):
    content = factories.make_content(recognize="", respond="", rebuild="", missing_reason="Nothing is known.")

    assert "recognize" in checking.faults_for_approval(content, factories.make_incident(ada), NOW, Message.Kind.HOLDING)


def test_a_resolved_message_needs_no_next_update(ada):
    fields = {"next_update_at": None, "rebuild": "It is over.", "say": []}
    content = factories.make_content(**fields)

    assert checking.faults_for_approval(content, factories.make_incident(ada), NOW, Message.Kind.RESOLVED) == {}


@pytest.mark.parametrize("channels", [["status"], ["portal"], ["email", "status"], ["email", "portal"]])
@pytest.mark.parametrize("wall", [{"restricted": True}, {"is_exercise": True}])
def test_a_restricted_incident_or_an_exercise_reaches_no_public_channel(wall, channels, ada):
    content = factories.make_content(channels=channels)

    faults = checking.faults_for_approval(content, factories.make_incident(ada, **wall), NOW, Message.Kind.HOLDING)

    assert "cannot reach the status page or the portal" in faults["channels"]


@pytest.mark.parametrize("case", sorted(FAULTY.keys() - {"a subject with NUL"}))  # PostgreSQL keeps no NUL at all
def test_nobody_is_asked_about_a_faulty_content(case, ada, ben):
    message = factories.make_message(factories.make_incident(ada), ada, kind="update")
    Message.objects.filter(pk=message.pk).update(working=factories.make_content(**FAULTY[case][0]).as_data())

    with pytest.raises(BadContent) as refusal:
        actions.request_approval(message_id=message.pk, by=ada, now=NOW)

    assert FAULTY[case][1] in refusal.value.faults
    assert message.requests.count() == 0
