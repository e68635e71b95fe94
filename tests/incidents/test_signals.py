"""What becomes of signals: counted, attached, watched, proposed, decided; and what ten thousand of one cost."""

import json
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crisiscomms import audit, clock, personal, retention
from crisiscomms.models import AuditEvent, Notice
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import access, actions
from incidents.hooks.protocol import Noticed
from incidents.models import (
    Decision,
    Incident,
    Signal,
    SignalBody,
    SignalMinute,
    SignalProposal,
    SignalSource,
    ThresholdRule,
)
from incidents.noticing import intake, judging, proposals, trying
from incidents.record import parts as record_parts
from tests import factories
from tests.conftest import NOW
from tests.incidents.knocking import alert, judge, knock, make_source, only, sample
from tests.incidents.test_thresholds import condition

SOON = NOW + timedelta(minutes=1)


@pytest.fixture
def source(olga):
    return make_source(olga, "alertmanager")


def make_rule(ada, *conditions, name="Errors", on=True, first=True, **fields):
    data = {
        "match": "all", "groups": [{"match": "all", "conditions": list(conditions)}], "outcome": "crisis",
        "opens_watch_item": False, "kind": "service_disruption", "severity": "major", "components": [], **fields,
    }  # fmt: skip
    rule = actions.add_threshold_rule(name=name, data=data, by=ada, now=NOW)
    if on:
        rule = actions.switch_threshold_rule(rule_id=rule.pk, is_on=True, by=ada, now=NOW)
    if first:
        ThresholdRule.objects.filter(pk=rule.pk).update(position=0)
        ThresholdRule.objects.exclude(pk=rule.pk).update(is_on=False, position=50)
    return rule


ERRORS = condition("number", "error_rate", "above", 2)


def report(by, now=NOW, **values):
    title = values.pop("title", "Customers write about late payouts")
    return actions.report_signal(title=title, values=values, by=by, now=now)


def watch(by, **fields):
    values = {
        "title": "Watched",
        "kind": "product_quality",
        "severity": "minor",
        "noticed_at": NOW,
        "now": NOW,
        **fields,
    }
    return actions.open_watch_item(by=by, **values)


# Reading what sources send


def test_alertmanager_is_read_alert_by_alert(source):
    factories.make_component("Card payments")
    knock(source)
    judge()

    going_on, over = Signal.objects.order_by("status")
    assert (going_on.title, going_on.status) == ("Card payments in the EU fail more than usual", "firing")
    assert (going_on.values["error_rate"], going_on.values["accounts_affected"]) == (4.2, 31.0)
    assert going_on.link.startswith("https://prometheus.") and going_on.text.startswith("4.2 % of requests")
    assert [part.name for part in going_on.components.all()] == ["Card payments"]
    assert (over.status, over.ended_at.minute) == ("resolved", 50) and going_on.body_id == over.body_id


@pytest.mark.parametrize(("kind", "name", "headers", "wanted"), [
    ("pagerduty", "pagerduty", {}, ("Payouts lag behind by more than an hour", {"urgency": "high", "priority": "P1", "service": "Payouts"})),
    ("sentry", "sentry-issue", {}, ("ValueError: amount is not a number", {"level": "error", "project": "Checkout", "events": 127.0, "users_affected": 54.0})),
    ("sentry", "sentry-metric", {"Sentry-Hook-Resource": "metric_alert"}, ("Critical: too many failed payments", {"rule": "Failed payments"})),
    ("generic", "generic", {}, ("Support sees many questions about late payouts", {"tickets": 11.0, "accounts_affected": 9.0, "data_class": "none", "components": "Payouts"})),
])  # fmt: skip
def test_the_others_are_read_as_they_send(kind, name, headers, wanted, olga):
    knock(make_source(olga, kind), sample(name), headers=headers)

    assert (only().title, only().values) == wanted
    assert only().link.startswith("https://") and only().happened_at < NOW


def test_a_resolved_event_ends_what_it_began(olga):
    shown = make_source(olga, "pagerduty")
    knock(shown)
    body = sample("pagerduty")
    body["event"] |= {"id": "02", "event_type": "incident.resolved", "occurred_at": "2026-11-17T13:08:00Z"}
    knock(shown, body)
    late = sample("pagerduty")
    late["event"] |= {"id": "03", "event_type": "incident.acknowledged", "occurred_at": "2026-11-17T13:06:00Z"}
    knock(shown, late)

    assert (only().status, only().ended_at.minute, only().seen_count) == ("resolved", 8, 3)

    late["event"] |= {"id": "04", "event_type": "incident.reopened", "occurred_at": "2026-11-17T13:08:30Z"}
    assert knock(shown, late).status_code == 202
    assert list(Signal.objects.order_by("pk").values_list("status", flat=True)) == ["resolved", "firing"]


