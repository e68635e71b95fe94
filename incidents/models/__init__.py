from incidents.models.anchors import Anchor, AnchorMail
from incidents.models.clocks import CalendarFeed, CustomerWord
from incidents.models.components import Component, ComponentState, Dependency, Product
from incidents.models.deadlines import Deadline
from incidents.models.decisions import Decision
from incidents.models.facts import Fact, FactVersion
from incidents.models.history import ImportedIncident, ImportedUpdate
from incidents.models.incident import Incident, TeamMember
from incidents.models.monitoring import CompetitorReaction, Correction, Mention, MentionChannel, ResponseTask
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
from incidents.models.record import DocumentWaiver, RecordDocument, RecordExport
from incidents.models.signals import Signal, SignalBody, SignalMinute, SignalReceipt, SignalSource
from incidents.models.team import DutyHours, DutyShift, RoleAssignment, Weekday
from incidents.models.thresholds import SignalProposal, ThresholdRule, ThresholdRuleVersion

__all__ = [
    "Anchor",
    "AnchorMail",
    "AppliedPlaybook",
    "CalendarFeed",
    "CompetitorReaction",
    "Component",
    "ComponentState",
    "Correction",
    "CriterionTick",
    "CriterionWaiver",
    "CustomerWord",
    "Deadline",
    "Decision",
    "Dependency",
    "DocumentWaiver",
    "DutyHours",
    "DutyShift",
    "Fact",
    "FactVersion",
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
    "RecordDocument",
    "RecordExport",
    "ResponseTask",
    "RoleAssignment",
    "Signal",
    "SignalBody",
    "SignalMinute",
    "SignalProposal",
    "SignalReceipt",
    "SignalSource",
    "TeamMember",
    "ThresholdRule",
    "ThresholdRuleVersion",
    "Weekday",
]
