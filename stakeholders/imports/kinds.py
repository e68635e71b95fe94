"""The importable things. The pipeline knows none of them: what it needs of one stands in its Kind.

Words of SQL in a Kind speak of `chunk`, a temporary table of the rows at hand (see chunks.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from stakeholders.imports import accounts, columns, contacts
from stakeholders.imports.columns import Field, Given
from stakeholders.models import ImportRun


class Memory(Protocol):
    """What earlier rows of the same file said. It returns the row without what is no news."""

    def take(self, data: Given) -> Given: ...


@dataclass(frozen=True)
class Kind:
    """One importable thing, from its columns to its tables."""

    key: str
    label: str
    one: str
    many: str
    # Raise this when a column changes its meaning: what people chose for older columns is then not used any more.
    version: int
    columns: tuple[Field, ...]
    # One of these must be mapped, and what to say when none is.
    needs: tuple[str, ...]
    unmapped: str
    # How a duplicate is said; the number of the first row follows.
    same_as: str
    # What the thing is known by. Raises ValueError with the reason why the row is not taken. It is asked of cells as
    # typed or as read: those that it looks at have no reader.
    key_of: Callable[[Given], str]
    # What is staged of a row that is taken.
    data_of: Callable[[Given], Given]
    memory: Callable[[], Memory]
    # Whether a second row for the same thing still says something, such as another account of a person.
    duplicates_speak: bool
    # SQL: what of `s.data` stands in the columns of `chunk`, and from where.
    layout: tuple[str, str]
    # Finds what the rows of `chunk` mean in the database. Changes nothing there.
    meet: Callable[[Any], None]
    # SQL: (number, outcome) for every row of `chunk`, after `meet`.
    decision: str
    # Lets the rows of `chunk` become what they say, and traces every change.
    apply: Callable[[Any, ImportRun, datetime], None]
    # What a list of rows shows of one: headings, and the cells of a row that is taken or not.
    headings: tuple[str, ...]
    cells: Callable[[Given], list[str]]

    @property
    def keys(self) -> set[str]:
        return {field.key for field in self.columns}

    def is_mapped(self, mapping: dict[str, str]) -> bool:
        return any(mapping.get(key) for key in self.needs)

    def label_of(self, key: str) -> str:
        return next((field.label for field in self.columns if field.key == key), "")


CONTACTS = Kind(
    key="contacts",
    label="Contacts and their accounts",
    one="contact",
    many="contacts",
    version=1,
    columns=columns.CONTACT_COLUMNS,
    needs=("email",),
    unmapped="Choose the column that holds the e-mail address. Without it nobody can be imported.",
    same_as="same address as row",
    key_of=contacts.key_of,
    data_of=contacts.data_of,
    memory=accounts.Said,
    duplicates_speak=True,
    layout=contacts.LAYOUT,
    meet=contacts.meet,
    decision=contacts.DECISION,
    apply=contacts.apply,
    headings=("E-mail", "Name", "Account"),
    cells=contacts.cells,
)
ACCOUNTS = Kind(
    key="accounts",
    label="Accounts alone",
    one="account",
    many="accounts",
    version=1,
    columns=columns.ACCOUNT_COLUMNS,
    needs=("account_name", "account_id"),
    unmapped="Choose the column that holds the account’s name or number. Without one no account can be imported.",
    same_as="same account as row",
    key_of=accounts.key_of,
    data_of=accounts.data_of,
    memory=accounts.Said,
    duplicates_speak=False,
    layout=accounts.LAYOUT,
    meet=accounts.meet,
    decision=accounts.DECISION,
    apply=accounts.apply,
    headings=("Account", "Account ID"),
    cells=accounts.cells,
)
KINDS = {kind.key: kind for kind in (CONTACTS, ACCOUNTS)}


def of(run: ImportRun) -> Kind:
    return KINDS[run.kind]
