"""An archive made in the background: claimed by one worker, given back when it is lost, kept for some days."""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from tempfile import TemporaryFile
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from django.core.cache import cache
from django.core.files import File
from django.db import connection, transaction

from crisiscomms import audit
from incidents import access
from incidents.models import Incident, RecordExport
from incidents.record import documents, printing, writing
from incidents.record.packing import TooLarge

State = RecordExport.State
# Longer than a task may take, so that nobody else begins while somebody still is at it.
LEASE, AGAIN = timedelta(seconds=150), timedelta(seconds=30)
# Of the ninety seconds that a task has: what is left after them is for keeping the archive.
WITH_PDF = 65
MOST_TRIES = 3
TOO_LONG = "It takes longer than work in the background may. Use manage.py export_incident."
TOO_LARGE = "It is larger than an archive can be. Leave out the recipients."
GIVEN_UP = "It was begun several times and never came to its end. Look at the log, or use manage.py export_incident."


@contextmanager
def one_moment() -> Iterator[None]:
    """All that is read inside is as it was at one moment, whatever others do meanwhile."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def progress_key(export: RecordExport) -> str:
    return f"record-export:{export.pk}"


def progress_of(export: RecordExport) -> tuple[int, int]:
    """Steps done, and how many there are. It stands in Redis only: nothing is lost with it."""
    found: tuple[int, int] = cache.get(progress_key(export)) or (0, 0)
    return found


def work(*, export_id: int, now: datetime) -> None:
    """Make one archive, if it still waits. Safe to run twice, also at the same time."""
    export = _claim(export_id, now)
    if export is None:
        return
    if export.by is not None and not access.may_export(export.by, export.incident):
        _fail(export, f"{export.by} may not take this record out any more.")
        return
    try:
        _make(export, now)
    except SoftTimeLimitExceeded:
        _fail(export, TOO_LONG)
    except TooLarge:
        _fail(export, TOO_LARGE)


def _claim(export_id: int, now: datetime) -> RecordExport | None:
    """On the row's own columns only: of two workers one gets it."""
    with transaction.atomic():
        found = RecordExport.objects.select_for_update(skip_locked=True).filter(pk=export_id, next_try_at__lte=now)
        export = found.first()
        if export is None:
            return None
        if export.tries >= MOST_TRIES:
            _fail(export, GIVEN_UP)
            return None
        export.state, export.tries, export.next_try_at = State.MAKING, export.tries + 1, now + LEASE
        export.save(update_fields=["state", "tries", "next_try_at"])
    return RecordExport.objects.select_related("incident", "by").get(pk=export_id)


def _make(export: RecordExport, now: datetime) -> None:
    begun = time.monotonic()
    with TemporaryFile() as file:
        with one_moment():
            incident = Incident.objects.select_related("lead", "declared_by").get(pk=export.incident_id)
            unfinished = writing.begin(
                incident, file, by=export.by, now=now, with_recipients=export.with_recipients, progress=_teller(export)
            )
        manifest = unfinished.finish(seconds=WITH_PDF - (time.monotonic() - begun))
        fill(export, file, manifest, now=now)
        days = int(documents.rules().get("keep_archives_days", 7))
        export.keep_until = now + timedelta(days=days)
        file.seek(0)
        export.file.save(f"{secrets.token_hex(16)}.zip", File(file), save=False)
    # Somebody else took it over meanwhile: theirs counts.
    done = RecordExport.objects.filter(pk=export.pk, state=State.MAKING, tries=export.tries)
    if not done.update(
        state=State.DONE, next_try_at=None, file=export.file.name, size=export.size, sha256=export.sha256,
        pdf_size=export.pdf_size,
        head_number=export.head_number, head_digest=export.head_digest, made_at=now, keep_until=export.keep_until,
    ):  # fmt: skip
        export.file.delete(save=False)


def fill(export: RecordExport, file: Any, manifest: dict[str, Any], *, now: datetime) -> None:
    """What is remembered of an archive that was made."""
    file.seek(0)
    export.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    export.size = file.seek(0, 2)
    export.head_number, export.head_digest = manifest["chain"]["number"], manifest["chain"]["digest"]
    export.pdf_size = next((one["size"] for one in manifest["files"] if one["name"] == printing.NAME), 0)
    export.made_at = now


def _teller(export: RecordExport) -> Callable[[int, int], None]:
    """Tells at most a hundred times, however many steps there are."""
    told = -1

    def tell(done: int, goal: int) -> None:
        nonlocal told
        share = 100 * done // goal if goal else 0
        if share != told:
            told = share
            cache.set(progress_key(export), (done, goal), timeout=600)

    return tell


def _fail(export: RecordExport, why: str) -> None:
    RecordExport.objects.filter(pk=export.pk, state__in=[State.QUEUED, State.MAKING]).update(
        state=State.FAILED, why=why[:300], next_try_at=None
    )


def forget(*, now: datetime, limit: int = 50) -> int:
    """Delete archives whose days are over. The rows stay: who took what, and its digest."""
    old = list(RecordExport.objects.filter(keep_until__lte=now).order_by("keep_until")[:limit])
    return sum(_drop(export) for export in old)


def forget_all() -> int:
    """Delete every archive that is kept: somebody whom it may name asked to be forgotten. It can be made again."""
    return sum(_drop(export) for export in RecordExport.objects.filter(keep_until__isnull=False))


def _drop(export: RecordExport) -> bool:
    name = export.file.name
    if not RecordExport.objects.filter(pk=export.pk, state=State.DONE).update(
        state=State.GONE, file="", keep_until=None
    ):
        return False
    if name:
        storage = export.file.storage
        transaction.on_commit(lambda: storage.delete(name), robust=True)
    return True


def anchors(incident: Incident) -> list[audit.Head]:
    """How far the chain had come at each export: by these a tail that was cut off since is found."""
    found = incident.exports.exclude(head_digest="").values_list("head_number", "head_digest")
    return [audit.Head(incident.chain, number, digest) for number, digest in found]
