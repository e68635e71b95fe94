"""What has to be on record: who looks, who adds, what is waived, and what may never change."""

import pytest
from django.core.files.base import ContentFile
from django.db import DatabaseError, IntegrityError

from crisiscomms import audit, personal, policy
from crisiscomms.models import AuditEvent
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import actions
from incidents.models import DocumentWaiver, Incident, RecordDocument
from incidents.record import documents
from incidents.rules.documents import DocumentRules
from tests import factories
from tests.conftest import NOW
from tests.incidents.record_ground import PNG, add


@pytest.fixture
def incident(ada, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return factories.make_incident(ada)


def line(incident, key):
    return next(one for one in documents.of(incident) if one.key == key)


def put_policy(change):
    data = policy.current("documents")
    change(data)
    policy.replace(key="documents", data=data, by=None, now=NOW)


def test_what_is_asked_for_follows_phase_kind_and_severity(ada, incident):
    breach = factories.make_incident(ada, kind="security_incident", severity="minor", components={})

    of_disruption, of_breach = ({one.key for one in documents.of(each)} for each in (incident, breach))

    assert {"regulator_filings", "data_affected"} <= of_breach - of_disruption
    assert {"halt_list", "contract_duties"} <= of_disruption - of_breach
    assert {one.phase for one in documents.of(incident) if one.is_due} == {"initial_response"}


def test_completeness_is_a_count_of_what_is_asked_for_by_now(ada, incident):
    found = documents.completeness(incident)
    assert (found.words, {one.key for one in found.missing}) == (
        "2 of 5",
        {"acknowledgement_sent", "verified", "severity_reason"},
    )

    actions.reach_milestone(incident=incident, kind="verified", by=ada, now=NOW)
    add(incident, ada, key="severity_reason", text="Half of all payments fail.")

    assert documents.completeness(incident).words == "4 of 5"


def test_a_house_that_looks_wins_over_paper(ada, incident, monkeypatch):
    add(incident, ada, key="severity_reason", text="Half of all payments fail.")
    monkeypatch.setitem(
        documents._documents, "severity_reason", documents.Document("severity_reason", "Decided", lambda one: False)
    )

    assert not line(incident, "severity_reason").is_there
    with pytest.raises(Refused, match="does not ask for such a document"):
        add(incident, ada, key="severity_reason", text="Another")


def test_a_decision_with_its_reason_does_as_well_as_paper(ada, olga, incident):
    assert not line(incident, "severity_reason").is_there

    actions.change_severity(incident_id=incident.pk, severity="critical", reason="All of them fail", by=olga, now=NOW)

    assert line(Incident.objects.get(pk=incident.pk), "severity_reason").is_there


def test_facts_are_on_record_once_what_is_known_is_confirmed(ada, incident):
    actions.move_phase(incident_id=incident.pk, to="management", waive_reason="x", by=ada, now=NOW)
    suri = factories.make_user("suri", roles=["product"])
    fact = incident.facts.get(key="cause")
    there = []
    for confidence in ("believed", "confirmed"):
        fact.refresh_from_db()
        actions.change_fact(
            fact_id=fact.pk, seen=fact.version, value="A failover", confidence=confidence, source="The log",
            by=suri, now=NOW,
        )  # fmt: skip
        there.append(line(Incident.objects.get(pk=incident.pk), "facts_confirmed").is_there)

    assert there == [False, True]


def test_how_much_is_disclosed_decides_whether_a_statement_has_to_stand_ready(incident):
    def asked(level):
        incident.disclosure = level
        return "stand_ready_statement" in {one.key for one in documents.of(incident)}

    assert [asked(level) for level in ("minimal", "selective", "transparent", "")] == [True, True, False, False]


def test_a_later_document_supersedes_and_deletes_nothing(ada, incident):
    first = add(incident, ada, key="severity_reason", title="First", text="Because")
    second = add(incident, ada, key="severity_reason", title="Second", text="Rather because")
    add(incident, ada, title="Another", text="x"), add(incident, ada, title="Thing", text="y")

    assert second.supersedes == first and line(incident, "severity_reason").attached == second
    assert incident.documents.count() == 4 and incident.documents.current().count() == 3


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Write a note"),
        ({"text": " "}, "Write a note"),
        ({"title": " ", "text": "x"}, "title"),
        ({"url": "javascript:alert(1)"}, "https://"),
        ({"url": "https://"}, "https://"),
        ({"text": "x", "key": "no_such"}, "does not ask"),
        ({"text": "x", "key": "data_affected"}, "does not ask"),
        ({"text": "x", "key": "verified"}, "does not ask"),
        ({"file": ContentFile(b"<script>", "x.html")}, "not taken"),
        ({"file": ContentFile(b"<svg>", "x.svg")}, "not taken"),
        ({"file": ContentFile(b"x", "noending")}, "not taken"),
        ({"file": ContentFile(b"", "x.pdf")}, "empty"),
    ],
)
def test_what_is_no_document_is_refused_in_words(fields, words, ada, incident):
    with pytest.raises(Refused, match=words):
        add(incident, ada, **fields)

    assert not incident.documents.exists()


