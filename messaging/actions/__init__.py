"""What people may do to messages and approvals. Pages, API, shell and workers all come through here."""

from messaging.actions.approvals import decide, expire_requests, request_approval, void_approval
from messaging.actions.drafts import edit_message, keep_version, reopen_message, save_draft, start_message
from messaging.actions.proof import (
    check_code,
    enroll_device,
    known_device,
    mint_link,
    open_link,
    request_code,
    revoke_devices,
)

__all__ = [
    "check_code",
    "decide",
    "edit_message",
    "enroll_device",
    "expire_requests",
    "keep_version",
    "known_device",
    "mint_link",
    "open_link",
    "reopen_message",
    "request_approval",
    "request_code",
    "revoke_devices",
    "save_draft",
    "start_message",
    "void_approval",
]
