from incidents.models.clocks import CalendarFeed, CustomerWord
from incidents.models.components import Component, ComponentState, Dependency, Product
from incidents.models.deadlines import Deadline
from incidents.models.history import ImportedIncident, ImportedUpdate
from incidents.models.incident import CriterionWaiver, Incident, Milestone, TeamMember
from incidents.models.permissions import IncidentUserObjectPermission

__all__ = [
    "CalendarFeed",
    "Component",
    "ComponentState",
    "CriterionWaiver",
    "CustomerWord",
    "Deadline",
    "Dependency",
    "ImportedIncident",
    "ImportedUpdate",
    "Incident",
    "IncidentUserObjectPermission",
    "Milestone",
    "Product",
    "TeamMember",
]