def test_a_file_is_kept_under_a_name_of_ours_with_its_digest_and_bounded(ada, incident):
    put_policy(lambda data: data.update(file_megabytes=1))
    kept = add(incident, ada, file=ContentFile(PNG, "../../evil\u202egnp.png"))

    assert kept.file_size == len(PNG) and len(kept.sha256) == 64
    assert ".." not in kept.file.name and "evil" not in kept.file.name and kept.file_name == "evilgnp.png"
    with pytest.raises(Refused, match="larger than 1 MB"):
        add(incident, ada, file=ContentFile(bytes(1024 * 1024 + 1), "big.pdf"))


def test_only_who_works_on_it_adds_and_only_who_leads_waives(ada, ben, cleo, incident):
    support = factories.make_user("sven", roles=["support"])
    for person in (ben, cleo):
        with pytest.raises(NotAllowed):
            add(incident, person, text="x")
    add(incident, support, text="x")

    with pytest.raises(NotAllowed, match="Product marketing"):
        actions.waive_document(incident_id=incident.pk, key="severity_reason", reason="x", by=support, now=NOW)


def waive(incident, by, **fields):
    values = {"key": "severity_reason", "reason": "Nobody asked", "by": by, "now": NOW, **fields}
    return actions.waive_document(incident_id=incident.pk, **values)


def test_a_waiver_has_a_name_and_a_reason_and_counts_as_nothing_owed(ada, incident):
    with pytest.raises(Refused, match="Say why"):
        waive(incident, ada, reason=" ")
    waive(incident, ada)

    assert line(incident, "severity_reason").waiver.reason == "Nobody asked"
    assert documents.completeness(incident).words == "3 of 5"
    assert AuditEvent.objects.get(verb="document.waived").detail.text.endswith("Reason: Nobody asked")
    with pytest.raises(Conflict, match="Nobody asked"):
        waive(incident, ada)
    with pytest.raises(Refused, match="nothing to waive"):
        waive(incident, ada, key="team_known")


def test_a_phase_ends_without_paper_unless_the_policy_says_otherwise(ada):
    data = policy.current("incidents")
    begun = next(phase for phase in data["phases"] if phase["key"] == "initial_response")
    begun["exit_criteria"].append({"key": "paper", "text": "All on record", "check": "record_complete"})
    policy.replace(key="incidents", data=data, by=None, now=NOW)
    incident = factories.make_incident(ada)
    actions.reach_milestone(incident=incident, kind="acknowledged", by=None, now=NOW)
    actions.reach_milestone(incident=incident, kind="verified", by=ada, now=NOW)

    with pytest.raises(Refused, match="All on record"):
        actions.move_phase(incident_id=incident.pk, to="management", by=ada, now=NOW)
    for key in ("severity_reason", "acknowledgement_sent"):
        waive(incident, ada, key=key)
    actions.move_phase(incident_id=incident.pk, to="management", by=ada, now=NOW)


