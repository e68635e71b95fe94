from crisiscomms.models.control import ControlChange, Credential, Invitation
from crisiscomms.models.organisation import Organisation
from crisiscomms.models.people import Role, User
from crisiscomms.models.policies import Policy
from crisiscomms.models.records import AuditDetail, AuditEvent, Notice
from crisiscomms.models.sessions import Session

__all__ = [
    "AuditDetail",
    "AuditEvent",
    "ControlChange",
    "Credential",
    "Invitation",
    "Notice",
    "Organisation",
    "Policy",
    "Role",
    "Session",
    "User",
]