def test_hostile_titles_become_one_plain_line(olga):
    knock(
        make_source(olga, "generic"),
        {"title": "a\r\nBcc: x\u202eevil\u2028 " + "y" * 300, "link": "javascript:alert(1)"},
    )

    assert only().title.startswith("a Bcc: x evil y") and len(only().title) == 160
    assert only().link == ""


# Repeats


def test_what_repeats_is_counted_and_its_figures_are_the_newest(source):
    for rate in ("1", "2", "3"):
        body = alert(region="eu")
        body["alerts"][0]["annotations"] = {"error_rate": rate}
        knock(source, body)

    assert (only().seen_count, only().values["error_rate"]) == (3, 3.0)
    assert SignalBody.objects.count() == 1
    assert SignalMinute.objects.get(name="").amount == 3
    counts = SignalSource.objects.values_list("taken", "known").get()
    assert counts == (1, 2)


def test_ten_thousand_of_one_alert_change_one_row_at_a_bounded_cost(source, django_assert_max_num_queries):
    same = [Noticed("Errors", "x", NOW)]
    take = {"source_id": source.source.pk, "found": same, "raw": "{}", "delivery_id": "", "now": NOW}
    intake.take(**take)
    judge()

    with django_assert_max_num_queries(10):
        intake.take(**take)
    Signal.objects.update(seen_count=9_999)
    with django_assert_max_num_queries(10):
        intake.take(**take)

    assert (Signal.objects.count(), only().seen_count, SignalBody.objects.count()) == (1, 10_000, 1)
    assert SignalMinute.objects.count() == 1
    # Looked at again, but no more often than every ten seconds: whatever came in between is one look.
    assert only().due_at == NOW + intake.LOOK_AGAIN
    assert (judge(), judge(NOW + intake.LOOK_AGAIN)) == (0, 1)


def test_a_thousand_alerts_at_once_cost_as_many_queries_as_two(source):
    def cost(count):
        found = [Noticed(f"A{n}", f"{count}-{n}", NOW) for n in range(count)]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            intake.take(
                source_id=source.source.pk, found=found, raw="{}", delivery_id="", now=NOW + timedelta(hours=count)
            )
        return len(queries)

    assert cost(900) <= cost(2) + 2


