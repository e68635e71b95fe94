"""The record as a PDF: the blocks of the page, set by typst as data, in a process of its own.

Setting a long record takes a gigabyte and cannot be interrupted. In a process of its own it has its own time and
memory, and one that dies takes neither the worker nor the export with it. Pure Python, without Django.
"""

import json
import math
import os
import re
import resource
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from incidents.record import blocks
from incidents.record.blocks import Block, Fields, Items, Moment, Nothing, Read, Table, Words

NAME = "record.pdf"
# Within the time that work in the background has. A record of 8 000 entries takes some seconds and 700 MB.
SECONDS, MOST_MEMORY = 40, 2 * 1024**3
MOST_CELLS = 40_000
TEMPLATE = Path(__file__).parent / "record.typ"
HERE = Path(__file__).resolve().parents[2]
# It sets what strangers typed, so it knows none of our secrets.
ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": os.defpath}
TOO_SLOW = "Setting it as a PDF took longer than the time that there was for it."
# Ends of the process that sets it, besides success.
FAILED, NO_LETTER = 1, 3

# A word that is longer may be broken after every so many signs: nothing runs out of its column.
LONG, PIECE, BREAK_HERE = re.compile(r"\S{15,}"), 10, "\u200b"
# A column is as wide as its longer cells ask for, within reason.
NARROW, WIDE, WHOLE = 9, 60, 14
EMPTY_BOXES = (
    "Some signs that people typed are in none of the fonts of this document and stand as empty boxes. "
    "record.html in the archive has all of them."
)
TOO_LONG = "Too long to be printed. It stands in full in record.html of the archive."
ARCHIVE = (
    "This document is one file of an archive. manifest.json lists every file with its SHA-256, manifest.sig signs the "
    "manifest (Ed25519). “manage.py verify_record FILE” says whether the archive is whole, or what was changed, removed, "
    "added or cut off. It needs no database. Without the archive this document proves nothing."
)
COMPARE = "Ask the organisation for the fingerprint of its key by another way and compare:"


class NotPrinted(Exception):
    """There is no PDF of it. The text is a sentence."""


@dataclass(frozen=True)
class Taken:
    """What the first page says of this export. `at` is UTC."""

    at: datetime
    by: str
    fingerprint: str
    with_recipients: bool


def pdf(parts: Read, files: list[tuple[str, str]], taken: Taken, *, seconds: float = SECONDS) -> bytes:
    """The same parts and the same export give the same bytes. Raises NotPrinted, also after that many seconds."""
    end = time.monotonic() + min(seconds, SECONDS)
    said = document(parts, files, taken)
    code, made = _set(said, ["ua-1"], end)
    if code == NO_LETTER:
        # A document for everybody needs every letter. One with empty boxes is better than none, and says so.
        code, made = _set(said | {"notes": [*said["notes"], EMPTY_BOXES]}, [], end)
    if code or not made.startswith(b"%PDF-"):
        raise NotPrinted("It could not be set as a PDF.")
    return made


def _set(said: dict[str, Any], standards: list[str], end: float) -> tuple[int, bytes]:
    left = end - time.monotonic()
    if left <= 0:
        raise NotPrinted(TOO_SLOW)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "incidents.record.printing", *standards],
            input=json.dumps(said, ensure_ascii=False).encode(),
            capture_output=True, timeout=left, cwd=HERE, check=False, env=ENVIRONMENT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotPrinted(TOO_SLOW) from None
    except OSError:
        raise NotPrinted("There was no room for a process that sets it as a PDF.") from None
    return done.returncode, done.stdout


def document(parts: Read, files: list[tuple[str, str]], taken: Taken) -> dict[str, Any]:
    """All that the template is given: strings, and how they stand to each other."""
    incident = next(data for key, _, _, data in parts if key == "incident")
    printed, left_out = _parts(parts)
    return {
        "ref": incident["ref"],
        "title": blocks.title(incident),
        "heading": _words(blocks.plain(incident["title"])),
        "at": [taken.at.year, taken.at.month, taken.at.day, taken.at.hour, taken.at.minute, taken.at.second],
        "marks": blocks.marks(incident),
        "about": blocks.ABOUT,
        "facts": [[key, _words(blocks.plain(value))] for key, value in _facts(parts, incident, taken)],
        "notes": [f"Too long to be printed, so only in record.html: {', '.join(left_out)}."] if left_out else [],
        "parts": printed,
        "files": [[title, name] for title, name in files],
        "beside": blocks.BESIDE,
        "proof_title": blocks.PROOF_TITLE,
        "proof": [ARCHIVE, COMPARE],
        "fingerprint": taken.fingerprint,
    }


