from incidents.models.components import Component, ComponentState, Dependency, Product
from incidents.models.deadlines import Deadline
from incidents.models.decisions import Decision
from incidents.models.history import ImportedIncident, ImportedUpdate
from incidents.models.incident import Incident, TeamMember
from incidents.models.monitoring import CompetitorReaction, Mention, MentionChannel, ResponseTask
from incidents.models.outward import HaltItem, OutwardActivity, OutwardKind
from incidents.models.permissions import IncidentUserObjectPermission
from incidents.models.phases import CriterionTick, CriterionWaiver, Milestone, PhaseSpan
from incidents.models.playbooks import (
    AppliedPlaybook,
    Playbook,
    PlaybookApproval,
    PlaybookTask,
    PlaybookVersion,
)

__all__ = [
    "AppliedPlaybook",
    "CompetitorReaction",
    "Component",
    "ComponentState",
    "CriterionTick",
    "CriterionWaiver",
    "Deadline",
    "Decision",
    "Dependency",
    "HaltItem",
    "ImportedIncident",
    "ImportedUpdate",
    "Incident",
    "IncidentUserObjectPermission",
    "Mention",
    "MentionChannel",
    "Milestone",
    "OutwardActivity",
    "OutwardKind",
    "PhaseSpan",
    "Playbook",
    "PlaybookApproval",
    "PlaybookTask",
    "PlaybookVersion",
    "Product",
    "ResponseTask",
    "TeamMember",
]
