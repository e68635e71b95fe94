"""Tables that leave as files. A spreadsheet must not run what somebody typed into a name."""

import csv
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from stakeholders.models import Contact

# What spreadsheets take for the beginning of a formula or command, also behind a blank and in full width.
_STARTS = tuple("=+-@|%\t\r\n\x00＝＋－＠｜％")

HEADINGS = (
    *("E-mail", "First name", "Last name", "Job title", "Phone", "Language", "Account", "Account tier"),
    *("Marketing opt-out", "Unsubscribed at", "Mail stopped at", "Mail stopped because"),
)


def defuse(cell: object) -> str:
    """The cell as text that no spreadsheet runs: an apostrophe goes before what looks like a formula."""
    text = "" if cell is None else str(cell)
    if not text:
        return ""
    # A NUL or a line break hides what follows it from some readers, so what counts is the first visible sign too.
    if text[0].isspace() or text.startswith(_STARTS) or text.lstrip("\x00 \t\r\n\u00a0\ufeff").startswith(_STARTS):
        return "'" + text
    return text


def csv_lines(rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """CSV line by line, every cell defused and quoted; begins with the mark by which Excel knows UTF-8."""
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_ALL)
    yield "\ufeff"
    for row in rows:
        yield writer.writerow([defuse(cell) for cell in row])


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


class _Echo:
    """A file whose write gives the line back, so that rows can be streamed."""

    def write(self, line: str) -> str:
        return line