def _facts(parts: Read, incident: dict[str, Any], taken: Taken) -> Iterator[tuple[str, str]]:
    events: list[dict[str, Any]] = next((data["events"] for key, _, _, data in parts if key == "chain"), [])
    yield "Kind", incident["kind"]
    yield "Severity", incident["severity"]
    yield "Phase", incident["phase"]
    yield "Taken out", f"{taken.at:%d %b %Y, %H:%M:%S} UTC, by {taken.by}"
    yield "Recipients", "with their addresses" if taken.with_recipients else "without their addresses"
    if events:
        yield "Entries", f"{len(events)}, the last one is {events[-1]['digest'][:16]}"


def _parts(parts: Read) -> tuple[list[dict[str, Any]], list[str]]:
    """In their order, as far as memory allows; the titles of those that are too long for it."""
    printed, left_out, cells = [], [], 0
    for _, title, note, block in blocks.sections(parts):
        size = _size(block)
        if cells + size > MOST_CELLS:
            left_out.append(title)
            printed.append({"title": title, "note": TOO_LONG, "block": {"is": "left_out"}})
            continue
        cells += size
        printed.append({"title": title, "note": note, "block": _data(block)})
    return printed, left_out


def _size(block: Block) -> int:
    match block:
        case Fields(rows):
            return sum(_size(one) for _, one in rows)
        case Table(head, rows):
            return len(head) * (len(rows) + 1)
        case Items(items):
            return sum(_size(one) for one in items)
    return 1


def _data(block: Block) -> dict[str, Any]:
    match block:
        case Nothing():
            return {"is": "nothing"}
        case Words(text, is_file=True):
            return _words(text) | {"is": "file"}
        case Words(text) | Moment(_, text):
            return _words(text)
        case Fields(rows):
            return _fields(rows)
        case Table(head, rows):
            widths = [
                _width([head[place], *map(_longest, column)]) for place, column in enumerate(zip(*rows, strict=True))
            ]
            return {
                "is": "table",
                "head": head,
                "widths": widths,
                "rows": [[_data(one) for one in row] for row in rows],
            }
        case Items(items, are_entries):
            return {"is": "entries" if are_entries else "items", "items": [_data(one) for one in items]}


def _fields(rows: list[tuple[str, Block]]) -> dict[str, Any]:
    return {"is": "fields", "rows": [[key, _data(one)] for key, one in rows]}


def _words(text: str) -> dict[str, Any]:
    text = LONG.sub(lambda found: _breakable(found[0]), text)
    strong = next((kind for sign in text if (kind := unicodedata.bidirectional(sign)) in ("L", "R", "AL")), "L")
    return {"is": "words", "text": text, "rtl": strong != "L"}


def _breakable(word: str) -> str:
    """Never between a letter and a mark that belongs to it."""
    made, since = "", 0
    for sign in word:
        if since >= PIECE and unicodedata.category(sign)[0] in "LNPS":
            made, since = made + BREAK_HERE, 0
        made, since = made + sign, since + 1
    return made


def _longest(cell: Block) -> str:
    return cell.text if isinstance(cell, Words | Moment) else ""


def _width(cells: list[str]) -> float:
    """By one of its longer cells: a single long one does not make all others narrow."""
    lengths = sorted(len(text) for text in cells)
    # Room for its words whole, with some to spare: other columns take their share too.
    word = 1.5 * min(max(len(word) for text in cells for word in text.split() or [""]), WHOLE)
    wanted = min(max(lengths[len(lengths) * 9 // 10], lengths[-1] // 3, word, NARROW), WIDE)
    return round(math.pow(wanted, 0.75), 2)


def main(standards: list[Any]) -> int:
    """The process that sets it: JSON in, PDF out."""
    import typst

    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    # Also when whoever waits for it was killed.
    resource.setrlimit(resource.RLIMIT_CPU, (2 * SECONDS, 2 * SECONDS))
    try:
        made: bytes = typst.compile(
            TEMPLATE.read_bytes(),
            format="pdf",
            ignore_system_fonts=True,
            sys_inputs={"record": sys.stdin.buffer.read().decode()},
            pdf_standards=standards,
        )
    except typst.TypstError as error:
        print(error, file=sys.stderr)
        return NO_LETTER if "could not be displayed" in str(error) else FAILED
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
