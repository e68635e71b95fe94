"""`manage.py import_statuspage`: another page's history as closed incidents, whole or not at all, and never twice."""

import copy
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from crisiscomms import audit
from crisiscomms.models import AuditEvent, Notice
from crisiscomms.refusal import Refused
from delivery.models import Dispatch
from incidents import actions, history
from incidents.history import reading, texts
from incidents.models import Component, ComponentState, Deadline, ImportedIncident, ImportedUpdate, Incident
from messaging.models import Message
from recovery.models import RecoveryTask
from tests import factories
from tests.conftest import NOW

FILE = Path(__file__).parents[1] / "data" / "statuspage-history.json"
DATA = json.loads(FILE.read_text(encoding="utf-8"))


def at(text):
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.fixture
def load(olga, tmp_path):
    """Run the command on data, bytes or the fictional file; what it printed, as lines."""

    def run(data=None, **options):
        path = tmp_path / "history.json"
        path.write_bytes(data if isinstance(data, bytes) else json.dumps(data or DATA).encode())
        out = io.StringIO()
        call_command("import_statuspage", str(path), stdout=out, **options)
        return out.getvalue().splitlines()

    return run


def changed(*path, to):
    """The fictional file with one value changed, or taken out (`...`)."""
    data = copy.deepcopy(DATA)
    part = data
    for step in path[:-1]:
        part = part[step]
    if to is ...:
        del part[path[-1]]
    else:
        part[path[-1]] = to
    return data


@pytest.fixture
def cards(load):
    load()
    return Incident.objects.get(title="Card payments fail in part")


def test_it_makes_closed_incidents_and_says_what_it_made(load, olga):
    made = factories.make_incident(olga)

    assert load() == [
        "From Fernhollow, https://status.fernhollow.example:",
        "new incidents: 2",
        "new updates: 6",
        "states of components: 4",
        "here already: 0",
        "not over yet, left out: 1",
        "components made under the product “Fernhollow”: Search & reports",
    ]
    work, cards = Incident.objects.exclude(pk=made.pk).order_by("number")
    assert (work.number, cards.number) == (made.number + 1, made.number + 2)
    assert (work.severity, cards.severity) == ("minor", "major")
    assert {(one.phase, one.kind, one.lead) for one in (work, cards)} == {("closed", "service_disruption", olga)}
    assert (cards.began_at, cards.closed_at) == (at("2025-03-02T10:00:00Z"), at("2025-03-02T11:30:00.5Z"))
    assert cards.imported.source == "https://status.fernhollow.example" and cards.imported.external_id == "inc0cards"


def test_updates_keep_their_words_and_times_as_harmless_text(cards):
    told = [(one.stage, one.at, one.text) for one in cards.imported_updates.order_by("at")]

    assert told == [
        ("investigating", at("2025-03-02T10:05:00Z"), "We are looking into failing payments."),
        ("identified", at("2025-03-02T10:20:00Z"), "Found: a full disk & nothing worse."),
        ("monitoring", at("2025-03-02T11:00:00Z"), "A fix is in place:\n\n- EU is back\n- the rest follows"),
        ("resolved", at("2025-03-02T11:30:00.5Z"), "This is resolved.\n\nThank you for your patience & your notes."),
    ]


def test_components_have_their_states_from_when_to_when(load):
    ours = factories.make_component("card payments")
    load()
    cards = Incident.objects.get(title="Card payments fail in part")
    stretches = sorted(cards.component_states.all(), key=lambda one: (one.began_at, one.component.name.capitalize()))

    assert [
        (one.component.name.capitalize(), one.state, f"{one.began_at:%H:%M}", f"{one.ended_at:%H:%M}")
        for one in stretches
    ] == [
        ("Card payments", "partial", "10:05", "10:20"),
        ("Card payments", "outage", "10:20", "11:00"),
        ("Search & reports", "degraded", "10:20", "11:00"),
        ("Card payments", "degraded", "11:00", "11:30"),
    ]
    assert all(one.released for one in stretches)
    assert ComponentState.objects.filter(component=ours).count() == 3 and Component.objects.count() == 2


def test_nothing_pretends_that_it_was_led_here(cards, olga):
    for model in (Message, Dispatch, Deadline, Notice, RecoveryTask):
        assert not model.objects.exists()
    assert not cards.team.exists() and not cards.milestones.exists()
    assert not AuditEvent.objects.filter(chain=cards.chain).exists()
    event = AuditEvent.objects.get(verb="history.imported")
    assert event.actor == olga and "https://status.fernhollow.example" in event.detail.text
    assert list(audit.faults(audit.INSTALLATION)) == []


