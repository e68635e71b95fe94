"""What this house brings to a record that is taken out."""

from collections.abc import Iterator
from datetime import UTC
from pathlib import PurePath
from typing import Any

from django.core.files.storage import default_storage

from crisiscomms.models import AuditEvent
from incidents.models import CriterionTick, Incident, Milestone, RecordDocument
from incidents.record import documents
from incidents.record import parts as record_parts
from incidents.record.parts import Attachment, Part, moment, person


def _incident(incident: Incident) -> dict[str, Any]:
    return {
        "ref": incident.ref,
        "title": incident.title,
        "summary": incident.summary,
        "kind": str(incident.get_kind_display()),
        "severity": str(incident.get_severity_display()),
        "phase": str(incident.get_phase_display()),
        "lead": person(incident.lead),
        "restricted": incident.restricted,
        "exercise": incident.is_exercise,
        "stood_down": incident.stood_down,
        "began_at": moment(incident.began_at),
        "discovered_at": moment(incident.discovered_at),
        "opened_at": moment(incident.opened_at),
        "opened_by": person(incident.opened_by),
        "declared_at": moment(incident.declared_at),
        "declared_by": person(incident.declared_by),
        "disclosure": str(incident.get_disclosure_display()),
        "resolved_at": moment(incident.resolved_at),
        "closed_at": moment(incident.closed_at),
    }


def _milestones(incident: Incident) -> list[dict[str, Any]]:
    found = Milestone.ever.filter(incident=incident).select_related("by").order_by("reached_at", "pk")
    return [
        {
            "milestone": str(one.get_kind_display()),
            "reached_at": moment(one.reached_at),
            "by": person(one.by),
            "undone_at": moment(one.undone_at),
        }
        for one in found
    ]


def _spans(incident: Incident) -> list[dict[str, Any]]:
    return [
        {
            "phase": str(one.get_phase_display()),
            "began_at": moment(one.began_at),
            "ended_at": moment(one.ended_at),
            "by": person(one.by),
            "reason": one.reason,
        }
        for one in incident.spans.select_related("by").order_by("began_at", "pk")
    ]


def _decisions(incident: Incident) -> list[dict[str, Any]]:
    return [
        {
            "kind": str(one.get_kind_display()),
            "severity": str(one.get_severity_display()),
            "question": one.question,
            "options": one.options,
            "choice": one.choice,
            "reason": one.reason,
            "by": person(one.by),
            "in_the_role": str(one.get_role_display()),
            "at": moment(one.at),
            "glass_broken": one.is_break_glass,
        }
        for one in incident.decisions.select_related("by").order_by("at", "pk")
    ]


def _ticks(incident: Incident) -> list[dict[str, Any]]:
    found = CriterionTick.objects.filter(span__incident=incident).select_related("span", "by").order_by("at", "pk")
    return [
        {
            "phase": str(one.span.get_phase_display()),
            "criterion": one.key,
            "note": one.note,
            "by": person(one.by),
            "at": moment(one.at),
        }
        for one in found
    ]


def _team(incident: Incident) -> list[dict[str, Any]]:
    found = incident.team.select_related("person").order_by("joined_at", "pk")
    return [
        {"person": person(one.person), "role": str(one.get_role_display()), "joined_at": moment(one.joined_at)}
        for one in found
    ]


def _components(incident: Incident) -> list[dict[str, Any]]:
    found = incident.component_states.select_related("component__product").order_by("began_at", "pk")
    return [
        {
            "product": one.component.product.name,
            "component": one.component.name,
            "state": str(one.get_state_display()),
            "began_at": moment(one.began_at),
            "ended_at": moment(one.ended_at),
        }
        for one in found
    ]


def _deadlines(incident: Incident) -> list[dict[str, Any]]:
    found = incident.deadlines.select_related("owner").order_by("due_at", "pk")
    return [
        {
            "what": one.title,
            "owner": person(one.owner),
            "due_at": moment(one.due_at),
            "state": str(one.get_state_display()),
            "met_at": moment(one.met_at),
            "late": one.was_late,
            "waived_because": one.waived_reason,
        }
        for one in found
    ]


def _waivers(incident: Incident) -> list[dict[str, Any]]:
    criteria = [
        {"what": f"{one.get_phase_display()} ended without: {', '.join(one.keys)}", "reason": one.reason,
         "by": person(one.by), "at": moment(one.at)}
        for one in incident.waivers.select_related("by").order_by("at", "pk")
    ]  # fmt: skip
    papers = [
        {"what": f"Not on record: {one.label}", "reason": one.reason, "by": person(one.by), "at": moment(one.at)}
        for one in incident.document_waivers.select_related("by").order_by("at", "pk")
    ]
    return sorted(criteria + papers, key=lambda one: str(one["at"]))


