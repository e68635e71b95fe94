"""The pages of signals: telling of one, deciding, rules without a script, sources with keys shown once."""

import html
import json
import re

import pytest

from incidents import actions
from incidents.models import Incident, Signal, SignalProposal, SignalSource, ThresholdRule
from tests import factories
from tests.conftest import NOW
from tests.incidents.knocking import judge, knock, make_source, only
from tests.incidents.test_signals import make_rule, report
from tests.incidents.test_thresholds import condition

HOSTILE = "<script>alert(1)</script>{{ 7|add:7 }}\u202e{% now 'Y' %}"


def text_of(answer):
    return html.unescape(answer.content.decode())


def test_somebody_notices_something_and_the_rules_look(browse, ada):
    data = {"title": "A journalist asks about payouts", "media_enquiry": "1", "tickets": "3", "data_class": "personal"}

    answer = browse(ada, "/signals/new/", data)

    signal = only()
    assert (answer.status_code, answer.url) == (302, f"/signals/{signal.pk}/")
    assert signal.values == {
        "media_enquiry": True, "regulator_contact": False, "tickets": 3.0, "data_class": "personal",
    }  # fmt: skip
    judge()
    page = text_of(browse(ada, f"/signals/{signal.pk}/"))
    assert "Data of people may be exposed" in page and "Personal data" in page


def test_what_was_typed_stays_where_it_is_refused(browse, ada):
    answer = browse(ada, "/signals/new/", {"title": "", "text": "Kept words", "happened_at": "2026-11-17T23:00"})

    assert answer.status_code == 422
    assert "Kept words" in text_of(answer) and "lies in the future" in text_of(answer)


def test_i6_what_strangers_write_is_inert_on_every_page(browse, ada, olga):
    shown = make_source(olga, "generic", name=f"S {HOSTILE.replace(chr(0x202E), '')}"[:80])
    body = {
        "title": HOSTILE, "text": HOSTILE, "link": "javascript:alert(1)", "fingerprint": HOSTILE,
        "values": {"data_class": "personal", "word": HOSTILE, HOSTILE: "x"}, "components": [HOSTILE],
    }  # fmt: skip
    knock(shown, body)
    judge()
    signal, proposal = only(), SignalProposal.objects.get()

    for url in (
        "/", "/signals/", f"/signals/{signal.pk}/", f"/signals/proposals/{proposal.pk}/", "/setup/signals/",
        f"/setup/signals/{shown.source.pk}/", f"/incidents/declare/?proposal={proposal.pk}",
        f"/incidents/declare/?signal={signal.pk}", f"/signals/rules/{proposal.rule_id}/try/", "/notices/",
    ):  # fmt: skip
        answer = browse(olga, url)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.content.decode() and "14\u202e" not in text_of(answer), url
        assert 'href="javascript:' not in answer.content.decode()


def test_the_text_as_it_was_sent_is_a_file_that_no_browser_draws(browse, ada, olga):
    knock(make_source(olga, "generic"), {"title": "T", "text": "<b>x</b>"})

    answer = browse(ada, f"/signals/{only().pk}/body.json")

    assert json.loads(answer.content)["text"] == "<b>x</b>"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert (
        answer.headers["Content-Disposition"].startswith("attachment")
        and answer.headers["X-Content-Type-Options"] == "nosniff"
    )


def test_presses_move_a_signal_and_say_what_happened(browse, ada):
    incident = factories.make_incident(ada)
    signal = report(ada)
    at = f"/signals/{signal.pk}/"

    browse(ada, f"{at}attach/", {"incident": incident.pk})
    assert only().incident == incident and "Customers write" in text_of(browse(ada, f"/incidents/{incident.ref}/"))
    browse(ada, f"{at}detach/", {})
    browse(ada, f"{at}watch/", {"title": "Late payouts", "kind": "product_quality", "severity": "minor"})
    assert only().incident.is_watched and only().incident.title == "Late payouts"
    browse(ada, f"{at}end/", {})
    assert only().status == "resolved"


def test_a_proposal_stands_on_home_and_on_top_of_the_list_for_who_decides(browse, ada, ben):
    report(ada, data_class="payment")
    judge()

    for url in ("/", "/signals/"):
        page = text_of(browse(ada, url))
        assert (
            "Data of people may be exposed" in page and f"/signals/proposals/{SignalProposal.objects.get().pk}/" in page
        )
    assert "Data of people" not in text_of(browse(ben, "/"))