@pytest.mark.django_db(transaction=True)
def test_one_alert_from_many_threads_is_one_signal(source):
    def run():
        try:
            for _ in range(5):
                assert knock(source, alert(region="eu")).status_code in (200, 202)
        except Exception as error:  # noqa: BLE001 - of a thread, told to the test
            wrong.append(error)
        finally:
            connection.close()

    wrong: list = []
    threads = [threading.Thread(target=lambda: _at_now(run)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert (only().seen_count, SignalSource.objects.get().taken, SignalSource.objects.get().known) == (30, 1, 29)


def _at_now(run):
    with clock.at(NOW):
        run()


# Where it belongs


def test_what_comes_again_belongs_where_it_belonged(source, ada):
    incident = factories.make_incident(ada)
    knock(source, alert(region="eu"))
    actions.attach_signal(signal_id=only().pk, incident_id=incident.pk, by=ada, now=NOW)
    knock(source, alert("resolved", region="eu", endsAt="2026-11-17T13:08:00Z"))
    knock(source, alert(region="eu", startsAt="2026-11-17T13:08:40Z"))
    judge()

    assert [one.incident for one in Signal.objects.order_by("pk")] == [incident, incident]
    assert AuditEvent.objects.filter(chain=incident.chain, verb="signal.attached").count() == 2
    assert list(audit.faults(incident.chain)) == []


def test_what_goes_on_after_its_incident_was_closed_is_free_again(source, ada):
    incident = factories.make_incident(ada)
    knock(source, alert(region="eu"))
    actions.attach_signal(signal_id=only().pk, incident_id=incident.pk, by=ada, now=NOW)
    actions.stand_down(incident_id=incident.pk, reason="A false alarm", by=ada, now=NOW)
    judge()
    assert only().incident == incident

    with clock.at(SOON):
        knock(source, alert(region="eu"))
    judge(SOON)

    assert only().incident is None


def test_attaching_is_for_open_incidents_that_one_may_see_and_for_one_at_a_time(source, ada, ben):
    incident, other = factories.make_incident(ada), factories.make_incident(ada)
    knock(source, alert(region="eu"))
    put = {"signal_id": only().pk, "now": NOW}
    with pytest.raises(NotAllowed):
        actions.attach_signal(incident_id=incident.pk, by=ben, **put)
    actions.attach_signal(incident_id=incident.pk, by=ada, **put)
    with pytest.raises(Conflict):
        actions.attach_signal(incident_id=other.pk, by=ada, **put)
    actions.detach_signal(by=ada, **put)
    assert (only().incident, only().due_at) == (None, NOW)

    actions.stand_down(incident_id=other.pk, reason="Nothing", by=ada, now=NOW)
    with pytest.raises(Refused, match="closed"):
        actions.attach_signal(incident_id=other.pk, by=ada, **put)


def test_signals_of_a_restricted_incident_are_hidden_like_it(ada, olga):
    outsider = factories.make_user("carl", roles=["product_marketing"])
    hidden = factories.make_incident(ada, restricted=True)
    signal = report(outsider)
    actions.attach_signal(signal_id=signal.pk, incident_id=hidden.pk, by=ada, now=NOW)

    seen = {one.name: Signal.objects.visible_to(one).exists() for one in (ada, outsider, olga)}

    assert seen == {"Ada": True, "Carl": False, "Olga": True}
    for act in (actions.detach_signal, actions.end_signal):
        with pytest.raises((NotAllowed, Signal.DoesNotExist)):
            act(signal_id=signal.pk, by=outsider, now=NOW)


def test_a_seller_sees_none_and_an_executive_those_of_incidents_they_were_asked_about(ada, ben, cleo):
    incident = factories.make_incident(ada)
    actions.let_see(incident=incident, person=ben)
    free, attached = report(ada), report(ada, SOON)
    actions.attach_signal(signal_id=attached.pk, incident_id=incident.pk, by=ada, now=SOON)

    assert list(Signal.objects.visible_to(ben)) == [attached]
    assert not Signal.objects.visible_to(cleo).exists() and free in Signal.objects.visible_to(ada)
    with pytest.raises(NotAllowed):
        report(cleo)


# Rules


def test_a_rule_that_holds_asks_those_with_the_right_once(source, ada, ben, cleo):
    make_rule(ada, ERRORS)
    for region in ("eu", "us", "eu"):
        body = alert(region=region)
        body["alerts"][0]["annotations"] = {"error_rate": "4.2"}
        knock(source, body)
    judge()

    proposal = SignalProposal.objects.get()
    assert (proposal.severity, proposal.reason) == ("major", "Errors: Error rate 4.2\u00a0% is above 2\u00a0%.")
    assert proposal.signals.count() == 2
    assert [one.person.name for one in Notice.objects.filter(kind="threshold_met").order_by("person__name")] == [
        "Ada",
        "Olga",
    ]
    assert proposals.waiting_for(ada) == [proposal] and proposals.waiting_for(ben) == proposals.waiting_for(cleo) == []


def test_nothing_is_asked_by_a_rule_that_is_off_or_does_not_hold(source, ada):
    make_rule(ada, ERRORS, on=False)
    knock(source)
    judge()

    assert not SignalProposal.objects.exists() and only_reasons() == {""}


def only_reasons():
    return set(Signal.objects.values_list("reason", flat=True))


def test_a_rule_opens_one_watch_item_for_a_storm(source, ada):
    part = factories.make_component("Card payments")
    rule = make_rule(ada, condition("kind", "", "equals", "alertmanager"), outcome="normal", opens_watch_item=True)
    for number in range(5):
        knock(source, alert(n=number, component="card-payments"))
    judge()

    item = Incident.objects.get()
    assert item.is_watched and item.opened_by is None
    assert set(Signal.objects.values_list("incident", flat=True)) == {item.pk}
    assert list(item.component_states.values_list("component", flat=True)) == [part.pk]
    assert not SignalProposal.objects.exists()

    actions.stand_down(incident_id=item.pk, reason="Nothing came of it", by=ada, now=SOON)
    with clock.at(SOON):
        knock(source, alert(n=9))
    judge(SOON)
    rule.refresh_from_db()
    assert rule.watch_item.number == item.number + 1


def test_the_first_rule_in_order_counts_and_a_stronger_one_overtakes(source, ada):
    weak = make_rule(ada, condition("number", "seen", "at_least", 1), name="Weak", severity="minor")
    knock(source, alert(region="eu"))
    judge()
    assert SignalProposal.objects.get().rule == weak
    strong = make_rule(ada, condition("number", "seen", "at_least", 2), name="Strong", severity="critical", first=False)
    actions.raise_threshold_rule(rule_id=strong.pk, by=ada, now=NOW)
    while ThresholdRule.objects.order_by("position", "pk").first() != strong:
        actions.raise_threshold_rule(rule_id=strong.pk, by=ada, now=NOW)

    with clock.at(SOON):
        knock(source, alert(region="eu"))
    judge(SOON)

    states = dict(SignalProposal.objects.values_list("rule__name", "state"))
    assert states == {"Weak": "overtaken", "Strong": "open"}
    assert only().proposal.rule == strong


def test_a_no_holds_as_long_as_it_goes_on(source, ada):
    make_rule(ada, condition("number", "seen", "at_least", 1))
    knock(source, alert(region="eu"))
    judge()
    proposal = SignalProposal.objects.get()
    with pytest.raises(Refused, match="Say why"):
        actions.decline_proposal(proposal_id=proposal.pk, reason=" ", by=ada, now=NOW)
    actions.decline_proposal(proposal_id=proposal.pk, reason="A test of the pager", by=ada, now=NOW)
    with clock.at(SOON):
        knock(source, alert(region="eu"))
    judge(SOON)

    assert [one.state for one in SignalProposal.objects.all()] == ["declined"]
    with pytest.raises(Conflict, match="declined by Ada"):
        actions.decline_proposal(proposal_id=proposal.pk, reason="Again", by=ada, now=SOON)


@pytest.mark.parametrize("role", ["sales", "executive"])
def test_only_those_with_the_right_decide_and_the_refusal_names_them(role, source, ada):
    make_rule(ada, condition("number", "seen", "at_least", 1))
    knock(source, alert(region="eu"))
    judge()
    person = factories.make_user("xenia", roles=[role])

    with pytest.raises(NotAllowed, match="At major Product marketing"):
        actions.decline_proposal(proposal_id=SignalProposal.objects.get().pk, reason="No", by=person, now=NOW)
    assert SignalProposal.objects.get().state == "open"


def test_declaring_because_of_it_accepts_it_and_takes_its_signals(source, ada):
    make_rule(ada, condition("number", "seen", "at_least", 1))
    for number in range(3):
        knock(source, alert(n=number))
    judge()
    proposal = SignalProposal.objects.get()

    incident = factories.make_incident(ada)
    actions.accept_proposal(proposal_id=proposal.pk, incident=incident, by=ada, now=NOW)

    assert set(Signal.objects.values_list("incident", flat=True)) == {incident.pk}
    proposal.refresh_from_db()
    assert (proposal.state, proposal.incident, proposal.decided_by) == ("accepted", incident, ada)
    assert list(audit.faults(incident.chain)) == []


@pytest.mark.parametrize("act", ["accept", "decline"])
def test_whoever_was_taken_off_meanwhile_puts_nothing_there(act, source, ada):
    carl = factories.make_user("carl", roles=["product_marketing"])
    incident = factories.make_incident(ada, restricted=True)
    actions.add_to_team(incident_id=incident.pk, person=carl, by=ada, now=NOW)
    make_rule(ada, condition("number", "seen", "at_least", 1))
    knock(source, alert(region="eu"))
    judge()
    proposal = SignalProposal.objects.get()
    seen = access.get_incident(carl, incident.number)

    actions.remove_from_team(incident_id=incident.pk, person=carl, by=ada, now=NOW)

    with pytest.raises(NotAllowed):
        if act == "accept":
            actions.accept_proposal(proposal_id=proposal.pk, incident=seen, by=carl, now=NOW)
        else:
            actions.decline_proposal(proposal_id=proposal.pk, reason="No", watched=seen, by=carl, now=NOW)
    assert not Signal.objects.filter(incident=incident).exists()


def test_about_a_watch_item_the_no_stands_in_its_log_of_decisions(source, ada):
    make_rule(ada, condition("number", "seen", "at_least", 1), opens_watch_item=True)
    knock(source, alert(region="eu"))
    judge()
    proposal = SignalProposal.objects.get()
    assert proposal.incident is not None and proposal.incident.is_watched

    actions.decline_proposal(proposal_id=proposal.pk, reason="Only the test system", by=ada, now=NOW)

    kept = next(part for part in record_parts.parts() if part.key == "signals").read(proposal.incident)
    assert [one["title"] for one in kept["signals"]] == ["Errors"]
    assert [(one["state"], one["answer"]) for one in kept["proposals"]] == [("declined", "Only the test system")]
    decision = Decision.objects.get(incident=proposal.incident)
    assert (decision.kind, decision.choice, decision.reason) == ("protocol", "Normal work", "Only the test system")


@pytest.mark.parametrize(("have", "asks"), [("minor", True), ("major", False), ("critical", False)])
def test_of_something_declared_only_a_worse_severity_is_a_question(have, asks, source, ada):
    incident = factories.make_incident(ada, severity=have)
    make_rule(ada, condition("number", "seen", "at_least", 2))
    knock(source, alert(region="eu"))
    actions.attach_signal(signal_id=only().pk, incident_id=incident.pk, by=ada, now=NOW)
    judge()
    with clock.at(SOON):
        knock(source, alert(region="eu"))
    judge(SOON)

    assert SignalProposal.objects.filter(incident=incident).exists() is asks
    if asks:
        actions.raise_as_proposed(proposal_id=SignalProposal.objects.get().pk, by=ada, now=SOON)
        incident.refresh_from_db()
        assert incident.severity == "major"


def test_tickets_in_a_window_are_added_up_over_reports(ada):
    make_rule(ada, condition("number", "tickets", "at_least", 25, 60))
    for minutes, tickets in ((91, 20), (30, 15), (0, 10)):
        moment = NOW - timedelta(minutes=minutes)
        report(ada, moment, tickets=tickets)
        judge(moment)

    assert SignalProposal.objects.get().reason == "Errors: 25 tickets within 60 min, at least 25."


def test_one_that_cannot_be_judged_waits_a_minute_and_stops_no_other(ada, monkeypatch):
    bad, good = report(ada, title="bad"), report(ada, title="good")
    usual = judging._Judge._judge
    monkeypatch.setattr(judging._Judge, "_judge", lambda self, one: usual(self, one) if one.pk == good.pk else 1 / 0)

    judge()

    assert dict(Signal.objects.values_list("pk", "due_at")) == {bad.pk: NOW + timedelta(minutes=1), good.pk: None}


# Trying, versions, order


def test_trying_says_which_would_have_met_it_and_when_and_changes_nothing(source, ada):
    rule = make_rule(ada, ERRORS, on=False)
    knock(source)
    report(ada, SOON, error_rate=9)
    before = list(Signal.objects.values())

    trial = trying.trial(rule, days=7, by=ada, now=SOON)

    assert (trial.tried, [one.at for one in trial.would]) == (3, [SOON, NOW])
    assert list(Signal.objects.values()) == before and not SignalProposal.objects.exists()


def test_trying_shows_nothing_of_what_is_hidden(ada):
    rule, outsider = make_rule(ada, ERRORS, on=False), factories.make_user("carl", roles=["product_marketing"])
    signal = report(ada, error_rate=9)
    hidden = factories.make_incident(ada, restricted=True)
    actions.attach_signal(signal_id=signal.pk, incident_id=hidden.pk, by=ada, now=NOW)

    assert trying.trial(rule, days=7, by=outsider, now=NOW).tried == 0
    assert len(trying.trial(rule, days=7, by=ada, now=NOW).would) == 1


def test_every_change_of_a_rule_is_a_version_and_the_second_of_two_is_told(ada):
    rule = make_rule(ada, ERRORS)
    data = {**rule.data, "severity": "critical"}
    change = {"rule_id": rule.pk, "base": 1, "name": "Errors", "by": ada, "now": NOW}

    assert actions.change_threshold_rule(data=data, **change).version == 2
    with pytest.raises(Conflict, match="version 2 now"):
        actions.change_threshold_rule(data=rule.data, **change)
    assert [one.data["severity"] for one in rule.versions.order_by("number")] == ["major", "critical"]


@pytest.mark.parametrize("role", ["product", "security", "legal", "support", "executive", "sales"])
def test_rules_are_edited_by_administrators_and_product_marketing_only(role, ada):
    rule, person = make_rule(ada, ERRORS), factories.make_user("xenia", roles=[role])
    said = {"by": person, "now": NOW}
    for act in (
        lambda: actions.add_threshold_rule(name="Mine", data=rule.data, **said),
        lambda: actions.change_threshold_rule(rule_id=rule.pk, base=1, name="Mine", data=rule.data, **said),
        lambda: actions.switch_threshold_rule(rule_id=rule.pk, is_on=False, **said),
        lambda: actions.raise_threshold_rule(rule_id=rule.pk, **said),
        lambda: actions.create_source(name="x", kind="generic", **said),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_the_starter_rules_are_loaded_once_and_never_put_back(ada):
    from desk import defaults

    count = ThresholdRule.objects.count()
    first = ThresholdRule.objects.order_by("position").first()
    actions.change_threshold_rule(rule_id=first.pk, base=1, name="Ours", data=first.data, by=ada, now=NOW)

    assert defaults.load(now=SOON)["thresholds"] == 0
    assert ThresholdRule.objects.count() == count == 8 and ThresholdRule.objects.get(pk=first.pk).name == "Ours"


# What is kept, and what is not


def test_keys_and_secrets_stand_nowhere_in_clear(olga):
    shown = make_source(olga, "generic")
    knock(shown)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s OR t::text LIKE %s',
                           [f"%{shown.key}%", f"%{shown.secret[6:]}%"])  # fmt: skip
            assert cursor.fetchone()[0] == 0, table


def test_after_its_time_the_text_is_forgotten_and_the_signal_stays(source):
    knock(source)
    later = NOW + timedelta(days=91)

    done, _ = retention.apply(now=later)

    assert done["signals"] == 2 and not SignalBody.objects.exists() and not SignalMinute.objects.exists()
    assert Signal.objects.count() == 2 and only_bodies() == {None}


def only_bodies():
    return set(Signal.objects.values_list("body", flat=True))


def test_an_erased_person_stands_in_no_signal(source, olga):
    body = alert(region="eu")
    body["alerts"][0]["annotations"] = {"summary": "Ticket of lena@many.example", "who": "lena@many.example"}
    knock(source, body)
    knock(source, alert(region="us"))
    lena = personal.Person("lena@many.example")
    assert len(personal.export(lena)["signals"]) == 2

    personal.erase(person=lena, by=olga, now=NOW)

    assert set(Signal.objects.values_list("title", flat=True)) == {"(erased)", "Errors"}
    assert SignalBody.objects.count() == 1 and personal.export(lena)["signals"] == []


def test_making_and_changing_a_source_is_on_the_record_without_its_secrets(olga):
    shown = make_source(olga, "generic")
    turned = actions.rotate_source(source_id=shown.source.pk, grace_hours=1, by=olga, now=NOW)
    actions.switch_source(source_id=shown.source.pk, is_active=False, by=olga, now=NOW)

    events = AuditEvent.objects.filter(verb__startswith="signal_source.").select_related("detail")
    said = json.dumps([(one.verb, one.detail.text) for one in events])
    assert events.count() == 3
    assert not any(secret in said for secret in (shown.key, shown.secret, turned.key, turned.secret))


def proposed_for(source, ada):
    """A minor incident, and a rule that proposes more for a signal of it."""
    incident = factories.make_incident(ada, severity="minor")
    make_rule(ada, condition("number", "seen", "at_least", 2))
    knock(source, alert(region="eu"))
    actions.attach_signal(signal_id=only().pk, incident_id=incident.pk, by=ada, now=NOW)
    with clock.at(SOON):
        knock(source, alert(region="eu"))
    judge(SOON)
    return incident


def test_a_proposal_never_makes_milder_what_somebody_raised_meanwhile(source, ada):
    incident = proposed_for(source, ada)
    proposal = SignalProposal.objects.get()
    actions.change_severity(incident_id=incident.pk, severity="critical", reason="Worse", by=ada, now=SOON)

    with pytest.raises(Conflict, match="critical already"):
        actions.raise_as_proposed(proposal_id=proposal.pk, by=ada, now=SOON)

    incident.refresh_from_db()
    proposal.refresh_from_db()
    assert (incident.severity, proposal.state) == ("critical", "open")


def test_what_was_taken_out_is_not_brought_back_by_its_proposal(source, ada):
    incident = proposed_for(source, ada)
    assert only().proposal is not None

    actions.detach_signal(signal_id=only().pk, by=ada, now=SOON)
    actions.accept_proposal(
        proposal_id=SignalProposal.objects.filter(incident=incident).get().pk, incident=incident, by=ada, now=SOON
    )

    assert only().incident is None
