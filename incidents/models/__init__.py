from incidents.models.components import Component, ComponentState, Dependency, Product
from incidents.models.deadlines import Deadline
from incidents.models.decisions import Decision
from incidents.models.history import ImportedIncident, ImportedUpdate
from incidents.models.incident import Incident, TeamMember
from incidents.models.permissions import IncidentUserObjectPermission
from incidents.models.phases import CriterionTick, CriterionWaiver, Milestone, PhaseSpan
from incidents.models.team import DutyHours, DutyShift, RoleAssignment, Weekday

__all__ = [
    "Component",
    "ComponentState",
    "CriterionTick",
    "CriterionWaiver",
    "Deadline",
    "Decision",
    "Dependency",
    "DutyHours",
    "DutyShift",
    "ImportedIncident",
    "ImportedUpdate",
    "Incident",
    "IncidentUserObjectPermission",
    "Milestone",
    "PhaseSpan",
    "Product",
    "RoleAssignment",
    "TeamMember",
    "Weekday",
]
