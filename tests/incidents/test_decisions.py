"""Who decides what: every role, decision and severity; the log; the broken glass; the disclosure level."""

from itertools import product

import pytest
from django.db import IntegrityError, InternalError, transaction
from django.urls import reverse

from crisiscomms import policy
from crisiscomms.models import AuditEvent, Notice, Role
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import abilities, actions, decisions, disclosure, mails
from incidents.models import Decision, Incident
from messaging import checking
from tests import factories
from tests.conftest import NOW

Kind = Decision.Kind
WORKSHOP = {
    "product_marketing", "public_relations", "product", "customer_success", "legal", "security", "support",
    "administrator",
}  # fmt: skip
LEADS = {"product_marketing", "product", "security", "executive", "administrator"}
VOICE = {"product_marketing", "public_relations", "administrator"}
CLOSE = VOICE | {"customer_success", "support"}
# By hand, from the domain page; critical, major, minor.
WHO = {
    Kind.SEVERITY: (LEADS, LEADS, LEADS),
    Kind.PHASE: (LEADS, LEADS, LEADS),
    Kind.STAND_DOWN: (LEADS, LEADS, LEADS),
    Kind.PROTOCOL: (WORKSHOP, WORKSHOP, WORKSHOP),
    Kind.MESSAGING: (VOICE, VOICE, CLOSE),
    Kind.CHANNELS: (VOICE, VOICE, CLOSE),
    Kind.TIMING: (VOICE, VOICE | {"customer_success"}, CLOSE),
    Kind.CUSTOMER_FIRST: (LEADS - {"product"}, LEADS, LEADS),
    Kind.DISCLOSURE: (
        {"legal", "executive"},
        {"legal", "executive", "product_marketing"},
        {"legal", "executive", "product_marketing"},
    ),
}
SEVERITIES = ["critical", "major", "minor"]
CASES = list(product(Role.values, Kind.values, range(3)))


@pytest.fixture
def incident(ada):
    return factories.make_incident(ada)


@pytest.fixture
def cs(policies):
    return factories.make_user("carla", roles=["customer_success"])


@pytest.fixture
def legal(policies):
    return factories.make_user("lena", roles=["legal"])


def decide(incident, level, by, *, seen="", reason="Customers have to act", **more):
    return actions.decide_disclosure(
        incident_id=incident.pk, level=level, seen=seen, reason=reason, by=by, now=NOW, **more
    )


def texts(incident, verb):
    return list(AuditEvent.objects.filter(chain=incident.ref, verb=verb).values_list("detail__text", flat=True))


def test_every_role_decides_exactly_what_the_table_gives_it(policies):
    table, wrong = decisions.rights(), []
    for role, kind, place in CASES:
        person = factories.make_user("x", roles=[role]) if place == 0 and kind == Kind.values[0] else person  # noqa: F821
        incident = Incident(severity=SEVERITIES[place])
        if decisions.may(person, kind, incident, table) != (role in WHO[kind][place]):
            wrong.append((role, kind, SEVERITIES[place]))
        if kind == Kind.values[-1] and place == 2:
            person.delete()

    assert len(CASES) == 10 * 9 * 3 and wrong == []


@pytest.mark.parametrize("kind", Kind.values)
def test_a_refusal_names_the_act_the_severity_and_who_may(incident, cleo, kind):
    with pytest.raises(NotAllowed) as refusal:
        decisions.require(cleo, kind, incident)

    words = str(refusal.value)
    assert words.startswith("You may not ") and "In a major incident" in words
    assert all(str(Role(role).label) in words for role in WHO[kind][1])


def test_a_right_that_was_taken_away_counts_at_once(ada, incident):
    data = policy.current("decisions")
    data["rights"]["severity"]["major"] = ["legal"]
    policy.replace(key="decisions", data=data, by=None, now=NOW)

    with pytest.raises(NotAllowed, match="Legal may"):
        actions.change_severity(incident_id=incident.pk, severity="minor", by=ada, now=NOW)


