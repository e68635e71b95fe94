"""Text tables: comma, semicolon, tab or bar between cells, quotes that may span lines."""

import csv
import io
from collections.abc import Generator, Iterator
from itertools import islice
from typing import IO

from crisiscomms.refusal import Refused

DELIMITERS = ",;\t|"
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_SAMPLE = 64 * 1024
_LINE_LIMIT = 1_000_000


def sniff(file: IO[bytes], encoding: str) -> str:
    """The delimiter under which most rows are as wide as the first."""
    with _text(file, encoding) as text:
        sample = text.read(_SAMPLE)
    hinted = _hint(sample.split("\n", 1)[0])
    return hinted or max(DELIMITERS, key=lambda delimiter: _fit(sample, delimiter))


def table(file: IO[bytes], encoding: str, delimiter: str) -> Generator[tuple[int, list[str]], None, None]:
    """Every record with its number, the first being 1. Blank lines count and are left out."""
    with _text(file, encoding) as text:
        reader = csv.reader(_lines(text), delimiter=delimiter)
        number = 0
        while True:
            number += 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                raise Refused(too_long(number)) from None
            if any(cell.strip() for cell in cells):
                yield number, cells


def too_long(number: int) -> str:
    return (
        f"Row {number} has a cell longer than 10 000 characters. Perhaps a quotation mark is opened there and never "
        "closed."
    )


class _text:
    """The file as text, from its start. The file itself stays open afterwards."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        file.seek(0)
        self.wrapper = io.TextIOWrapper(file, encoding=encoding, newline="")

    def __enter__(self) -> io.TextIOWrapper:
        return self.wrapper

    def __exit__(self, *_: object) -> None:
        self.wrapper.detach()


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    first = True
    # A file that is one endless line must not come into memory whole.
    while line := text.readline(_LINE_LIMIT):
        if len(line) == _LINE_LIMIT:
            raise Refused("The file has a line of a million characters, so it is not a table. Export it again as CSV.")
        if first:
            first = False
            line = line.removeprefix("\ufeff")
            if _hint(line):
                continue
        yield line


def _hint(line: str) -> str:
    """Excel's own first line `sep=;`."""
    bare = line.strip("\ufeff\r\n")
    return bare[4] if len(bare) == 5 and bare.lower().startswith("sep=") and bare[4] in DELIMITERS else ""


def _fit(sample: str, delimiter: str) -> float:
    whole = sample[: sample.rfind("\n") + 1] or sample
    try:
        rows = [row for row in islice(csv.reader(io.StringIO(whole, newline=""), delimiter=delimiter), 200) if row]
    except csv.Error:
        return 0
    if not rows:
        return 0
    width = len(rows[0])
    return (width - 1) * sum(len(row) == width for row in rows) / len(rows)
