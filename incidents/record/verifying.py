"""Proving an archive: whole, or what was changed, removed, added or cut off, in sentences.

Pure Python and `cryptography`, without Django and without a database, so that it runs elsewhere too:
`python -m incidents.record.verifying FILE [PUBLIC_KEY]`. What it reads may be hostile: everything is bounded.
"""

import hashlib
import json
import re
import struct
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from crisiscomms import fingerprints
from incidents.record import chains, format, packing

PIECE = 64 * 1024
# An archive of 100 000 recipients has some 20 MB. The manifest lists files and anchors.
MOST_MANIFEST, MOST_PART, MOST_TOTAL = 32 * 1024 * 1024, 64 * 1024 * 1024, 8 * 1024 * 1024 * 1024
MOST_DIRECTORY, MOST_NAMED = 8 * 1024 * 1024, 50
NAME = re.compile(r"(files|parts)/[a-z0-9_][a-z0-9_.-]{0,120}|record\.html|record\.json|record\.pdf")


@dataclass
class Report:
    """`faults` are sentences; without any it is whole. `parts` are those that a comparison with the database needs."""

    faults: list[str] = field(default_factory=list)
    manifest: dict[str, Any] = field(default_factory=dict)
    public_key: bytes = b""
    parts: dict[str, Any] = field(default_factory=dict)
    # Checksums as they were counted, not as the archive states them.
    crcs: dict[str, int] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        return not self.faults


class Unreadable(Exception):
    """There is nothing further to look at. The text is a sentence."""


def verify(stream: BinaryIO, *, expected_key: bytes | None = None) -> Report:
    """Look at an archive. `expected_key`: the public key that has to have signed it; else the one inside is taken,
    and whoever reads has to compare its fingerprint.
    """
    report = Report()
    try:
        _check_end(stream)
        with zipfile.ZipFile(stream) as archive:
            _look(archive, stream, report, expected_key)
    except Unreadable as reason:
        report.faults.append(str(reason))
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ):
        report.faults.append(
            "This is not an archive of a record, or it is damaged beyond reading: parts were cut off or changed."
        )
    return report


