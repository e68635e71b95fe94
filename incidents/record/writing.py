"""Making the archive. Parts are read once, long tables are streamed, so memory does not grow with the recipients."""

import hashlib
import hmac
import tomllib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

from django.conf import settings

from crisiscomms import audit, environment
from crisiscomms import signing as our_key
from crisiscomms.exports import csv_lines
from crisiscomms.models import User
from incidents.models import Incident
from incidents.record import format, own_parts, printing, reading, signing
from incidents.record import parts as record_parts
from incidents.record.blocks import Read
from incidents.record.packing import Packer
from incidents.record.parts import Attachment, Table, moment
from incidents.record.printing import Taken

PIECE = 64 * 1024
LINES = 500
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Unfinished:
    """An archive for which all has been read. What is left takes a while, and nothing of the database."""

    packer: Packer
    read: Read
    beside: list[tuple[str, str]]
    taken: Taken
    manifest: dict[str, Any]
    steps: "_Steps"

    def finish(self, *, seconds: float = printing.SECONDS) -> dict[str, Any]:
        """Returns the manifest. `seconds` is what there is for the PDF: beyond them the archive goes out without it."""
        try:
            self.packer.add(printing.NAME, [printing.pdf(self.read, self.beside, self.taken, seconds=seconds)])
        except printing.NotPrinted as reason:
            # The page holds the same. Without a record nobody would be helped.
            self.manifest["left_out"] = [{"name": printing.NAME, "why": str(reason)}]
        self.steps.take(1)
        self.manifest["files"] = [
            {"name": one.name, "size": one.size, "sha256": one.sha256} for one in self.packer.entries
        ]
        self.manifest["packed"] = {"bytes": self.packer.bytes, "sha256": self.packer.sha256}
        raw = format.canonical(self.manifest)
        self.packer.add_stored(format.MANIFEST, raw)
        self.packer.add_stored(format.SIGNATURE, signing.signed(raw))
        self.packer.close()
        return self.manifest


def begin(
    incident: Incident,
    stream: BinaryIO,
    *,
    by: User | None,
    now: datetime,
    with_recipients: bool = True,
    progress: Progress = lambda done, goal: None,
) -> Unfinished:
    """Read everything and write what follows from it at once.

    The same state gives the same bytes but for manifest, signature, and the PDF, whose first page names the export.
    To be called where one moment of the database is seen throughout (making.py), or parts may not fit together; what
    comes back is finished outside of it.
    """
    tables = record_parts.tables(with_recipients=with_recipients)
    files = record_parts.attachments(incident)
    steps = _Steps(progress, len(record_parts.parts()) + len(files) + sum(one.count(incident) for one in tables) + 1)
    packer, lost = Packer(stream), []
    for file in files:
        lost += [] if _attach(packer, file) else [file.name]
        steps.take(1)
    read: Read = []
    for part in record_parts.parts():
        read.append((part.key, part.title, part.note, part.read(incident)))
        steps.take(1)
    beside = [(table.title, f"parts/{table.key}.csv") for table in tables]
    _members(packer, incident, read, tables, beside, steps)
    taken = Taken(now.astimezone(UTC), _who(by), our_key.fingerprint(), with_recipients)
    manifest = _manifest(incident, read, by=by, now=now, with_recipients=with_recipients, lost=lost)
    return Unfinished(packer, read, beside, taken, manifest, steps)


def write(incident: Incident, stream: BinaryIO, **how: Any) -> dict[str, Any]:
    """The whole archive in one go; returns its manifest."""
    return begin(incident, stream, **how).finish()


class _Steps:
    """Counts what is done and says so now and then."""

    def __init__(self, progress: Progress, goal: int) -> None:
        self._progress, self._goal, self._done = progress, goal, 0
        progress(0, goal)

    def take(self, count: int) -> None:
        # A table has headings besides its rows.
        self._done = min(self._done + count, self._goal)
        self._progress(self._done, self._goal)


def _attach(packer: Packer, file: Attachment) -> bool:
    """False when the storage has it no more: then the manifest says so, and the record still goes out."""
    try:
        opened = file.opened()
    except OSError:
        return False
    with closing(opened):
        packer.add(file.name, iter(lambda: opened.read(PIECE), b""))
    return True


def _members(
    packer: Packer, incident: Incident, read: Read, tables: list[Table], beside: list[tuple[str, str]], steps: _Steps
) -> None:
    """In the order of their names, as everything in the archive; the PDF comes after these."""
    small = {f"parts/{key}.json": format.canonical(data) for key, _, _, data in read}
    long = {f"parts/{table.key}.csv": table for table in tables}
    for name in sorted([*small, *long]):
        packer.add(name, [small[name]] if name in small else _csv(long[name], incident, steps))
    packer.add("record.html", reading.page(read, beside, fingerprint=our_key.fingerprint()))
    packer.add("record.json", _together(small))


def _csv(table: Table, incident: Incident, steps: _Steps) -> Iterator[bytes]:
    lines: list[str] = []
    with closing(_rows(table, incident)) as rows:
        for line in csv_lines(rows):
            lines.append(line)
            if len(lines) == LINES:
                yield "".join(lines).encode()
                lines.clear()
                steps.take(LINES)
    yield "".join(lines).encode()
    steps.take(len(lines))


def _rows(table: Table, incident: Incident) -> Generator[Any, None, None]:
    yield table.head
    yield from table.rows(incident)


def _together(small: dict[str, bytes]) -> Iterator[bytes]:
    """Canonical JSON of all parts, from their bytes: nothing is held twice."""
    yield b'{"format":' + format.canonical(format.FORMAT) + b',"parts":{'
    for place, (name, raw) in enumerate(sorted(small.items())):
        key = name.removeprefix("parts/").removesuffix(".json")
        yield (b"," if place else b"") + format.canonical(key) + b":" + raw
    yield b"}}"


def _who(by: User | None) -> str:
    return str(by) if by else "the command line"


def _manifest(
    incident: Incident,
    read: Read,
    *,
    by: User | None,
    now: datetime,
    with_recipients: bool,
    lost: list[str],
) -> dict[str, Any]:
    events = next(data["events"] for key, _, _, data in read if key == own_parts.CHAIN)
    return {
        "format": format.FORMAT,
        "incident": {"ref": incident.ref, "title": incident.title, "restricted": incident.restricted},
        "exported_at": moment(now),
        "exported_by": _who(by),
        "software": {"name": "Crisis Comms", "version": version()},
        "with_recipients": with_recipients,
        "lost_files": lost,
        "left_out": [],
        "chain": {
            "chain": incident.chain,
            "number": events[-1]["number"] if events else 0,
            "digest": events[-1]["digest"] if events else "",
        },
        "anchors": [
            {**asdict(head), "chain": opaque(head.chain)}
            for head in sorted(audit.heads(), key=lambda one: opaque(one.chain))
        ],
    }


def opaque(chain: str) -> str:
    """The name of a chain for those who may know of this incident only: the installation alone can tell which it is."""
    key = environment.derived_key(settings.RECORD_SIGNING_KEY, "anchors")
    return hmac.new(key, chain.encode(), hashlib.sha256).hexdigest()[:24]


def version() -> str:
    """As the project's own file has it; an image without that file still exports."""
    try:
        with (settings.BASE_DIR / "pyproject.toml").open("rb") as file:
            return str(tomllib.load(file)["project"]["version"])
    except OSError:
        return "unknown"
