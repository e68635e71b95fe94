from crisiscomms.models.control import ControlChange, Credential, Invitation
from crisiscomms.models.organisation import Organisation
from crisiscomms.models.people import Role, User
from crisiscomms.models.policies import Policy
from crisiscomms.models.records import AuditDetail, AuditEvent, Notice
from crisiscomms.models.sessions import Session
from crisiscomms.models.tokens import ApiToken, GivenAnswer, TokenScope
from crisiscomms.models.ways import ChatLine, NoticeChoice

__all__ = [
    "ApiToken",
    "AuditDetail",
    "AuditEvent",
    "ChatLine",
    "ControlChange",
    "Credential",
    "GivenAnswer",
    "Invitation",
    "Notice",
    "NoticeChoice",
    "Organisation",
    "Policy",
    "Role",
    "Session",
    "TokenScope",
    "User",
]