def test_accepting_leads_to_the_declare_page_filled_in_and_takes_the_signal_along(browse, ada):
    report(ada, title="Card numbers in a log", data_class="payment")
    judge()
    proposal = SignalProposal.objects.get()
    url = f"/incidents/declare/?proposal={proposal.pk}"
    page = text_of(browse(ada, url))
    assert "Card numbers in a log" in page and re.search(r'value="critical" required checked', page)

    data = {
        "title": "Card numbers stood in a log", "kind": "security_incident", "severity": "critical",
        "discovered_at": "2026-11-17T14:00", "component_state": "partial",
    }  # fmt: skip
    answer = browse(ada, url, data)

    incident = Incident.objects.get()
    assert answer.url == f"/incidents/{incident.ref}/"
    assert only().incident == incident and SignalProposal.objects.get().state == "accepted"


def test_watching_instead_is_a_no_with_the_watch_item_as_the_reason(browse, ada):
    report(ada, title="Card numbers in a log", data_class="payment")
    judge()
    data = {
        "title": "Card numbers in a log", "kind": "security_incident", "severity": "critical", "watch": "1",
        "discovered_at": "2026-11-17T14:00", "component_state": "partial",
    }  # fmt: skip

    browse(ada, f"/incidents/declare/?proposal={SignalProposal.objects.get().pk}", data)

    item, proposal = Incident.objects.get(), SignalProposal.objects.get()
    assert item.is_watched and only().incident == item
    assert (proposal.state, proposal.answer) == ("declined", f"Under watch as {item.ref}.")


def test_a_decision_that_somebody_else_has_taken_is_said(browse, ada):
    report(ada, data_class="payment")
    judge()
    proposal = SignalProposal.objects.get()
    at = f"/signals/proposals/{proposal.pk}/"
    assert browse(ada, f"{at}decline/", {"reason": ""}).status_code == 422
    assert browse(ada, f"{at}decline/", {"reason": "A drill of support"}).status_code == 302

    answer = browse(ada, f"{at}decline/", {"reason": "Again"})

    assert answer.status_code == 422 and "declined by Ada meanwhile" in text_of(answer)


# Rules, without a script

RULE = {
    "name": "Errors", "match": "all", "outcome": "crisis", "kind": "service_disruption", "severity": "major",
    "shape": "1", "match-0": "all", "g0c0-what": "number:error_rate", "g0c0-is_": "above", "g0c0-value": "2,5",
}  # fmt: skip


def test_a_rule_is_written_line_by_line_and_tried_before_it_is_on(browse, ada):
    more = browse(ada, "/signals/rules/new/", {**RULE, "add_row": "0"})
    assert more.status_code == 200 and 'name="g0c1-what"' in more.content.decode()
    assert "another look" not in text_of(more)
    more = browse(ada, "/signals/rules/new/", {**RULE, "name": "", "shape": "2", "add_group": "1"})
    assert more.status_code == 200 and 'name="g1c0-what"' in more.content.decode()

    data = {
        **RULE, "shape": "2,1", "match-1": "any", "g0c1-what": "", "g1c0-what": "number:", "g1c0-name": "Queue Length",
        "g1c0-is_": "at_least", "g1c0-value": "100",
    }  # fmt: skip
    answer = browse(ada, "/signals/rules/new/", data)

    rule = ThresholdRule.objects.get(name="Errors")
    assert answer.url == f"/signals/rules/{rule.pk}/try/" and not rule.is_on
    assert [len(group["conditions"]) for group in rule.data["groups"]] == [1, 1]
    assert rule.data["groups"][0]["conditions"][0]["value"] == 2.5
    assert rule.data["groups"][1]["conditions"][0]["name"] == "queue_length"
    shown = text_of(browse(ada, f"/signals/rules/{rule.pk}/"))
    assert 'value="queue_length"' in shown and 'value="2.5"' in shown

    browse(ada, f"/signals/rules/{rule.pk}/switch/", {"on": "1"})
    browse(ada, f"/signals/rules/{rule.pk}/raise/", {})
    assert ThresholdRule.objects.get(pk=rule.pk).is_on
    assert list(ThresholdRule.objects.values_list("pk", flat=True))[-2] == rule.pk


