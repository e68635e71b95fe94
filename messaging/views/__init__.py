from messaging.views.approving import approve, approve_link
from messaging.views.composing import autosave, compose, new, panel, reopen, request_approval, status
from messaging.views.devices import devices

__all__ = [
    "approve",
    "approve_link",
    "autosave",
    "compose",
    "devices",
    "new",
    "panel",
    "reopen",
    "request_approval",
    "status",
]
