"""Contacts that leave as a file."""

from collections.abc import Iterable, Iterator
from itertools import chain

from crisiscomms.exports import csv_lines
from stakeholders.models import Contact

HEADINGS = (
    *("E-mail", "First name", "Last name", "Job title", "Phone", "Language", "Account", "Account tier"),
    *("Marketing opt-out", "Unsubscribed at", "Mail stopped at", "Mail stopped because"),
)


def contact_lines(contacts: Iterable[Contact]) -> Iterator[str]:
    """The contacts as CSV. Each needs `main_account` and `main_tier` (queries.contacts gives them)."""
    return csv_lines(chain([HEADINGS], map(_row, contacts)))


def _row(contact: Contact) -> tuple[object, ...]:
    return (
        contact.email,
        contact.first_name,
        contact.last_name,
        contact.title,
        contact.phone,
        contact.language,
        getattr(contact, "main_account", ""),
        getattr(contact, "main_tier", ""),
        "yes" if contact.marketing_opt_out else "no",
        contact.unsubscribed_at and contact.unsubscribed_at.isoformat(),
        contact.suppressed_at and contact.suppressed_at.isoformat(),
        contact.suppressed_reason,
    )
