"""Which encoding a text file is in. The whole file is looked at: the odd byte may stand in the last row."""

import codecs
import re
from typing import IO

from crisiscomms.refusal import Refused

_CHUNK = 1 << 20
_HEAD = 4096
# The bytes of one character of UTF-8 that needs more than one.
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_ASCII = bytes(range(128))

NUL = (
    "The file holds NUL characters, which text never does. It may be damaged or another kind of file. "
    "Export it again as “CSV UTF-8” or XLSX."
)
UNREADABLE = "The file's characters cannot be read in any encoding we know. Export it again as “CSV UTF-8”."
MIXED = (
    "The file mixes two encodings (line {line} is the first that is not UTF-8 like the rest), so names would come "
    "out wrong. Export it again as “CSV UTF-8”."
)
NAMES = {
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "cp1252": "Windows-1252 (Western European)",
    "xlsx": "an Excel workbook, its first sheet",
}


def detect(file: IO[bytes]) -> str:
    """The codec that reads the whole file. Raises Refused when none does."""
    file.seek(0)
    head = file.read(_HEAD)
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Refused("The file is in UTF-32, which we do not read. Export it again as “CSV UTF-8”.")
    wide = _wide(head)
    if wide:
        _check_wide(file, wide)
        return wide
    broken_at = _first_line_not_utf8(file)
    if broken_at is None:
        return "utf-8-sig"
    _check_western(file, broken_at)
    return "cp1252"


def _wide(head: bytes) -> str:
    """UTF-16 by its mark, or by the zero in every other byte of plain letters."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    half = len(head) // 2
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if half and odd > half * 0.4 and even < half * 0.05:
        return "utf-16-le"
    if half and even > half * 0.4 and odd < half * 0.05:
        return "utf-16-be"
    return ""


def _check_wide(file: IO[bytes], codec: str) -> None:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        while chunk := file.read(_CHUNK):
            if "\x00" in decoder.decode(chunk):
                raise Refused(NUL)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise Refused(UNREADABLE) from None


def _first_line_not_utf8(file: IO[bytes]) -> int | None:
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = 1
    while chunk := file.read(_CHUNK):
        if b"\x00" in chunk:
            raise Refused(NUL)
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            return lines + error.object[: error.start].count(b"\n")
        lines += chunk.count(b"\n")
    return None if not decoder.getstate()[0] else lines


def _check_western(file: IO[bytes], broken_at: int) -> None:
    """Not UTF-8 as a whole: Western European, unless a good part of it is UTF-8 after all."""
    file.seek(0)
    as_utf8 = alone = 0
    while chunk := file.read(_CHUNK) + file.readline():
        if b"\x00" in chunk:
            raise Refused(NUL)
        rest, found = _MULTIBYTE.subn(b"", chunk)
        as_utf8 += found
        alone += len(rest.translate(None, _ASCII))
        try:
            chunk.decode("cp1252")
        except UnicodeDecodeError:
            raise Refused(MIXED.format(line=broken_at) if as_utf8 else UNREADABLE) from None
    # A few pairs look like UTF-8 by chance in Western text (quotes after capitals); a quarter is no chance.
    if as_utf8 * 3 >= alone:
        raise Refused(MIXED.format(line=broken_at))
