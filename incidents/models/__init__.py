from incidents.models.components import Component, ComponentState, Dependency, Product
from incidents.models.deadlines import Deadline
from incidents.models.decisions import Decision
from incidents.models.history import ImportedIncident, ImportedUpdate
from incidents.models.incident import Incident, TeamMember
from incidents.models.permissions import IncidentUserObjectPermission
from incidents.models.phases import CriterionTick, CriterionWaiver, Milestone, PhaseSpan
from incidents.models.record import DocumentWaiver, RecordDocument, RecordExport

__all__ = [
    "Component",
    "ComponentState",
    "CriterionTick",
    "CriterionWaiver",
    "Deadline",
    "Decision",
    "Dependency",
    "DocumentWaiver",
    "ImportedIncident",
    "ImportedUpdate",
    "Incident",
    "IncidentUserObjectPermission",
    "Milestone",
    "PhaseSpan",
    "Product",
    "RecordDocument",
    "RecordExport",
    "TeamMember",
]
