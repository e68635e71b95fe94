"""What people do with contacts and imports. Each locks, checks, changes and records in one transaction."""

from stakeholders.actions.imports import apply_import, cancel_import, choose_mapping, start_import, undo_import
from stakeholders.actions.people import allow_contact_again, record_export, suppress_contact, unsubscribe_contact

__all__ = [
    "allow_contact_again",
    "apply_import",
    "cancel_import",
    "choose_mapping",
    "record_export",
    "start_import",
    "suppress_contact",
    "undo_import",
    "unsubscribe_contact",
]
