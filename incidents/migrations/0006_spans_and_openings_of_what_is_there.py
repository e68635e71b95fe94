"""What incidents from before lack: when they were opened (when they were declared), and their stays in phases.

The stays are read from the record, where each move says “Phase: Management → Resolution”. Words that were erased, and
incidents taken over from elsewhere, give one stay: the present phase.
"""

import re

from django.db import migrations
from django.db.models import F

PHASES = {
    "Initial response": "initial_response",
    "Management": "management",
    "Resolution": "resolution",
    "Recovery": "recovery",
    "Closed": "closed",
}
MOVE = re.compile(r"Phase: [\w ]+ → (Initial response|Management|Resolution|Recovery|Closed)")


def forward(apps, schema_editor):
    Incident = apps.get_model("incidents", "Incident")
    PhaseSpan = apps.get_model("incidents", "PhaseSpan")
    Event = apps.get_model("crisiscomms", "AuditEvent")
    Incident.objects.update(opened_at=F("declared_at"), opened_by=F("declared_by"))
    moves = {}
    found = Event.objects.filter(verb="incident.moved").order_by("chain", "number")
    for chain, at, actor, text in found.values_list("chain", "at", "actor", "detail__text").iterator():
        moves.setdefault(chain, []).append((at, actor, MOVE.match(text or "")))
    spans = []
    for incident in Incident.objects.iterator():
        spans += _spans(PhaseSpan, incident, moves.get(f"INC-{incident.number}", []))
    PhaseSpan.objects.bulk_create(spans, batch_size=2000)


def _spans(PhaseSpan, incident, moves):
    stays = [("initial_response", incident.declared_at, incident.declared_by_id)]
    stays += [(PHASES[match.group(1)], at, actor) for at, actor, match in moves if match]
    if stays[-1][0] != incident.phase or any(match is None for _, _, match in moves):
        stays = [(incident.phase, incident.phase_since, None)]
    ends = [began for _, began, _ in stays[1:]] + [None]
    return [
        PhaseSpan(incident=incident, phase=phase, began_at=began, ended_at=max(end, began) if end else None, by_id=by)
        for (phase, began, by), end in zip(stays, ends)
    ]


def back(apps, schema_editor):
    """The release before knows no watch items and no milestones that were taken back."""
    Incident = apps.get_model("incidents", "Incident")
    apps.get_model("incidents", "Milestone").objects.exclude(undone_at=None).delete()
    declared = {"declared_at": F("opened_at"), "declared_by": F("lead")}
    Incident.objects.filter(phase="pre_crisis").update(phase="initial_response", **declared)
    Incident.objects.filter(declared_at=None).update(**declared)


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0005_lifecycle_whole"),
        ("crisiscomms", "0001_initial"),
    ]

    operations = [migrations.RunPython(forward, back)]
