"""What a record is made of when it is taken out: every house registers its own parts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

from crisiscomms.models import User
from incidents.models import Incident


@dataclass(frozen=True)
class Part:
    """`read` gives plain data for JSON: what the readable record shows and machines read. `position` orders them.

    `note` is a sentence under its heading. Nothing in it may name recipients: those stand in a Table.
    """

    key: str
    title: str
    read: Callable[[Incident], Any]
    position: int = 500
    note: str = ""


@dataclass(frozen=True)
class Table:
    """Something long, streamed as CSV row by row. `names_people`: it can be left out of an export."""

    key: str
    title: str
    head: Sequence[str]
    rows: Callable[[Incident], Iterator[Sequence[Any]]]
    count: Callable[[Incident], int]
    names_people: bool = True


@dataclass(frozen=True)
class Attachment:
    """A file kept elsewhere. `name` is ours, as it stands in the archive; `opened` opens it, or raises OSError."""

    name: str
    opened: Callable[[], BinaryIO]


Files = Callable[[Incident], Iterator[Attachment]]
_parts: dict[str, Part] = {}
_tables: dict[str, Table] = {}
_files: dict[str, Files] = {}


def register(part: Part | Table) -> None:
    if isinstance(part, Part):
        _parts[part.key] = part
    else:
        _tables[part.key] = part


def register_files(key: str, files: Files) -> None:
    _files[key] = files


def parts() -> list[Part]:
    """In the order in which a person reads them."""
    return sorted(_parts.values(), key=lambda part: (part.position, part.key))


def tables(*, with_recipients: bool) -> list[Table]:
    return sorted((one for one in _tables.values() if with_recipients or not one.names_people), key=lambda one: one.key)


def attachments(incident: Incident) -> list[Attachment]:
    return sorted((one for files in _files.values() for one in files(incident)), key=lambda one: one.name)


def moment(at: datetime | None) -> str | None:
    """A moment as every part writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def person(user: User | None) -> dict[str, Any] | None:
    """One of the team; None is the system itself."""
    return {"id": user.pk, "name": str(user)} if user else None
