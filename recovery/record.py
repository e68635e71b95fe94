"""What recovery brings to an incident's record: its tasks with what shows that they are done."""

from typing import Any

from django.urls import reverse

from incidents.models import Incident
from incidents.record import documents
from incidents.record import parts as record_parts
from incidents.record.documents import Check, Document
from incidents.record.parts import Part, moment, person
from recovery import actions
from recovery.models import RecoveryTask


def _tasks(incident: Incident) -> list[dict[str, Any]]:
    return [
        {
            "phase": str(one.get_phase_display()),
            "task": one.title,
            "owner": person(one.owner),
            "due_at": moment(one.due_at),
            "state": str(one.get_state_display()),
            "evidence_or_reason": one.evidence,
            "ended_at": moment(one.done_at),
            "ended_by": person(one.done_by),
        }
        for one in incident.recovery_tasks.select_related("owner", "done_by").order_by("position")
    ]


def _board(incident: Incident) -> str:
    return reverse("recovery:board", args=[incident.number])


def _done(key: str) -> Check:
    """With evidence: a task that was waived shows nothing, so the record has to be let go without it by name."""
    return lambda incident: incident.recovery_tasks.filter(key=key, state=RecoveryTask.State.DONE).exists()


record_parts.register(Part("recovery", "Recovery: thirty, sixty, ninety days", _tasks, 400))
for _key, _task, _label in (
    ("explanation_sent", "customer-explanation", "The full explanation to customers"),
    ("analysis_published", "incident-analysis", "The published analysis"),
):
    documents.register(Document(_key, _label, _done(_task), _board, "The owner of the task"))
documents.register(
    Document(
        "recovery_settled",
        "Each task of the ninety days, done or waived",
        actions.all_done,
        _board,
        "Owners of the tasks",
    )
)