def test_the_right_is_read_by_the_severity_that_it_has(ada, incident):
    """Making it mild does not give the right to make it mild."""
    data = policy.current("decisions")
    data["rights"]["severity"] = {"critical": ["legal"], "major": ["legal"], "minor": ["product_marketing"]}
    policy.replace(key="decisions", data=data, by=None, now=NOW)

    with pytest.raises(NotAllowed):
        actions.change_severity(incident_id=incident.pk, severity="minor", by=ada, now=NOW)


@pytest.mark.parametrize(
    ("act", "kind", "choice"),
    [
        (lambda pk, by: actions.change_severity(incident_id=pk, severity="critical", by=by, now=NOW), "severity", "Crit"),
        (lambda pk, by: actions.move_phase(incident_id=pk, to="management", waive_reason="x", by=by, now=NOW), "phase", "M"),
        (lambda pk, by: actions.stand_down(incident_id=pk, reason="a test", by=by, now=NOW), "stand_down", "Stood down"),
    ],
)  # fmt: skip
def test_an_act_that_is_a_decision_stands_in_the_log(ada, incident, act, kind, choice):
    act(incident.pk, ada)

    (entry,) = incident.decisions.filter(kind=kind)
    assert entry.choice.startswith(choice) and (entry.by, entry.role, entry.severity) == (
        ada,
        "product_marketing",
        "major",
    )
    assert not entry.is_break_glass and len(entry.options) > 1


def test_declaring_is_the_decision_to_start_the_protocol(ada, incident):
    (entry,) = incident.decisions.all()

    assert (entry.kind, entry.choice) == ("protocol", "Crisis protocol, major")


def test_who_lost_the_right_to_the_protocol_declares_nothing(ada):
    data = policy.current("decisions")
    data["rights"]["protocol"]["critical"] = ["legal"]
    policy.replace(key="decisions", data=data, by=None, now=NOW)

    with pytest.raises(NotAllowed, match="start the crisis protocol"):
        factories.make_incident(ada, severity="critical")
    assert not Incident.objects.exists()


def test_an_executive_who_sees_it_moves_and_stands_down_by_right(ben, incident):
    actions.let_see(incident=incident, person=ben)

    actions.stand_down(incident_id=incident.pk, reason="It was a drill of the bank", by=ben, now=NOW)

    incident.refresh_from_db()
    assert incident.stood_down and not incident.component_states.open().exists()


# Breaking the glass


def break_it(incident, by, reason="Nobody of the right can be reached"):
    return actions.change_severity(incident_id=incident.pk, severity="critical", by=by, now=NOW, break_glass=reason)


def test_the_glass_breaks_with_a_reason_and_everybody_hears(ada, ben, olga, cs, incident):
    break_it(incident, cs)

    incident.refresh_from_db()
    entry = incident.decisions.get(kind="severity")
    assert incident.severity == "critical" and entry.is_break_glass and entry.role == ""
    assert entry.reason == "Nobody of the right can be reached"
    told = set(Notice.objects.filter(kind="break_glass").values_list("person", flat=True))
    assert {ada.pk, ben.pk, olga.pk} <= told
    (text,) = texts(incident, "decision.broke_glass")
    assert text.startswith("WITHOUT THE RIGHT, decided, severity: Critical") and "can be reached" in text


def test_without_a_reason_it_stays_whole(cs, incident):
    with pytest.raises(NotAllowed):
        break_it(incident, cs, "  ")
    assert not Notice.objects.filter(kind="break_glass").exists()


def test_a_seller_cannot_break_it(cleo, incident):
    with pytest.raises(NotAllowed):
        break_it(incident, cleo)


def test_whoever_holds_the_right_breaks_nothing(ada, incident):
    break_it(incident, ada)

    assert not incident.decisions.get(kind="severity").is_break_glass


