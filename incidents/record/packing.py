"""The archive's container: a ZIP whose every byte follows from what is in it, written as a stream.

Names in order, one fixed date, no room for anything else. So equal contents make equal archives, and whoever verifies
can say of each byte what it has to be. Pure Python, without Django: it has to run elsewhere too.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

# Names are UTF-8 (0x800), sizes stand in a descriptor behind the data (8). Midnight of the first day that ZIP knows.
PLAIN, STREAMED, DATE, TIME, STORED, DEFLATED = 0x800, 0x808, 0x21, 0, 0, 8
MODE = 0o100644 << 16
# Without ZIP64: readers everywhere agree on this part of the format only.
MOST_BYTES, MOST_FILES = 2**32 - 1, 20_000


class TooLarge(Exception):
    """More than this format holds."""


@dataclass(frozen=True)
class Entry:
    name: str
    size: int
    packed: int
    crc: int
    offset: int
    sha256: str = ""
    # Whole and not compressed, so that any machine can say what its bytes are.
    is_stored: bool = False


class Packer:
    """Writes members one after the other; `sha256` is of all bytes so far."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._hash = stream, hashlib.sha256()
        self.bytes = 0
        self.entries: list[Entry] = []

    @property
    def sha256(self) -> str:
        return self._hash.copy().hexdigest()

    def add(self, name: str, chunks: Iterable[bytes]) -> Entry:
        offset, size, packed, crc, digest = self.bytes, 0, 0, 0, hashlib.sha256()
        self._write(_local(name, STREAMED, DEFLATED))
        deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        for chunk in chunks:
            size, crc = size + len(chunk), zlib.crc32(chunk, crc)
            digest.update(chunk)
            packed += self._write(deflate.compress(chunk))
        packed += self._write(deflate.flush())
        if size > MOST_BYTES:
            raise TooLarge
        self._write(struct.pack("<4sLLL", b"PK\x07\x08", crc, packed, size))
        return self._listed(Entry(name, size, packed, crc, offset, digest.hexdigest()))

    def add_stored(self, name: str, content: bytes) -> Entry:
        entry = stored(name, content, self.bytes)
        self._write(stored_bytes(name, content))
        return self._listed(entry)

    def _listed(self, entry: Entry) -> Entry:
        self.entries.append(entry)
        if len(self.entries) > MOST_FILES:
            raise TooLarge
        return entry

    def close(self) -> None:
        self._write(directory(self.entries, self.bytes))

    def _write(self, data: bytes) -> int:
        if self.bytes + len(data) > MOST_BYTES:
            raise TooLarge
        self._stream.write(data)
        self._hash.update(data)
        self.bytes += len(data)
        return len(data)


def _local(name: str, flags: int, method: int, crc: int = 0, packed: int = 0, size: int = 0) -> bytes:
    raw = name.encode()
    return struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, flags, method, TIME, DATE, crc, packed, size, len(raw), 0) + raw


def stored(name: str, content: bytes, offset: int) -> Entry:
    digest = hashlib.sha256(content).hexdigest()
    return Entry(name, len(content), len(content), zlib.crc32(content), offset, digest, is_stored=True)


def stored_bytes(name: str, content: bytes) -> bytes:
    """A whole member, its header in front."""
    return _local(name, PLAIN, STORED, zlib.crc32(content), len(content), len(content)) + content


def directory(entries: list[Entry], offset: int) -> bytes:
    """The end of the archive: the only one that these entries can have."""
    listed = b"".join(_listing(entry) for entry in entries)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(entries), len(entries), len(listed), offset, 0)
    return listed + end


def _listing(entry: Entry) -> bytes:
    raw = entry.name.encode()
    flags, method = (PLAIN, STORED) if entry.is_stored else (STREAMED, DEFLATED)
    sizes = (entry.crc, entry.packed, entry.size)
    fixed = struct.pack("<4sBB5H3L", b"PK\x01\x02", 20, 3, 20, flags, method, TIME, DATE, *sizes)
    return fixed + struct.pack("<5H2L", len(raw), 0, 0, 0, 0, MODE, entry.offset) + raw


def behind(entry: Entry) -> int:
    """Where the member after a streamed one begins."""
    return entry.offset + len(_local(entry.name, 0, 0)) + entry.packed + 16
