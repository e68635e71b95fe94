"""One row of a file → what it says, or the reason why it is not taken."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stakeholders import addresses
from stakeholders.imports import values
from stakeholders.imports.columns import Field
from stakeholders.imports.kinds import Given, Kind

# What no field can hold; everything else stays as typed: pages escape it and exports defuse it.
_NEVER = re.compile(f"\x00|{addresses.LINE_BREAKS.pattern}")
# Blanks around a value are typing noise. A leading tab is not: it stays, and exports defuse it.
_BLANK = " \u00a0"
_SHOWN = 200
# How many cells of a column are remembered, and up to which length: some 300 kB for each column.
_REMEMBERED = 1_000
_SHORT = 100


@dataclass(slots=True)
class Cleaned:
    """What a row says. Blank cells are absent from `data`, so they cannot erase what is known."""

    key: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


class _Cells(dict[str, Any]):
    """Cells of one column → what they say, or None for nothing. Most columns say the same few things again and again.

    Raises ValueError for a cell that something is wrong with: `Reader` then says what, and in which order.
    """

    def __init__(self, column: Field) -> None:
        super().__init__()
        self.limit = column.limit
        self.read = values.READERS.get(column.key)

    def __missing__(self, cell: str) -> Any:
        value = self._read(cell)
        if len(cell) <= _SHORT:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[cell] = value
        return value

    def _read(self, cell: str) -> Any:
        text = cell.strip(_BLANK)
        if len(text) > self.limit or _NEVER.search(text):
            raise ValueError
        if not text or text.isspace():
            return None
        value = self.read(text) if self.read else text
        return None if value == "" else value


class Reader:
    """Reads rows of one kind under one mapping."""

    def __init__(self, kind: Kind, headers: Sequence[str], mapping: dict[str, str]) -> None:
        places = {name: place for place, name in enumerate(headers)}
        self.kind = kind
        self.width = len(headers)
        self.columns = [(column, places[mapping[column.key]]) for column in kind.columns if column.key in mapping]
        # What is asked of every cell, ready at hand: this is the inner loop of reading.
        self.plan = [(column.key, place, _Cells(column)) for column, place in self.columns]
        self.readers = [
            (column.key, values.READERS[column.key]) for column, _ in self.columns if column.key in values.READERS
        ]

    def clean(self, cells: Sequence[str]) -> Cleaned:
        if len(cells) == self.width:
            try:
                return self._clean_plain(cells)
            except ValueError:
                pass
        return self.clean_odd(cells)

    def _clean_plain(self, cells: Sequence[str]) -> Cleaned:
        """Nearly every row. Raises ValueError for one that `clean_odd` has to judge."""
        given = {key: value for key, place, known in self.plan if (value := known[cells[place]]) is not None}
        return Cleaned(self.kind.key_of(given), self.kind.data_of(given))

    def clean_odd(self, cells: Sequence[str]) -> Cleaned:
        """Any row, cell by cell, with the reason why it is not taken."""
        typed = {
            column.key: text
            for column, place in self.columns
            if place < len(cells) and (text := cells[place].strip(_BLANK))
        }
        try:
            if any(cell.strip() for cell in cells[self.width :]):
                raise ValueError("more cells than the file has columns")
            key = self.kind.key_of(typed)
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
