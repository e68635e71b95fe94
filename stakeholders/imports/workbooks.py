"""XLSX files, row by row, with expat and nothing else.

openpyxl passes over a whole sheet before its first row and takes four times as long for each; a bell of the import
would be over before it read anything new. We need only texts and numbers as typed, which is little.
"""

import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from posixpath import join, normpath
from typing import IO
from xml.parsers import expat

from crisiscomms.refusal import Refused

# What one bell can pass over again after a restart; texts that cells share stand in memory.
_UNPACKED_LIMIT = 300 * 1024 * 1024
_TEXTS_LIMIT = 40 * 1024 * 1024
_PARTS_LIMIT = 2_000
_LAST_ROW = 1_048_576
_CHUNK = 256 * 1024
# One more than a file may have, so that whoever reads the rows sees that there were too many.
_LAST_PLACE = 300
_LONGEST = 10_001
# Marks are opening and closing tags: each costs microseconds, however little it takes on the disk.
_MARKS_LIMIT = 40_000_000
# What somebody waits for: a look at the first rows, and at the texts up to theirs.
_LOOK_BYTES = 20 * 1024 * 1024
_LOOK_MARKS = 1_000_000

NOT_A_WORKBOOK = "The file is a ZIP archive and not an Excel workbook. Unpack it and upload the CSV or XLSX inside."
DAMAGED = (
    "The Excel workbook is damaged and cannot be read. Open it in a spreadsheet and save it again, or save it as CSV."
)
TOO_LARGE = "The Excel workbook unpacks to more than we read. Save it as CSV, or in several files."

_MAIN = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_LINKS = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
)
_TAGS = {f"{space} {tag}": tag for space in _MAIN for tag in ("row", "c", "v", "t", "si", "rPh", "sheet")}
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")

# What a crafted or cut workbook raises on its way; all of it means the same to the person.
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, expat.ExpatError, OSError, EOFError),
    *(LookupError, ValueError, ArithmeticError, RuntimeError, MemoryError),
)

Numbered = tuple[int, list[str]]
Attributes = dict[str, str]


@dataclass
class _Left:
    """How much more of the workbook may be unpacked and parsed."""

    size: int
    marks: int

    def chunks(self, archive: zipfile.ZipFile, path: str) -> Iterator[bytes]:
        """A part of the archive. Raises Refused when it holds more than is left."""
        with archive.open(path) as part:
            while chunk := part.read(_CHUNK):
                self.size -= len(chunk)
                self.marks -= chunk.count(b"<")
                if self.size < 0 or self.marks < 0:
                    raise Refused(TOO_LARGE)
                yield chunk


def check(file: IO[bytes]) -> None:
    """Refuse what is not a workbook, or unpacks to more than a workbook should, by what the ZIP claims.

    A ZIP that claims too little is cut off there when it is read.
    """
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise Refused(DAMAGED) from None
    names = {part.filename for part in parts[:_PARTS_LIMIT]}
    if len(parts) > _PARTS_LIMIT or not {"[Content_Types].xml", "xl/workbook.xml"} <= names:
        raise Refused(NOT_A_WORKBOOK)
    texts = sum(part.file_size for part in parts if "sharedstrings" in part.filename.lower())
    if texts > _TEXTS_LIMIT or sum(part.file_size for part in parts) > _UNPACKED_LIMIT:
        raise Refused(TOO_LARGE)


def table(file: IO[bytes], *, is_look: bool = False) -> Generator[Numbered, None, None]:
    """Every row of the first visible sheet with its number. Blank rows count and are left out.

    `is_look` is for whoever takes the first rows only, while a person waits: it gives up far sooner.
    """
    left = _Left(_LOOK_BYTES, _LOOK_MARKS) if is_look else _Left(_UNPACKED_LIMIT, _MARKS_LIMIT)
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            path = _first_sheet(archive, left)
            yield from _rows(archive, path, _Texts(archive, left), left)
    except _BROKEN:
        raise Refused(DAMAGED) from None


def _rows(archive: zipfile.ZipFile, path: str, texts: "_Texts", left: _Left) -> Generator[Numbered, None, None]:
    sheet = _Sheet(texts)
    parser = _parser(sheet.start, sheet.end, sheet.add)
    for chunk in left.chunks(archive, path):
        parser.Parse(chunk, False)
        yield from sheet.take()
    parser.Parse(b"", True)
    yield from sheet.take()