def test_again_makes_nothing_twice_and_adds_what_is_new(load):
    load()
    again = load()
    analysis = {"id": "upd0e", "status": "postmortem", "body": "Why.", "display_at": "2025-03-05T09:00:00Z"}
    data = changed("incidents", 1, "incident_updates", to=[analysis, *DATA["incidents"][1]["incident_updates"]])

    assert again[1:5] == ["new incidents: 0", "new updates: 0", "states of components: 0", "here already: 2"]
    assert AuditEvent.objects.filter(verb="history.imported").count() == 1
    assert load(data)[1:3] == ["new incidents: 0", "new updates: 1"]
    assert ImportedIncident.objects.count() == 2 and ImportedUpdate.objects.count() == 7
    assert Component.objects.filter(name="Search & reports").count() == 1


BODY = ("incidents", 1, "incident_updates", 2)
BAD = {
    "The file is not JSON": b"{",
    "The file is not JSON that": b"[" * 200_000,
    "not JSON that can be read": b"\xff\xfe{}",
    "The file is no object": b"[]",
    "page is no object": {"incidents": []},
    "page.url is no text": changed("page", "url", to=7),
    "incidents is no list": changed("incidents", to={}),
    "incidents[1].name is no text": changed("incidents", 1, "name", to="<br>"),
    "incidents[1].impact is none of none, minor": changed("incidents", 1, "impact", to="enormous"),
    "incidents[2].status is none of": changed("incidents", 2, "status", to=["resolved"]),
    "incidents[1].created_at is no time": changed("incidents", 1, "created_at", to=...),
    "incidents[1].started_at has no time zone": changed("incidents", 1, "started_at", to="2025-03-02T10:00:00"),
    "incidents[1].resolved_at cannot be meant": changed("incidents", 1, "resolved_at", to="2031-01-01T00:00:00Z"),
    "incidents[1].incident_updates[2].display_at is no time": changed(*BODY, "display_at", to="yesterday"),
    "incidents[1].incident_updates is empty": changed("incidents", 1, "incident_updates", to=[]),
    "incidents[2].id “inc0cards” stands there twice": changed("incidents", 2, "id", to="inc0cards"),
    "incidents[1].incident_updates[1].id “upd0d” stands": changed(
        "incidents", 1, "incident_updates", 1, "id", to="upd0d"
    ),
    "affected_components[0].new_status is none of": changed(*BODY, "affected_components", 0, "new_status", to="gone"),
}


@pytest.mark.parametrize("sentence", BAD)
def test_a_bad_file_is_refused_by_a_sentence_that_names_the_place(load, sentence):
    with pytest.raises(CommandError) as refusal:
        load(BAD[sentence])

    assert sentence in str(refusal.value) and str(refusal.value).endswith("Nothing was imported.")
    assert not Incident.objects.exists() and not Component.objects.exists()


def test_too_large_a_file_and_too_many_incidents_are_refused(load, monkeypatch):
    monkeypatch.setattr(reading, "MAX_INCIDENTS", 2)
    with pytest.raises(CommandError, match="has 3 entries, and at most 2"):
        load()
    monkeypatch.setattr(reading, "MAX_BYTES", 1024 * 1024)
    with pytest.raises(CommandError, match="larger than 1 MB"):
        load(b" " * (1024 * 1024 + 1))


def test_a_fault_while_writing_leaves_nothing(load, monkeypatch):
    def break_off(**_):
        raise Refused("No record. Nothing was imported.")

    monkeypatch.setattr(audit, "record", break_off)
    with pytest.raises(CommandError, match="No record"):
        load()
    assert not Incident.objects.exists() and not ImportedUpdate.objects.exists()


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a<br>b", "a\nb"),
        ("<img src=x onerror=alert(1)>hello", "hello"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert(1)</script>"),
        ("<style>p{}</style>x\u202ey\x00z\ud800", "xyz"),
        ("1 < 2 & 3 > 2", "1 < 2 & 3 > 2"),
    ],
)
def test_html_becomes_text(source, text):
    assert texts.plain(source) == text


def test_only_an_administrator_answers_for_it(load, ada, olga):
    with pytest.raises(CommandError, match=r"ada@team\.example is no active administrator"):
        load(by="ada@team.example")
    with pytest.raises(Refused, match="Administrator"):
        actions.import_history(history=history.History("https://x.example", "X"), by=ada, now=NOW)
    olga.is_active = False
    olga.save()
    with pytest.raises(CommandError, match="no administrator yet"):
        load()


def test_the_public_and_the_team_read_it_and_see_where_it_is_from(cards, ada, browse):
    public = browse(None, f"/status/incidents/{cards.ref}/").content.decode()
    assert "Found: a full disk &amp; nothing worse." in public and "our earlier status page, Fernhollow" in public
    assert cards.ref in browse(None, "/status/history/").content.decode()
    assert cards.title not in browse(None, "/status/").content.decode()
    room = browse(ada, f"/incidents/{cards.ref}/").content.decode()
    assert "nothing of it was approved or sent from here" in room and "https://status.fernhollow.example" in room
    assert "Not yet" not in room and "from <bdi>Fernhollow" in browse(ada, "/incidents/").content.decode()
