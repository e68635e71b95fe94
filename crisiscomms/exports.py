"""Tables that leave as files. A spreadsheet must not run what somebody typed into a name."""

import csv
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.http import Http404, StreamingHttpResponse
from django.utils.http import content_disposition_header

from crisiscomms import audit
from crisiscomms.models import User

# What spreadsheets take for the beginning of a formula or command, also behind a blank and in full width.
_STARTS = tuple("=+-@|%\t\r\n\x00＝＋－＠｜％")


def defuse(cell: object) -> str:
    """The cell as text that no spreadsheet runs: an apostrophe goes before what looks like a formula."""
    text = "" if cell is None else str(cell)
    if not text:
        return ""
    # A NUL or a line break hides what follows it from some readers, so what counts is the first visible sign too.
    if text[0].isspace() or text.startswith(_STARTS) or text.lstrip("\x00 \t\r\n\u00a0\ufeff").startswith(_STARTS):
        return "'" + text
    return text


def csv_lines(rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """CSV line by line, every cell defused and quoted; begins with the mark by which Excel knows UTF-8."""
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_ALL)
    yield "\ufeff"
    for row in rows:
        yield writer.writerow([defuse(cell) for cell in row])


def csv_answer(rows: Iterable[Iterable[Any]], *, name: str) -> StreamingHttpResponse:
    """The rows as a file to keep, sent while they are read."""
    response = StreamingHttpResponse(csv_lines(rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def file_answer(stored: str, *, name: str, content_type: str = "application/octet-stream") -> StreamingHttpResponse:
    """A stored file to keep, never shown as a page of ours. 404 where the storage has it no more."""
    if not default_storage.exists(stored):
        raise Http404
    response = StreamingHttpResponse(_pieces(stored), content_type=content_type)
    response.headers["Content-Disposition"] = content_disposition_header(True, name)
    response.headers["Content-Length"] = str(default_storage.size(stored))
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def member_answer(stored: str, member: str, *, size: int, name: str, content_type: str) -> StreamingHttpResponse:
    """One file out of a stored archive of ours, unpacked while it is read. `size`: as it was noted when it was made."""
    if not default_storage.exists(stored):
        raise Http404
    response = StreamingHttpResponse(_unpacked(stored, member), content_type=content_type)
    response.headers["Content-Disposition"] = content_disposition_header(True, name)
    response.headers["Content-Length"] = str(size)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def _unpacked(stored: str, member: str) -> Iterator[bytes]:
    with default_storage.open(stored) as file, zipfile.ZipFile(file) as archive, archive.open(member) as opened:
        yield from iter(lambda: opened.read(64 * 1024), b"")


def _pieces(stored: str) -> Iterator[bytes]:
    with default_storage.open(stored) as file:
        yield from file.chunks()


@transaction.atomic
def record_export(*, what: str, of: str, by: User, now: datetime) -> None:
    """Note that somebody took a list out: from then on the product no longer decides who reads it."""
    audit.record(chain=audit.INSTALLATION, verb=f"{of}.exported", subject=of, text=f"Exported {what}", by=by, now=now)


class _Echo:
    """A file whose write gives the line back, so that rows can be streamed."""

    def write(self, line: str) -> str:
        return line
