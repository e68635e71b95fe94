"""The front door for files: what they are, their column names, their rows. Nothing here is held in memory whole."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any, cast

from django.core.files import File

from crisiscomms.refusal import Refused
from stakeholders import addresses
from stakeholders.imports import delimited, encodings, workbooks

# Numbered rows. A generator, because whoever stops early has to close it before the file.
Table = Generator[tuple[int, list[str]], None, None]

MAX_BYTES = 50 * 1024 * 1024
MAX_ROWS = 200_000
MAX_COLUMNS = 300
MAX_CELL = 10_000
SAMPLES = 3
WORKBOOK = "xlsx"

_EMPTY = "The file is empty. Export it again with the column names in the first row."
_TOO_MANY_COLUMNS = f"The file has more than {MAX_COLUMNS} columns. Export only the ones that you need."
# How files that are no tables begin.
_FOREIGN = {
    b"\xd0\xcf\x11\xe0": "This is an old or password-protected Excel file. Save it as XLSX without one, or as CSV.",
    b"\x89PNG": "This is a picture, not a spreadsheet. Upload a CSV or XLSX file.",
    b"\xff\xd8\xff": "This is a picture, not a spreadsheet. Upload a CSV or XLSX file.",
    b"GIF8": "This is a picture, not a spreadsheet. Upload a CSV or XLSX file.",
    b"%PDF": "This is a PDF, not a spreadsheet. Upload a CSV or XLSX file.",
    b"\x1f\x8b": "This is a compressed file. Unpack it and upload the CSV or XLSX inside.",
    b"7z\xbc\xaf": "This is a compressed file. Unpack it and upload the CSV or XLSX inside.",
    b"Rar!": "This is a compressed file. Unpack it and upload the CSV or XLSX inside.",
    b"\x7fELF": "This is a program, not a spreadsheet. Upload a CSV or XLSX file.",
    b"{\\rtf": "This is a text document, not a spreadsheet. Upload a CSV or XLSX file.",
    b"<!doctype": "This is a web page, not a spreadsheet. Upload a CSV or XLSX file.",
    b"<html": "This is a web page, not a spreadsheet. Upload a CSV or XLSX file.",
    b"<?xml": "This is an XML file, not a spreadsheet. Upload a CSV or XLSX file.",
}


@dataclass(frozen=True)
class Layout:
    """How the file is to be read, and what its columns are called."""

    encoding: str
    delimiter: str
    headers: list[str]
    samples: list[list[str]]
    # Lines under the first: a goal for the progress, too high where cells hold line breaks. 0 is not known.
    about_rows: int


@contextmanager
def raw(file: "File[Any]") -> Iterator[IO[bytes]]:
    """The stream inside Django's wrappers, opened when it is not."""
    opened = file.closed
    if opened:
        file.open("rb")
    inner: Any = file
    while isinstance(inner, File):
        inner = inner.file
    try:
        yield cast(IO[bytes], inner)
    finally:
        if opened:
            file.close()


def inspect(file: IO[bytes]) -> Layout:
    """Look at the file before it is kept. Raises Refused with what is wrong and what to do."""
    encoding, delimiter = _kind(file)
    with closing(_table(file, encoding, delimiter, is_look=True)) as table:
        first = next(table, None)
        if first is None:
            raise Refused(_EMPTY)
        headers = _headers(first[1])
        samples = [fit(cells, len(headers)) for _, cells in islice(table, SAMPLES)]
    if not samples:
        raise Refused("The file has column names but no rows under them.")
    return Layout(encoding, delimiter, headers, samples, _lines(file, encoding))


def _lines(file: IO[bytes], encoding: str) -> int:
    if encoding == WORKBOOK:
        return 0
    file.seek(0)
    breaks, last = 0, b""
    while piece := file.read(1 << 20):
        breaks += piece.count(b"\n")
        last = piece
    ends_with_one = last.rstrip(b"\x00").endswith(b"\n")
    return breaks - 1 if ends_with_one else breaks


def rows(file: IO[bytes], *, encoding: str, delimiter: str) -> Table:
    """Every row after the column names, with its number. Raises Refused as soon as a limit is passed."""
    with closing(_table(file, encoding, delimiter)) as table:
        next(table, None)
        for count, (number, cells) in enumerate(table, 1):
            if count > MAX_ROWS:
                raise Refused(f"The file has more than {_thin(MAX_ROWS)} rows. Upload it in several files.")
            _check_row(number, cells)
            yield number, cells


def _check_row(number: int, cells: list[str]) -> None:
    if len(cells) > MAX_COLUMNS and any(cells[MAX_COLUMNS:]):
        raise Refused(f"Row {number} has more than {MAX_COLUMNS} cells. Check the quotation marks near it.")
    if max(map(len, cells)) > MAX_CELL:
        raise Refused(delimited.too_long(number))


def fit(cells: list[str], width: int) -> list[str]:
    """As many cells as there are columns; a short row ends in blanks."""
    return cells[:width] + [""] * (width - len(cells))


def describe(encoding: str, delimiter: str) -> str:
    """How the file was read, in words."""
    between = delimited.NAMES.get(delimiter, "")
    name = encodings.NAMES.get(encoding, encoding)
    return f"{name}, cells parted by {between}" if between else name


def _kind(file: IO[bytes]) -> tuple[str, str]:
    size = file.seek(0, 2)
    if size == 0:
        raise Refused(_EMPTY)
    if size > MAX_BYTES:
        raise Refused(too_large())
    file.seek(0)
    head = file.read(16)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        workbooks.check(file)
        return WORKBOOK, ""
    for mark, words in _FOREIGN.items():
        if head.startswith(mark) or (mark.startswith(b"<") and head.lower().startswith(mark)):
            raise Refused(words)
    encoding = encodings.detect(file)
    return encoding, delimited.sniff(file, encoding)


def too_large() -> str:
    return f"The file is larger than {MAX_BYTES // 1024**2} MB. Nothing was kept. Upload it in several files."


def _table(file: IO[bytes], encoding: str, delimiter: str, *, is_look: bool = False) -> Table:
    if encoding == WORKBOOK:
        return workbooks.table(file, is_look=is_look)
    return delimited.table(file, encoding, delimiter)


def _headers(cells: list[str]) -> list[str]:
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) > MAX_COLUMNS:
        raise Refused(_TOO_MANY_COLUMNS)
    if any(map(_is_address, cells)):
        raise Refused(
            "The first row holds an e-mail address, so it is not a row of column names. Add one that names the "
            "columns, such as “Email”, and upload the file again."
        )
    if any(len(cell) > 200 or "\x00" in cell for cell in cells):
        raise Refused("The first row is not a row of column names: one is longer than 200 characters.")
    names = [" ".join(cell.split()) or f"Column {place}" for place, cell in enumerate(cells, 1)]
    _check_once(names)
    return names


def _is_address(cell: str) -> bool:
    try:
        addresses.normalise(cell)
    except ValueError:
        return False
    return True


def _check_once(names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise Refused(f"Two columns are called “{name}”. Rename one of them and upload the file again.")
        seen.add(name.casefold())


def _thin(number: int) -> str:
    return f"{number:,}".replace(",", " ")
