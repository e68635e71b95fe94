"""One row of a file → what it says, or the reason why it is not taken."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stakeholders import addresses
from stakeholders.imports import values
from stakeholders.imports.kinds import Given, Kind

# What no field can hold; everything else stays as typed: pages escape it and exports defuse it.
_NEVER = re.compile(f"\x00|{addresses.LINE_BREAKS.pattern}")
_BLANK = " \u00a0"
_SHOWN = 200


@dataclass(slots=True)
class Cleaned:
    """What a row says. Blank cells are absent from `data`, so they cannot erase what is known."""

    key: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


class Reader:
    """Reads rows of one kind under one mapping."""

    def __init__(self, kind: Kind, headers: Sequence[str], mapping: dict[str, str]) -> None:
        places = {name: place for place, name in enumerate(headers)}
        self.kind = kind
        self.width = len(headers)
        self.columns = [(column, places[mapping[column.key]]) for column in kind.columns if column.key in mapping]
        # What is asked of every cell, ready at hand: this is the inner loop of reading.
        self.plan = [(column.key, place, column.limit) for column, place in self.columns]
        self.readers = [
            (column.key, values.READERS[column.key]) for column, _ in self.columns if column.key in values.READERS
        ]

    def clean(self, cells: Sequence[str]) -> Cleaned:
        width = len(cells)
        typed: Given = {}
        is_long = False
        for key, place, limit in self.plan:
            # Blanks around a value are typing noise. A leading tab is not: it stays, and exports defuse it.
            if place < width and (text := cells[place].strip(_BLANK)):
                typed[key] = text
                is_long = is_long or len(text) > limit
        try:
            if width > self.width and any(cell.strip() for cell in cells[self.width :]):
                raise ValueError("more cells than the file has columns")
            key = self.kind.key_of(typed)
            if is_long or _NEVER.search("".join(typed.values())):
                self._check_text(typed)
            return Cleaned(key, self.kind.data_of(self._given(typed)))
        except ValueError as error:
            return Cleaned(data=_shown(typed), reason=str(error))

    def _check_text(self, typed: Given) -> None:
        """Say which cell cannot be. A long language is one that nobody knows, which its reader says."""
        for column, _ in self.columns:
            text, label = typed.get(column.key, ""), column.label.lower()
            _check_signs(label, text)
            if len(text) > column.limit and column.key != "language":
                raise ValueError(f"{label} is longer than {column.limit} characters")

    def _given(self, typed: Given) -> Given:
        given = {key: text for key, text in typed.items() if not text.isspace()}
        for key, reader in self.readers:
            if key in given:
                value = reader(given[key])
                if value is None or value == "":
                    del given[key]
                else:
                    given[key] = value
        return given


def _check_signs(label: str, text: str) -> None:
    if "\x00" in text:
        raise ValueError(f"NUL character in {label}")
    if addresses.LINE_BREAKS.search(text):
        raise ValueError(f"line break in {label}")


def _shown(typed: Given) -> Given:
    """Enough of a row that was not taken to find it in the file again."""
    keys = ("email", "first_name", "last_name", "account_name", "account_id")
    return {key: typed[key].replace("\x00", "\ufffd")[:_SHOWN] for key in keys if typed.get(key)}
