"""Documentation requirements: what must be on record by which phase, what is there, and who could add the rest.

A house that can look for itself registers a check under the key that the policy asks for. Whatever nobody can look up
is put on record by a person: a note, a link or a file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from crisiscomms import policy
from crisiscomms.models import Policy, Role
from incidents import criteria, disclosure
from incidents.models import Decision, DocumentWaiver, Incident, RecordDocument

Check = Callable[[Incident], bool]
Path = Callable[[Incident], str]


def the_room(incident: Incident) -> str:
    return reverse("desk:room", args=[incident.number])


@dataclass(frozen=True)
class Document:
    """Something the product can look for itself. `url` is where it is done, `who` says by whom.

    `or_paper`: a document that a person put on record under this key does as well.
    """

    key: str
    label: str
    is_there: Check
    url: Path = the_room
    who: str = "Whoever works on the incident"
    or_paper: bool = False


@dataclass(frozen=True)
class Line:
    """One requirement of one incident. `is_due`: its phase has come. `attached` is what a person put there."""

    key: str
    label: str
    what: str
    phase: str
    is_there: bool
    url: str
    who: str
    is_due: bool
    is_looked_up: bool
    attached: RecordDocument | None = None
    waiver: DocumentWaiver | None = None

    @property
    def is_missing(self) -> bool:
        return self.is_due and not self.is_there and self.waiver is None


@dataclass(frozen=True)
class Completeness:
    """`there` counts what was waived with a reason too: nothing more is owed for it."""

    there: int
    total: int
    missing: list[Line]

    @property
    def words(self) -> str:
        return f"{self.there} of {self.total}"

    @property
    def is_complete(self) -> bool:
        return not self.missing


_documents: dict[str, Document] = {}


def register(document: Document) -> None:
    _documents[document.key] = document


def registered() -> dict[str, Document]:
    return dict(_documents)


def rules() -> dict[str, Any]:
    """The policy in force; nothing is asked for before one is loaded."""
    try:
        return policy.current("documents")
    except Policy.DoesNotExist:
        return {"documents": [], "phases": {}}


def on_paper(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What people put on record, by its key."""
    return {one["key"]: one for one in found["documents"]}


def label_of(key: str) -> str:
    """What a key is called: by the house that looks, else by the policy, else by itself."""
    if key in _documents:
        return _documents[key].label
    own = on_paper(rules()).get(key)
    return own["label"] if own else key.replace("_", " ").capitalize()


def of(incident: Incident) -> list[Line]:
    """What the policy asks for, phase by phase. Nothing of an incident that was led elsewhere and imported."""
    found = rules()
    if not found["phases"] or hasattr(incident, "imported"):
        return []
    attached = {one.key: one for one in incident.documents.current().select_related("added_by") if one.key}
    waivers = {one.key: one for one in incident.document_waivers.select_related("by")}
    reached, papers = _reached(incident), on_paper(found)
    return [
        _line(incident, entry["key"], phase, phase in reached, papers, attached, waivers)
        for phase in Incident.Phase.values
        for entry in found["phases"].get(phase, [])
        if _applies(entry, incident)
    ]


def _applies(entry: dict[str, Any], incident: Incident) -> bool:
    level = disclosure.counting(incident) if entry.get("disclosure") else ""
    return all(
        not wanted or having in wanted
        for wanted, having in (
            (entry.get("kinds"), incident.kind),
            (entry.get("severities"), incident.severity),
            (entry.get("disclosure"), level),
        )
    )


def _line(
    incident: Incident,
    key: str,
    phase: str,
    is_due: bool,
    papers: dict[str, dict[str, Any]],
    attached: dict[str, RecordDocument],
    waivers: dict[str, DocumentWaiver],
) -> Line:
    looked_up, paper = _documents.get(key), papers.get(key)
    takes_paper = looked_up is None or looked_up.or_paper
    there = (takes_paper and key in attached) or bool(looked_up and is_due and looked_up.is_there(incident))
    return Line(
        key=key,
        label=looked_up.label if looked_up else paper["label"] if paper else label_of(key),
        what=paper["what"] if paper else "",
        phase=phase,
        is_there=there,
        url=looked_up.url(incident) if looked_up and not takes_paper else _here(incident, key),
        who=str(Role(paper["role"]).label) if paper and takes_paper else looked_up.who if looked_up else "",
        is_due=is_due,
        is_looked_up=not takes_paper,
        attached=attached.get(key),
        waiver=waivers.get(key),
    )


def _here(incident: Incident, key: str) -> str:
    return f"{reverse('incidents:record', args=[incident.number])}?for={key}"


def _reached(incident: Incident) -> set[str]:
    """The phases that have come. What was stood down never came to those in between."""
    phases = set(incident.spans.values_list("phase", flat=True)) | {incident.phase}
    return phases - {Incident.Phase.CLOSED} if incident.stood_down else phases


def completeness(incident: Incident, lines: list[Line] | None = None) -> Completeness:
    due = [line for line in (of(incident) if lines is None else lines) if line.is_due]
    missing = [line for line in due if line.is_missing]
    return Completeness(len(due) - len(missing), len(due), missing)


def is_complete(incident: Incident) -> bool:
    return completeness(incident).is_complete


def for_room(incident: Incident) -> dict[str, Any]:
    """The room's section: how far the record is, and the first things that are missing."""
    found = completeness(incident)
    return {"whole": found, "missing": found.missing[:3], "more": max(0, len(found.missing) - 3)}


# Nothing ends only because paper is missing, unless a company writes this criterion into its policy.
criteria.register("record_complete", is_complete)


def _milestone(kind: str) -> Check:
    return lambda incident: incident.milestones.filter(kind=kind).exists()


register(Document("verified", "Who confirmed that it is real, and when", _milestone("verified")))
register(Document("root_cause", "The cause, once it was identified", _milestone("root_cause")))
register(Document("mitigated", "What eased it for customers, and when", _milestone("mitigated")))

register(Document("team_known", "Who leads and who works on it", lambda incident: incident.team.exists()))
register(
    Document(
        "affected_known",
        "What is affected",
        lambda incident: incident.component_states.exists(),
    )
)


def _decided(*kinds: str) -> Check:
    """The last of these decisions has its reason with it."""

    def look(incident: Incident) -> bool:
        last = incident.decisions.filter(kind__in=kinds).order_by("-at", "-pk").first()
        return last is not None and bool(last.reason.strip())

    return look


_Kind = Decision.Kind
register(Document("severity_reason", "Why this severity", _decided(_Kind.SEVERITY, _Kind.PROTOCOL), or_paper=True))
register(Document("disclosure_reason", "How much is said, and why", _decided(_Kind.DISCLOSURE), or_paper=True))