def test_of_a_restricted_incident_only_those_who_see_it_hear(ada, ben, olga, policies):
    security = factories.make_user("sven", roles=["security"])
    incident = factories.make_incident(ada, restricted=True)
    data = policy.current("decisions")
    data["rights"]["severity"]["major"] = ["legal"]
    policy.replace(key="decisions", data=data, by=None, now=NOW)

    break_it(incident, security)

    told = Notice.objects.filter(kind="break_glass")
    assert {notice.person for notice in told} == {ada, security, olga}
    mail = mails.decisions.break_glass(told.get(person=ada), NOW)
    assert incident.title not in mail.subject + " ".join(mail.paragraphs)


def test_the_log_cannot_be_changed_or_cut(ada, incident):
    with pytest.raises(InternalError, match="Cannot update or delete"), transaction.atomic():
        Decision.objects.update(choice="Something else")
    with pytest.raises(InternalError, match="Cannot update or delete"), transaction.atomic():
        Decision.objects.all().delete()


@pytest.mark.parametrize("fields", [{"role": "", "is_break_glass": False}, {"role": "", "is_break_glass": True}])
def test_the_database_knows_no_decision_without_right_or_reason(ada, incident, fields):
    with pytest.raises(IntegrityError, match="decision_without_the_right_has_a_reason"):
        Decision.objects.create(
            incident=incident, kind="severity", severity="major", question="?", choice="!", by=ada, at=NOW, **fields
        )


# What is noted by hand


def noted(incident, by, **fields):
    values = {
        "kind": "timing", "question": "Before or after the market opens?", "options": ["Before", "After"],
        "choice": "Before", "reason": "Customers trade from nine", **fields,
    }  # fmt: skip
    return actions.note_decision(incident_id=incident.pk, by=by, now=NOW, **values)


def test_a_decision_is_noted_with_its_options_and_reason(ada, incident):
    entry = noted(incident, ada)

    assert (entry.options, entry.choice, entry.reason) == (["Before", "After"], "Before", "Customers trade from nine")
    assert texts(incident, "decision.taken") == ["Decided, timing: Before. Reason: Customers trade from nine"]


@pytest.mark.parametrize(
    "fields", [{"question": " "}, {"choice": " "}, {"reason": ""}, {"kind": "severity"}, {"kind": "x"}]
)
def test_half_a_decision_is_refused(ada, incident, fields):
    with pytest.raises(Refused):
        noted(incident, ada, **fields)
    assert incident.decisions.count() == 1


def test_it_is_noted_only_by_who_may_decide_it(legal, incident):
    with pytest.raises(NotAllowed, match="Product marketing"):
        noted(incident, legal)
    assert noted(incident, legal, break_glass="Ada is on a plane").is_break_glass


# How much is said


@pytest.mark.parametrize(
    ("kind", "decided", "closed"),
    [
        ("service_disruption", "", set()),
        ("product_quality", "", set()),
        ("security_incident", "", {"status", "portal"}),
        ("compliance_failure", "", {"status", "portal"}),
        ("ethics_controversy", "", {"status", "portal"}),
        *[(kind, "minimal", {"status", "portal"}) for kind in Incident.Kind.values],
        *[(kind, "selective", {"status"}) for kind in Incident.Kind.values],
        *[(kind, "transparent", set()) for kind in Incident.Kind.values],
    ],
)
def test_each_level_closes_its_channels(policies, kind, decided, closed):
    assert set(disclosure.closed_channels(Incident(kind=kind, disclosure=decided))) == closed


def test_a_level_is_decided_with_its_reason(legal, incident):
    decide(incident, "selective", legal)

    incident.refresh_from_db()
    entry = incident.decisions.get(kind="disclosure")
    assert incident.disclosure == "selective" and (entry.choice, entry.role) == ("Selective", "legal")


def test_of_two_who_decide_the_second_sees_the_first(ada, legal, incident):
    decide(incident, "selective", legal)

    with pytest.raises(Conflict, match="it is selective now"):
        decide(incident, "transparent", ada)


@pytest.mark.parametrize("fields", [{"level": "total"}, {"level": "minimal", "reason": " "}])
def test_no_level_without_a_reason_and_none_that_is_not_there(legal, incident, fields):
    with pytest.raises(Refused):
        decide(incident, by=legal, **fields)


