"""What the page of the record shows."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

from crisiscomms import audit
from crisiscomms.models import AuditEvent, ControlChange, User
from incidents import access
from incidents.models import Incident, RecordExport
from incidents.record import documents, making
from incidents.record.documents import Line

ENTRIES = 100
# Checking a chain reads all of it. Longer ones are checked when somebody asks.
CHECKED_AT_ONCE = 2_000
FAULTS_SHOWN = 10


@dataclass(frozen=True)
class Row:
    """A requirement, and who of the team holds the role whose job it is."""

    line: Line
    people: list[User]


def page(incident: Incident, person: User, *, everything: bool, check: bool) -> dict[str, Any]:
    lines = documents.of(incident)
    rows = [Row(line, people) for line, people in zip(lines, _people(incident, lines), strict=True)]
    return {
        "whole": documents.completeness(incident, lines),
        "missing": [row for row in rows if row.line.is_missing],
        "phases": _phases(incident, rows),
        "papers": incident.documents.select_related("added_by", "superseded_by").order_by("-pk"),
        "may_work": access.may(person, "work", incident),
        "may_lead": access.may(person, "lead", incident),
        **_entries(incident, everything),
        **_chain(incident, check),
        **exports(incident, person),
    }


def _people(incident: Incident, lines: list[Line]) -> list[list[User]]:
    """For each line, those of the team who hold the role that it names."""
    papers = documents.on_paper(documents.rules())
    team = [member.person for member in incident.team.select_related("person")]
    roles = [papers[line.key]["role"] if line.key in papers and not line.is_looked_up else "" for line in lines]
    return [[one for one in team if role and role in one.roles][:3] for role in roles]


def _phases(incident: Incident, rows: list[Row]) -> list[dict[str, Any]]:
    found = []
    for key, label in Incident.Phase.choices:
        own = [row for row in rows if row.line.phase == key]
        if own:
            there = sum(not row.line.is_missing for row in own)
            found.append({"label": label, "rows": own, "is_due": own[0].line.is_due, "there": there})
    return found


def _entries(incident: Incident, everything: bool) -> dict[str, Any]:
    found = AuditEvent.objects.filter(chain=incident.chain).select_related("detail", "actor").order_by("-number")
    entries = list(found[: None if everything else ENTRIES])
    return {"entries": entries, "is_cut": bool(entries) and entries[-1].number > 1}


def _chain(incident: Incident, check: bool) -> dict[str, Any]:
    """Whether the chain is whole, also against where it had come at each export."""
    last = AuditEvent.objects.filter(chain=incident.chain).order_by("-number").values_list("number", flat=True).first()
    if (last or 0) > CHECKED_AT_ONCE and not check:
        return {"length": last, "is_checked": False, "faults": []}
    faults = audit.faults(incident.chain, anchors=making.anchors(incident))
    return {"length": last or 0, "is_checked": True, "faults": list(islice(faults, FAULTS_SHOWN))}


def exports(incident: Incident, person: User) -> dict[str, Any]:
    """What was taken out, and how far what is being made has come."""
    found = list(incident.exports.select_related("by")[:20])
    asked = ControlChange.objects.filter(kind="record_export", subject=f"record:{incident.pk}", state="open")
    return {
        "incident": incident,
        "may_export": access.may_export(person, incident),
        "exports": [_export(one, incident, person) for one in found],
        "is_making": any(one.is_waiting for one in found),
        "asked": asked.select_related("asked_by").first(),
    }


def _export(export: RecordExport, incident: Incident, person: User) -> dict[str, Any]:
    done, goal = making.progress_of(export) if export.is_waiting else (0, 0)
    return {"export": export, "done": done, "goal": goal, "may_fetch": access.may_fetch(person, export, incident)}