@pytest.mark.parametrize(("wrong", "said"), [
    ({"g0c0-value": "many"}, "Give a number to hold it to."), ({"g0c0-what": ""}, "at least 1 item"),
    ({"g0c0-minutes": "60"}, "can be added up over minutes"), ({"name": " "}, "Name of the rule"),
    ({"g0c0-what": "flag:media_enquiry", "g0c0-is_": "equals", "g0c0-value": "perhaps"}, "Say yes or no."),
])  # fmt: skip
def test_a_rule_that_means_nothing_is_said_and_kept(wrong, said, browse, ada):
    answer = browse(ada, "/signals/rules/new/", {**RULE, **wrong})

    assert answer.status_code == 422 and said in text_of(answer)
    assert not ThresholdRule.objects.filter(name="Errors").exists()


def test_two_editors_of_one_rule_do_not_overwrite_each_other(browse, ada):
    rule = make_rule(ada, condition("number", "error_rate", "above", 2))
    url = f"/signals/rules/{rule.pk}/"
    assert browse(ada, url, {**RULE, "severity": "minor", "base": "1"}).status_code == 302

    answer = browse(ada, url, {**RULE, "severity": "critical", "base": "1"})

    assert answer.status_code == 409 and "version 2 now" in text_of(answer)
    assert ThresholdRule.objects.get(pk=rule.pk).data["severity"] == "minor"


def test_trying_shows_when_and_why(browse, ada):
    rule = make_rule(ada, condition("number", "error_rate", "above", 2), on=False)
    report(ada, error_rate=4.2)

    page = text_of(browse(ada, f"/signals/rules/{rule.pk}/try/?days=7"))

    assert "1 of 1 signals" in page and "Error rate 4.2\u00a0% is above 2\u00a0%" in page
    assert browse(ada, f"/signals/rules/{rule.pk}/try/?days=nonsense").status_code == 200


def test_rules_that_one_may_not_edit_can_be_read(browse, ada):
    person = factories.make_user("xenia", roles=["support"])
    rule = ThresholdRule.objects.first()

    assert "Add a rule" not in text_of(browse(person, "/signals/rules/"))
    assert browse(person, f"/signals/rules/{rule.pk}/").status_code == 404


# Sources


def test_a_key_and_a_secret_are_shown_once_and_open_the_way_in(browse, olga):
    page = text_of(browse(olga, "/setup/signals/", {"name": "Helpdesk", "kind": "generic"}))
    key = re.search(r"/hooks/generic/([\w-]{43})/", page)[1]
    secret = re.search(r"whsec_[\w+/=]+", page)[0]
    source = SignalSource.objects.get()

    again = text_of(browse(olga, f"/setup/signals/{source.pk}/"))
    assert key not in again and secret not in again
    shown = actions.signal_sources.Shown(source, key, secret)
    assert knock(shown).status_code == 202

    turned = text_of(browse(olga, f"/setup/signals/{source.pk}/", {"rotate": "1", "r-grace_hours": "0"}))
    assert re.search(r"/hooks/generic/[\w-]{43}/", turned) and knock(shown, delivery_id="two").status_code == 404


def test_the_page_says_what_was_refused_last_and_why(browse, olga):
    shown = make_source(olga, "sentry")
    knock(shown, secret="x" * 20)

    for url in ("/setup/signals/", f"/setup/signals/{shown.source.pk}/"):
        assert "Sentry-Hook-Signature is missing or wrong." in text_of(browse(olga, url))


def test_a_secret_of_the_other_side_is_set_and_never_shown(browse, olga):
    source = actions.create_source(name="PD", kind="pagerduty", by=olga, now=NOW).source
    url = f"/setup/signals/{source.pk}/"
    assert "Nothing is accepted yet" in text_of(browse(olga, url))

    short = browse(olga, url, {"set_secret": "1", "s-secret": "short", "s-grace_hours": "0"})
    browse(olga, url, {"set_secret": "1", "s-secret": "long-enough-secret-77", "s-grace_hours": "0"})

    assert short.status_code == 422 and "Copy it once more" in text_of(short)
    assert "long-enough-secret-77" not in text_of(browse(olga, url))
    assert bytes(SignalSource.objects.get().secret) and Signal.objects.count() == 0


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("alertmanager", "alertmanager.yml"),
        ("pagerduty", "Generic Webhook (v3)"),
        ("sentry", "its client secret is the secret"),
        ("generic", "webhook-signature: v1,"),
    ],
)
def test_the_page_of_a_source_says_what_to_set_on_the_other_side(kind, words, browse, olga):
    shown = make_source(olga, kind)

    page = text_of(browse(olga, f"/setup/signals/{shown.source.pk}/"))

    assert "What to set on the other side" in page and words in page
    assert shown.key not in page
