from messaging.models.approvals import (
    ApprovalCode,
    ApprovalDecision,
    ApprovalLink,
    ApprovalRequest,
    ApprovalSeat,
    ApprovalStage,
    EnrolledDevice,
)
from messaging.models.messages import Message, MessageVersion
from messaging.models.templates import Template, TemplateVersion

__all__ = [
    "ApprovalCode",
    "ApprovalDecision",
    "ApprovalLink",
    "ApprovalRequest",
    "ApprovalSeat",
    "ApprovalStage",
    "EnrolledDevice",
    "Message",
    "MessageVersion",
    "Template",
    "TemplateVersion",
]
