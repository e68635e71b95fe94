"""What a reader is shown of plain data, before it becomes a page or a printed document: one shape for both."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
FILE = re.compile(r"files/[a-z0-9.-]+")
# What no reader should meet: control signs, but for the line break and the tab.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
# Of an entry of the chain a person reads this; the rest is in record.json.
CHAIN_COLUMNS = ("number", "at", "by", "text", "digest")
MOST_COLUMNS = 8
ABOUT = (
    "Everything that was written down while it was led: what happened, who decided, who said yes, and what went out. "
    "All times are UTC."
)
BESIDE = "Too long for a page, in files of their own:"
PROOF_TITLE = "How to prove that this is whole"

# Parts as they were read: key, title, note, data.
Read = list[tuple[str, str, str, Any]]


@dataclass(frozen=True)
class Nothing:
    """There is no value."""


@dataclass(frozen=True)
class Words:
    """What people or the product wrote; `is_file` names a file of the same archive."""

    text: str
    is_file: bool = False


@dataclass(frozen=True)
class Moment:
    exact: str
    text: str


@dataclass(frozen=True)
class Fields:
    rows: "list[tuple[str, Block]]"


@dataclass(frozen=True)
class Table:
    head: list[str]
    rows: "list[list[Block]]"


@dataclass(frozen=True)
class Items:
    """`are_entries`: each is long enough to stand apart."""

    items: "list[Block]"
    are_entries: bool = False


Block = Nothing | Words | Moment | Fields | Table | Items


def sections(parts: Read) -> Iterator[tuple[str, str, str, Block]]:
    """Key, title, note and what stands under it, part by part."""
    for key, title, note, data in parts:
        yield key, title, note, chain(data) if key == "chain" else block(data)


def title(incident: dict[str, Any]) -> str:
    return plain(f"Record of {incident['ref']}: {incident['title']}")


def marks(incident: dict[str, Any]) -> list[str]:
    """What has to be seen first of all."""
    return [word for word, is_so in (("Restricted to its team.", incident["restricted"]),
                                     ("An exercise: nothing of it was real.", incident["exercise"])) if is_so]  # fmt: skip


def block(data: Any) -> Block:
    """Any plain data as what is shown of it."""
    if _is_person(data):
        return Words(plain(data["name"]))
    if isinstance(data, dict):
        return Fields([(label(key), block(item)) for key, item in data.items()]) if data else Nothing()
    if isinstance(data, list):
        return _list(data) if data else Nothing()
    return _scalar(data)


def _scalar(data: Any) -> Block:
    if data is None or data == "":
        return Nothing()
    if isinstance(data, bool):
        return Words("yes" if data else "no")
    text = str(data)
    if MOMENT.fullmatch(text):
        return Moment(text, f"{datetime.fromisoformat(text):%d %b %Y, %H:%M:%S}")
    return Words(plain(text), is_file=FILE.fullmatch(text) is not None)


def plain(text: str) -> str:
    return UNSEEN.sub("\ufffd", text)


def label(key: str) -> str:
    return plain(str(key).replace("_", " ").capitalize())


def _list(data: list[Any]) -> Block:
    if not all(isinstance(item, dict) for item in data) or all(map(_is_person, data)):
        return Items([block(item) for item in data])
    columns = list(data[0])
    if len(columns) <= MOST_COLUMNS and all(list(item) == columns and _is_short(item) for item in data):
        return _table(columns, data)
    return Items([block(item) for item in data], are_entries=True)


def _is_person(item: Any) -> bool:
    return isinstance(item, dict) and set(item) == {"id", "name"}


def _is_short(item: dict[str, Any]) -> bool:
    return all(not isinstance(one, dict | list) or _is_person(one) for one in item.values())


def _table(columns: list[str], rows: list[dict[str, Any]]) -> Table:
    return Table([label(column) for column in columns], [[block(row[column]) for column in columns] for row in rows])


def chain(data: dict[str, Any]) -> Block:
    rows = [
        {column: event[column] for column in CHAIN_COLUMNS}
        | {"by": event["by"] or "by itself", "digest": event["digest"][:16]}
        for event in data["events"]
    ]
    return _table(list(CHAIN_COLUMNS), rows) if rows else Nothing()