def test_of_what_was_stood_down_only_the_beginning_is_asked_for(ada, incident):
    actions.stand_down(incident_id=incident.pk, reason="A false alarm", by=ada, now=NOW)

    assert {one.phase for one in documents.of(Incident.objects.get(pk=incident.pk)) if one.is_due} == {
        "initial_response"
    }


def test_without_a_policy_nothing_is_asked_for(ada, incident):
    from crisiscomms.models import Policy

    Policy.objects.filter(key="documents").delete()

    assert documents.of(incident) == [] and documents.is_complete(incident)
    add(incident, ada, text="x")


def test_asking_costs_the_same_however_much_is_there(ada, incident, django_assert_max_num_queries):
    for number in range(8):
        add(incident, ada, title=f"T{number}", text="x")

    with django_assert_max_num_queries(14):
        documents.for_room(Incident.objects.get(pk=incident.pk))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data["phases"].update(nowhere=[]), "is no phase"),
        (lambda data: data["phases"]["closed"].append({"key": "no_such"}), "is not a document"),
        (lambda data: data["phases"]["closed"].append({"key": "verified"}), "twice"),
        (lambda data: data["documents"].append(data["documents"][0]), "twice"),
        (lambda data: data["documents"][0].update(role="boss"), "is not a role"),
        (lambda data: data["phases"]["closed"][0].update(kinds=["flood"]), "may hold only"),
        (lambda data: data.update(file_megabytes=51), "less than or equal to 50"),
    ],
)
def test_a_policy_that_does_not_fit_is_refused(change, words, policies):
    data = policy.current("documents")
    change(data)

    with pytest.raises(policy.BadPolicy, match=words):
        policy.checked(policy.description_of("documents"), data)


def test_the_shipped_policy_fits_and_everything_it_asks_for_can_be_there(policies):
    data = policy.current("documents")

    DocumentRules.model_validate(data)
    asked = {one["key"] for entries in data["phases"].values() for one in entries}
    assert asked <= set(documents.on_paper(data)) | set(documents.registered())
    assert set(documents.on_paper(data)) <= asked


# What is on record stays


def test_the_database_refuses_to_change_or_delete_what_is_on_record(ada, incident):
    kept = add(incident, ada, text="x")
    waive(incident, ada)

    for change in ({"text": "y"}, {"erased_at": NOW}, {"title": "(erased)", "erased_at": NOW}):
        with pytest.raises(DatabaseError, match="record_document_is_only_erased"), audit.transaction.atomic():
            RecordDocument.objects.filter(pk=kept.pk).update(**change)
    with pytest.raises(DatabaseError, match="record_document_is_only_erased"), audit.transaction.atomic():
        RecordDocument.objects.filter(pk=kept.pk).delete()
    with pytest.raises(DatabaseError, match="Cannot update"), audit.transaction.atomic():
        DocumentWaiver.objects.update(reason="Other")


def test_the_database_refuses_a_document_that_holds_nothing(ada, incident):
    with pytest.raises(IntegrityError, match="record_document_holds_something"):
        RecordDocument.objects.create(incident=incident, title="x", added_by=ada, added_at=NOW)


def test_who_asks_to_be_forgotten_is_erased_from_documents_and_the_record_still_verifies(ada, olga, incident):
    contact = factories.make_contact("lena@bluegate.example")
    kept = add(incident, ada, title="Call with lena@bluegate.example", text="Said yes", file=ContentFile(PNG, "a.png"))
    other = add(incident, ada, title="Something else", text="stays")
    person = personal.Person(contact.address, contact.pk, contact.email)
    assert personal.export(person)["documents"][0]["text"] == "Said yes"

    personal.erase(person=person, by=olga, now=NOW)

    kept.refresh_from_db()
    assert (kept.title, kept.text, kept.file.name, kept.sha256 != "") == ("(erased)", "", "", True)
    assert RecordDocument.objects.get(pk=other.pk).text == "stays"
    assert list(audit.faults(incident.chain)) == []
