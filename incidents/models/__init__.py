from incidents.models.components import Component, ComponentState, Product
from incidents.models.deadlines import Deadline
from incidents.models.incident import CriterionWaiver, Incident, Milestone, TeamMember
from incidents.models.permissions import IncidentUserObjectPermission

__all__ = [
    "Component",
    "ComponentState",
    "CriterionWaiver",
    "Deadline",
    "Incident",
    "IncidentUserObjectPermission",
    "Milestone",
    "Product",
    "TeamMember",
]