def _check_end(stream: BinaryIO) -> None:
    """The list of contents is read whole, so how long it says it is has to be looked at first."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - 22))
    end = stream.read(22)
    if len(end) < 22 or end[:4] != b"PK\x05\x06":
        raise Unreadable("The end of the archive was cut off, or something was added behind it.")
    _, _, _, here, total, listed, _, comment = struct.unpack("<4s4H2LH", end)
    if comment or here != total or total > packing.MOST_FILES or listed > min(MOST_DIRECTORY, size):
        raise Unreadable("The list of contents at the end of the archive was changed.")
    stream.seek(0)


def _look(archive: zipfile.ZipFile, stream: BinaryIO, report: Report, expected_key: bytes | None) -> None:
    members = archive.infolist()
    report.faults += _odd_names(members)
    found = {one.filename: one for one in members}
    raw = _small(archive, found, format.MANIFEST)
    if raw is None:
        raise Unreadable("manifest.json was removed or cannot be read, so nothing says what belongs into the archive.")
    signature = _small(archive, found, format.SIGNATURE)
    report.faults += _signature(raw, signature, report, expected_key)
    report.manifest = _manifest(raw)
    report.faults += _files(archive, found, report)
    report.faults += _inside(report)
    if report.is_whole:
        report.faults += _packing(stream, members, raw, signature or b"", report)


def _odd_names(members: list[zipfile.ZipInfo]) -> Iterator[str]:
    for name, count in Counter(one.filename for one in members).items():
        if count > 1:
            yield f"{_shown(name)} is in the archive {count} times."
        if name not in (format.MANIFEST, format.SIGNATURE) and not NAME.fullmatch(name):
            yield f"{_shown(name)} is no name that a file of a record can have."


def _shown(name: str) -> str:
    return "“" + "".join(sign if sign.isprintable() else "?" for sign in name[:120]) + "”"


def _small(
    archive: zipfile.ZipFile, found: dict[str, zipfile.ZipInfo], name: str, most: int = MOST_MANIFEST
) -> bytes | None:
    """A file read whole; None when it is not there, too long, or cannot be read."""
    info = found.get(name)
    if info is None or info.file_size > most or not _is_plain(info):
        return None
    try:
        with archive.open(info) as opened:
            raw = opened.read(most + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
        return None
    return raw if len(raw) <= most else None


def _is_plain(info: zipfile.ZipInfo) -> bool:
    return info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) and not info.flag_bits & 1


def _signature(raw: bytes, signature: bytes | None, report: Report, expected_key: bytes | None) -> Iterator[str]:
    if signature is None:
        yield "manifest.sig was removed or cannot be read, so nobody stands for this archive."
        return
    said = _json(signature)
    if not (
        isinstance(said, dict)
        and format.is_hex(said.get("public_key"), 64)
        and format.is_hex(said.get("signature"), 128)
        and signature == format.signature_file(bytes.fromhex(said["public_key"]), bytes.fromhex(said["signature"]))
    ):
        yield "manifest.sig was changed."
        return
    report.public_key = bytes.fromhex(said["public_key"])
    if expected_key is not None and report.public_key != expected_key:
        yield (
            f"It was signed by another key: {fingerprints.fingerprint(report.public_key)}, "
            f"where {fingerprints.fingerprint(expected_key)} was expected."
        )
    try:
        key = Ed25519PublicKey.from_public_bytes(report.public_key)
        key.verify(bytes.fromhex(said["signature"]), format.to_sign(raw))
    except (InvalidSignature, ValueError):
        yield "The signature does not fit: manifest.json or manifest.sig was changed."


def _json(raw: bytes) -> Any:
    """None for what is no JSON of ours: too deep, a name twice, a number that is none."""
    try:
        return json.loads(raw, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError, MemoryError):
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def _manifest(raw: bytes) -> dict[str, Any]:
    found = _json(raw)
    if not isinstance(found, dict) or found.get("format") != format.FORMAT:
        raise Unreadable(f"manifest.json was changed, or is of another format than {format.FORMAT}.")
    listed, packed, chain = found.get("files"), found.get("packed"), found.get("chain")
    if not (
        isinstance(listed, list)
        and all(_is_listed(one) for one in listed)
        and len({one["name"] for one in listed}) == len(listed)
        and isinstance(packed, dict)
        and isinstance(chain, dict)
        and isinstance(found.get("incident"), dict)
    ):
        raise Unreadable("manifest.json was changed: it does not list files as a manifest does.")
    return found


def _is_listed(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and isinstance(one.get("name"), str)
        and NAME.fullmatch(one["name"]) is not None
        and type(one.get("size")) is int
        and one["size"] >= 0
        and format.is_hex(one.get("sha256"), 64)
    )


def _files(archive: zipfile.ZipFile, found: dict[str, zipfile.ZipInfo], report: Report) -> Iterator[str]:
    """Every file of the manifest against what is there."""
    listed = {one["name"]: one for one in report.manifest["files"]}
    if sum(one["size"] for one in listed.values()) > MOST_TOTAL:
        raise Unreadable("The manifest lists more than an archive of a record can hold.")
    names_of = {one["sha256"]: name for name, one in listed.items()}
    # What was swapped is as long as another file; nothing else is read beyond what it may be.
    lengths = {one["size"] for one in listed.values()}
    both = sorted(set(listed) & set(found))
    may_be_swapped = sum(found[name].file_size for name in both) <= MOST_TOTAL
    yield from _named(sorted(set(listed) - set(found)), "was removed.")
    yield from _named(sorted(set(found) - set(listed) - {format.MANIFEST, format.SIGNATURE}), "was added.")
    for name in both:
        is_another = may_be_swapped and found[name].file_size in lengths
        digest, report.crcs[name] = _digest(
            archive, found[name], max(listed[name]["size"], found[name].file_size if is_another else 0)
        )
        if digest == listed[name]["sha256"]:
            continue
        other = names_of.get(digest)
        yield f"{name} was changed." if other is None else f"{name} was changed: it holds what belongs into {other}."
    for name in ("parts/chain.json", "parts/documents.json"):
        report.parts[name] = _json(_small(archive, found, name, MOST_PART) or b"")


def _named(names: list[str], what: str) -> Iterator[str]:
    yield from (f"{_shown(name)} {what}" for name in names[:MOST_NAMED])
    if len(names) > MOST_NAMED:
        yield f"So it is with {len(names) - MOST_NAMED} more files: each {what}"


def _digest(archive: zipfile.ZipFile, info: zipfile.ZipInfo, size: int) -> tuple[str, int]:
    """SHA-256 and CRC, reading one byte more than it may have at most; an empty digest when it cannot be read."""
    digest, crc, left = hashlib.sha256(), 0, size + 1
    if not _is_plain(info):
        return "", 0
    try:
        with archive.open(info) as opened:
            while left and (piece := opened.read(min(PIECE, left))):
                digest.update(piece)
                crc = zlib.crc32(piece, crc)
                left -= len(piece)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
        return "", 0
    return digest.hexdigest(), crc


def _inside(report: Report) -> Iterator[str]:
    """What the signed files say about each other: a record can be taken out when it was broken already."""
    chain, listed = report.parts["parts/chain.json"], {one["name"]: one["sha256"] for one in report.manifest["files"]}
    if "parts/chain.json" not in listed:
        yield "There is no chain of the record in it: parts/chain.json was left out."
        return
    yield from chains.faults(chain, report.manifest["chain"])
    documents = report.parts["parts/documents.json"]
    for one in documents if isinstance(documents, list) else []:
        name = one.get("file") if isinstance(one, dict) else None
        if isinstance(name, str) and name in listed and listed[name] != one.get("file_sha256"):
            yield f"{_shown(str(name))} is another file than the one that was put on record."


def _packing(
    stream: BinaryIO, members: list[zipfile.ZipInfo], raw: bytes, signature: bytes, report: Report
) -> Iterator[str]:
    """Every byte between the files, too: a header, a date, a gap. Only asked when all files are as they were signed."""
    manifest, sizes = report.manifest, {one["name"]: one["size"] for one in report.manifest["files"]}
    words = "The files are as they were signed, but the archive around them was changed or packed again."
    if [one.filename for one in members] != [
        *(one["name"] for one in manifest["files"]),
        format.MANIFEST,
        format.SIGNATURE,
    ]:
        yield words
        return
    entries, offset = [], 0
    for one in members[:-2]:
        entries.append(
            packing.Entry(one.filename, sizes[one.filename], one.compress_size, report.crcs[one.filename], offset)
        )
        offset = packing.behind(entries[-1])
    body, tail = offset, b""
    for name, content in ((format.MANIFEST, raw), (format.SIGNATURE, signature)):
        entries.append(packing.stored(name, content, body + len(tail)))
        tail += packing.stored_bytes(name, content)
    tail += packing.directory(entries, body + len(tail))
    stream.seek(0)
    digest, left = hashlib.sha256(), body
    while left and (piece := stream.read(min(PIECE, left))):
        digest.update(piece)
        left -= len(piece)
    is_same = manifest["packed"] == {"bytes": body, "sha256": digest.hexdigest()}
    if left or not is_same or stream.read(len(tail) + 1) != tail:
        yield words


def main(arguments: list[str]) -> int:
    """For elsewhere: where there is no installation."""
    if len(arguments) not in (1, 2):
        print("Give the archive, and the public key if you know it.", file=sys.stderr)
        return 2
    key = bytes.fromhex(arguments[1]) if len(arguments) == 2 else None
    with Path(arguments[0]).open("rb") as stream:
        report = verify(stream, expected_key=key)
    print("\n".join(lines(report, is_key_known=key is not None)))
    return 0 if report.is_whole else 1


def lines(report: Report, *, is_key_known: bool) -> Iterator[str]:
    """What to tell a person; nothing in the archive can steer their terminal."""
    yield from map(printable, _lines(report, is_key_known))


def printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _lines(report: Report, is_key_known: bool) -> Iterator[str]:
    if not report.is_whole:
        yield "This record is NOT whole:"
        yield from (f"- {fault}" for fault in report.faults)
    if report.is_whole:
        said = report.manifest
        yield (
            f"This record is whole: {said['incident'].get('ref')}, {len(said['files'])} files, "
            f"{said['chain'].get('number')} entries, taken out {said.get('exported_at')}."
        )
        yield from _left_out(said)
    if report.public_key:
        yield f"Signed by the key {fingerprints.fingerprint(report.public_key)}."
        if not is_key_known:
            yield "Ask whoever gave it to you for this fingerprint by another way, and compare."


def _left_out(manifest: dict[str, Any]) -> Iterator[str]:
    """What could not be put into it when it was made: nothing was taken away since."""
    left_out = manifest.get("left_out")
    for one in left_out if isinstance(left_out, list) else []:
        if isinstance(one, dict):
            yield f"{one.get('name')} was left out when the record was taken out: {one.get('why')}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