def _required(incident: Incident) -> dict[str, Any]:
    lines = documents.of(incident)
    return {
        "complete": documents.completeness(incident, lines).words,
        "documents": [
            {
                "phase": str(Incident.Phase(line.phase).label),
                "document": line.label,
                "state": _state(line),
            }
            for line in lines
        ],
    }


def _state(line: documents.Line) -> str:
    if not line.is_due:
        return "Not asked for yet"
    if line.is_there:
        return "On record"
    return "Waived" if line.waiver else "Missing"


def _documents(incident: Incident) -> list[dict[str, Any]]:
    found = incident.documents.select_related("added_by", "superseded_by").order_by("pk")
    return [
        {
            "number": number,
            "document": documents.label_of(one.key) if one.key else "Something else",
            "title": one.title,
            "text": one.text,
            "link": one.url,
            "file": archived_name(number, one) if one.file else "",
            "file_was_called": one.file_name,
            "file_size": one.file_size,
            "file_sha256": one.sha256,
            "added_by": person(one.added_by),
            "added_at": moment(one.added_at),
            "superseded": hasattr(one, "superseded_by"),
            "erased_at": moment(one.erased_at),
        }
        for number, one in enumerate(found, start=1)
    ]


def archived_name(number: int, document: RecordDocument) -> str:
    """Ours, so that nothing typed by anybody names a file on somebody's disk."""
    return f"files/document-{number}-{document.sha256[:8]}{PurePath(document.file.name).suffix}"


def _files(incident: Incident) -> Iterator[Attachment]:
    for number, one in enumerate(incident.documents.order_by("pk"), start=1):
        if one.file:
            yield Attachment(archived_name(number, one), lambda name=one.file.name: default_storage.open(name))  # type: ignore[misc]


def _exports(incident: Incident) -> list[dict[str, Any]]:
    found = incident.exports.filter(state__in=["done", "gone"]).select_related("by").order_by("pk")
    return [
        {
            "by": person(one.by),
            "asked_at": moment(one.asked_at),
            "with_recipients": one.with_recipients,
            "sha256": one.sha256,
            "chain_ended_at": one.head_number,
            "chain_digest": one.head_digest,
        }
        for one in found
    ]


def chain(incident: Incident) -> dict[str, Any]:
    """Every event with its digests, and its words where they were not erased."""
    events = AuditEvent.objects.filter(chain=incident.chain).select_related("detail", "actor").order_by("number")
    return {"chain": incident.chain, "events": [_event(event) for event in events.iterator(chunk_size=2000)]}


def _event(event: AuditEvent) -> dict[str, Any]:
    return {
        "number": event.number,
        # As the digest has it.
        "at": event.at.astimezone(UTC).isoformat(),
        "recorded_at": moment(event.recorded_at),
        "actor": event.actor_id,
        "by": person(event.actor),
        "verb": event.verb,
        "subject": event.subject,
        "publishable": event.publishable,
        "text": event.detail.text,
        "data": event.detail.data,
        "erased_at": moment(event.detail.erased_at),
        "detail_digest": bytes(event.detail_digest).hex(),
        "previous": bytes(event.previous).hex(),
        "digest": bytes(event.digest).hex(),
    }


CHAIN = "chain"
for _part in (
    Part("incident", "The incident", _incident, 10),
    Part("required", "What has to be on record", _required, 20),
    Part("phases", "Phases", _spans, 25),
    Part("decisions", "What was decided, by whom and why", _decisions, 27),
    Part("ticks", "What was ticked before a phase ended", _ticks, 32),
    Part("milestones", "Milestones", _milestones, 30),
    Part("team", "Team", _team, 40),
    Part("components", "What was affected", _components, 50),
    Part("deadlines", "Clocks, kept and missed", _deadlines, 60),
    Part("waivers", "What was waived, by whom and why", _waivers, 70),
    Part("documents", "Documents put on record", _documents, 80),
    Part("exports", "Who took the record out before", _exports, 900),
    Part(CHAIN, "The record, entry by entry", chain, 950, "Each entry is chained to the one before it by its digest."),
):
    record_parts.register(_part)
record_parts.register_files("documents", _files)