class _Sheet:
    """Collects rows while the parser pushes tags."""

    def __init__(self, texts: "_Texts") -> None:
        self.texts = texts
        self.done: list[Numbered] = []
        self.number = 0
        self.cells: list[str] = []
        self.place = -1
        self.kind = "n"
        self.parts: list[str] | None = None
        self.length = 0
        self.is_phonetic = False

    def take(self) -> list[Numbered]:
        done, self.done = self.done, []
        return done

    def start(self, name: str, attributes: Attributes) -> None:
        tag = _TAGS.get(name)
        if tag == "c":
            reference = attributes.get("r", "")
            self.place = min(_place(reference) if reference else self.place + 1, _LAST_PLACE)
            self.kind = attributes.get("t", "n")
            self.length = 0
        elif tag in ("v", "t"):
            self.parts = None if self.is_phonetic else []
        elif tag == "rPh":
            self.is_phonetic = True
        elif tag == "row":
            number = int(attributes.get("r", self.number + 1))
            if not self.number < number <= _LAST_ROW:
                raise Refused(DAMAGED)
            self.number, self.cells, self.place = number, [], -1

    def add(self, text: str) -> None:
        if self.parts is not None and self.length < _LONGEST:
            self.parts.append(text)
            self.length += len(text)

    def end(self, name: str) -> None:
        tag = _TAGS.get(name)
        if tag in ("v", "t") and self.parts is not None:
            self._put("".join(self.parts))
            self.parts = None
        elif tag == "rPh":
            self.is_phonetic = False
        elif tag == "row" and any(cell.strip() for cell in self.cells):
            self.done.append((self.number, self.cells))

    def _put(self, text: str) -> None:
        """A cell may have several texts: runs of one rich text."""
        missing = self.place + 1 - len(self.cells)
        if missing > 0:
            self.cells.extend([""] * missing)
        room = _LONGEST - len(self.cells[self.place])
        if room > 0:
            self.cells[self.place] += self._meaning(text)[:room]

    def _meaning(self, text: str) -> str:
        if self.kind == "s":
            return self.texts[int(text)]
        if self.kind == "b":
            return "TRUE" if text.strip() == "1" else "FALSE"
        if self.kind == "n":
            return _number(text)
        return _unescaped(text)


def _place(reference: str) -> int:
    """The column of a cell such as `AB12`, counted from 0."""
    place = 0
    for letter in reference[:4]:
        if not letter.isalpha():
            break
        place = place * 26 + ord(letter.upper()) - 64
    return place - 1


def _number(text: str) -> str:
    """Long numbers, such as phone numbers, are stored as 4.9E+11; people see their digits."""
    if "E" not in text and "e" not in text:
        return text.removesuffix(".0")
    value = float(text)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else str(value)


def _unescaped(text: str) -> str:
    """Signs that XML cannot hold are written as `_x000D_`. Half a character stays as it is written."""
    if "_x" not in text:
        return text
    return _ESCAPE.sub(lambda found: found[0] if found[1][:2].upper() in _SURROGATES else chr(int(found[1], 16)), text)


_SURROGATES = {"D8", "D9", "DA", "DB", "DC", "DD", "DE", "DF"}


class _Texts:
    """The texts that cells refer to by number, read only as far as somebody asked."""

    def __init__(self, archive: zipfile.ZipFile, left: _Left) -> None:
        name = next((name for name in archive.namelist() if name.lower() == "xl/sharedstrings.xml"), "")
        self.found: list[str] = []
        self.parts: list[str] = []
        self.length = 0
        self.is_open = self.is_phonetic = False
        self.parser = _parser(self.start, self.end, self.add)
        self.chunks = left.chunks(archive, name) if name else iter(())

    def __getitem__(self, number: int) -> str:
        if number < 0:
            raise IndexError
        while len(self.found) <= number:
            chunk = next(self.chunks, None)
            if chunk is None:
                raise IndexError
            self.parser.Parse(chunk, False)
        return self.found[number]

    def start(self, name: str, _: Attributes) -> None:
        tag = _TAGS.get(name)
        self.is_open = tag == "t" and not self.is_phonetic
        self.is_phonetic |= tag == "rPh"

    def end(self, name: str) -> None:
        tag = _TAGS.get(name)
        self.is_open = False
        if tag == "rPh":
            self.is_phonetic = False
        elif tag == "si":
            self.found.append(_unescaped("".join(self.parts))[:_LONGEST])
            self.parts, self.length = [], 0

    def add(self, text: str) -> None:
        # Escaped signs take seven: what is cut here is too long also when it is unescaped.
        if self.is_open and self.length < 7 * _LONGEST:
            self.parts.append(text)
            self.length += len(text)


def _first_sheet(archive: zipfile.ZipFile, left: _Left) -> str:
    """The path of the first sheet that a person sees."""
    sheets: list[str] = []
    targets: dict[str, str] = {}

    def sheet(name: str, attributes: Attributes) -> None:
        if _TAGS.get(name) == "sheet" and attributes.get("state", "visible") == "visible":
            sheets.extend(attributes[f"{space} id"] for space in _LINKS if f"{space} id" in attributes)

    def link(_: str, attributes: Attributes) -> None:
        if "Id" in attributes:
            targets[attributes["Id"]] = attributes.get("Target", "")

    for path, parser in (("xl/workbook.xml", _parser(sheet)), ("xl/_rels/workbook.xml.rels", _parser(link))):
        for chunk in left.chunks(archive, path):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    return normpath(join("/xl", targets[sheets[0]])).lstrip("/")


def _parser(
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    add: Callable[[str], None] | None = None,
) -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = add
    # No workbook has one, and entity bombs need one.
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def _refuse_doctype(*_: object) -> None:
    raise Refused(DAMAGED)