def test_a_closed_channel_keeps_a_text_from_approval_and_says_why(ada, policies):
    incident = factories.make_incident(ada, kind="security_incident")
    content = factories.make_content(channels=["email", "status"])

    faults = checking.faults_for_approval(content, incident, NOW, "holding")

    assert faults["channels"].startswith("Status page: Nobody has decided the disclosure level yet.")


def test_a_new_draft_leaves_closed_channels_out(ada, policies):
    from messaging import actions as messaging

    incident = factories.make_incident(ada, kind="security_incident")

    message = messaging.start_message(incident_id=incident.pk, kind="holding", by=ada, now=NOW)

    assert message.working["channels"] == ["email"]


def test_what_was_approved_does_not_leave_by_a_channel_that_closed_since(ada, ben, legal, incident):
    message = factories.make_approved(incident, ada, ben)
    decide(incident, "minimal", legal)

    with pytest.raises(Refused, match="leaves this channel closed"):
        factories.order(message, ada)


def test_what_waits_in_its_hold_is_stopped_when_its_channel_closes(ada, ben, legal, incident):
    from delivery import actions as delivery

    dispatches = factories.order(factories.make_approved(incident, ada, ben), ada)
    decide(incident, "minimal", legal)

    states = {one.channel: delivery.release_due(dispatch_id=one.pk, now=NOW) for one in dispatches}

    assert states == {"email": "running", "status": "stopped", "portal": "stopped"}


# Pages


def test_the_log_shows_who_decides_and_takes_a_note(browse, ada, incident):
    url = reverse("incidents:decisions", args=[incident.number])
    page = browse(ada, url)
    assert b"Crisis protocol, major" in page.content and b"Legal, Executive or Product marketing" in page.content

    answer = browse(ada, url, {"kind": "timing", "question": "When?", "choice": "Now", "reason": "It hurts now"})

    assert answer.status_code == 302 and incident.decisions.filter(choice="Now").exists()


def test_what_was_typed_stays_when_it_is_refused(browse, legal, incident):
    url = reverse("incidents:decisions", args=[incident.number])

    answer = browse(legal, url, {"kind": "timing", "question": "When?", "choice": "Now", "reason": "It hurts now"})

    assert answer.status_code == 422
    assert b"You may not decide when it leaves" in answer.content and b"It hurts now" in answer.content


def test_disclosure_shows_three_levels_with_what_they_open_and_close(browse, legal, incident):
    url = reverse("incidents:disclosure", args=[incident.number])
    page = browse(legal, url).content.decode()
    assert all(words in page for words in ("Minimal", "Selective", "Transparent", "Gains", "Costs", "Counts now"))

    browse(legal, url, {"level": "minimal", "reason": "Only two accounts", "seen": ""})

    incident.refresh_from_db()
    assert incident.disclosure == "minimal"


def test_somebody_without_the_right_is_told_who_may_and_what_breaking_the_glass_means(browse, cs, incident):
    page = browse(cs, reverse("incidents:disclosure", args=[incident.number])).content.decode()

    assert "You may not decide how much is disclosed" in page and "everybody is told at once" in page


@pytest.mark.parametrize("who", ["ada", "carla", "lena"])
def test_the_room_offers_exactly_what_the_abilities_say(browse, request, cs, legal, ada, incident, who):
    person = {"ada": ada, "carla": cs, "lena": legal}[who]
    page = browse(person, reverse("desk:room", args=[incident.number])).content.decode()

    can = abilities.of(incident, person, NOW)
    for key, address in (("move", "move"), ("severity", "severity"), ("stand_down", "stand_down")):
        form = f'action="{reverse(f"incidents:{address}", args=[incident.number])}"'
        assert (form in page) == can[key].shown
    assert page.count("not your decision") == sum(
        answer.fits and answer.may_break_glass and answer.key in ("move", "severity", "stand_down")
        for answer in can.values()
    )
