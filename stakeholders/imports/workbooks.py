"""XLSX files, row by row, with expat and nothing else.

openpyxl passes over a whole sheet before its first row and takes four times as long for each; a bell of the import
would be over before it read anything new. We need only texts and numbers as typed, which is little.
"""

import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Generator
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
    *(LookupError, ValueError, ArithmeticError, RuntimeError),
)

Numbered = tuple[int, list[str]]
Attributes = dict[str, str]


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


def table(file: IO[bytes]) -> Generator[Numbered, None, None]:
    """Every row of the first visible sheet with its number. Blank rows count and are left out."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            path = _first_sheet(archive)
            texts = _texts(archive)
            yield from _rows(archive, path, texts)
    except _BROKEN:
        raise Refused(DAMAGED) from None


def _rows(archive: zipfile.ZipFile, path: str, texts: list[str]) -> Generator[Numbered, None, None]:
    sheet = _Sheet(texts)
    parser = _parser(sheet.start, sheet.end, sheet.add)
    with archive.open(path) as part:
        while chunk := part.read(_CHUNK):
            parser.Parse(chunk, False)
            yield from sheet.take()
    parser.Parse(b"", True)
    yield from sheet.take()


class _Sheet:
    """Collects rows while the parser pushes tags."""

    def __init__(self, texts: list[str]) -> None:
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
        self.cells[self.place] += self._meaning(text)

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


def _texts(archive: zipfile.ZipFile) -> list[str]:
    """The texts that cells refer to by number."""
    name = next((name for name in archive.namelist() if name.lower() == "xl/sharedstrings.xml"), "")
    texts: list[str] = []
    state = {"open": False, "phonetic": False}
    parts: list[str] = []

    def start(name: str, _: Attributes) -> None:
        tag = _TAGS.get(name)
        state["open"] = tag == "t" and not state["phonetic"]
        state["phonetic"] |= tag == "rPh"

    def end(name: str) -> None:
        tag = _TAGS.get(name)
        state["open"] = False
        if tag == "rPh":
            state["phonetic"] = False
        elif tag == "si":
            texts.append(_unescaped("".join(parts)))
            parts.clear()

    def add(text: str) -> None:
        if state["open"]:
            parts.append(text)

    if name:
        _parse(archive, name, _parser(start, end, add))
    return texts


def _first_sheet(archive: zipfile.ZipFile) -> str:
    """The path of the first sheet that a person sees."""
    sheets: list[str] = []
    targets: dict[str, str] = {}

    def sheet(name: str, attributes: Attributes) -> None:
        if _TAGS.get(name) == "sheet" and attributes.get("state", "visible") == "visible":
            sheets.extend(attributes[f"{space} id"] for space in _LINKS if f"{space} id" in attributes)

    def link(_: str, attributes: Attributes) -> None:
        if "Id" in attributes:
            targets[attributes["Id"]] = attributes.get("Target", "")

    _parse(archive, "xl/workbook.xml", _parser(sheet))
    _parse(archive, "xl/_rels/workbook.xml.rels", _parser(link))
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


def _parse(archive: zipfile.ZipFile, path: str, parser: expat.XMLParserType) -> None:
    with archive.open(path) as part:
        while chunk := part.read(_CHUNK):
            parser.Parse(chunk, False)
    parser.Parse(b"", True)
