"""What people do with an import: upload, say what columns mean, let it happen, stop it, take it back."""

import secrets
from datetime import datetime
from pathlib import PurePath
from typing import Any

from django.core.files import File
from django.db import transaction

from crisiscomms import audit
from crisiscomms.models import User
from crisiscomms.refusal import Refused
from stakeholders import access, tasks
from stakeholders.imports import applying, kinds, reading, staging, undoing
from stakeholders.imports import mapping as columns
from stakeholders.models import ImportRun

State = ImportRun.State


@transaction.atomic
def start_import(
    *,
    file: "File[Any]",
    name: str,
    by: User | None,
    now: datetime,
    kind: str = kinds.CONTACTS.key,
    in_background: bool = True,
) -> ImportRun:
    """Keep the file and have it read. Raises Refused, with nothing kept, when it is plainly no list."""
    access.refuse_unless_may_import(by)
    if kind not in kinds.KINDS:
        raise Refused("Choose what is in the file: contacts with their accounts, or accounts alone.")
    with reading.raw(file) as stream:
        layout = reading.inspect(stream)
        stream.seek(0)
    run = ImportRun(
        kind=kind,
        name=_shown_name(name),
        encoding=layout.encoding,
        delimiter=layout.delimiter,
        headers=layout.headers,
        samples=layout.samples,
        about_rows=layout.about_rows,
        uploaded_by=by,
        uploaded_at=now,
        phase_at=now,
        worked_at=now,
    )
    staging.propose(run)
    # The name on the disk is ours: the person's own may hold anything.
    ending = "xlsx" if layout.encoding == reading.WORKBOOK else "csv"
    run.file.save(f"{secrets.token_hex(16)}.{ending}", file, save=False)
    run.save()
    _record(run, "import.started", f"Uploaded “{run.name}” for import", by=by, now=now, kind=kind)
    if in_background:
        tasks.ring(run.pk)
    return run


@transaction.atomic
def choose_mapping(*, run_id: int, mapping: columns.Mapping, by: User, now: datetime) -> ImportRun:
    """Say what the columns mean, and read the file again with that."""
    run = _lock(run_id, by=by)
    _check_move(run, State.READING)
    kind = kinds.of(run)
    run.mapping, run.mapping_note = columns.check(kind, mapping, run.headers), ""
    columns.remember(kind, run.headers, run.mapping, now=now)
    _move(run, State.READING, now=now)
    staging.start_over(run)
    run.save()
    _record(run, "import.mapped", f"Chose the columns of “{run.name}”", by=by, now=now, mapping=run.mapping)
    tasks.ring(run.pk)
    return run


@transaction.atomic
def apply_import(
    *, run_id: int, by: User | None, now: datetime, expected: int | None = None, in_background: bool = True
) -> ImportRun:
    """Let the rows that were looked at become what they say. `expected` is the count that the person saw."""
    run = _lock(run_id, by=by)
    _check_move(run, State.IMPORTING)
    if expected is not None and expected != run.importable:
        raise Refused("The preview has changed since you opened the page: somebody chose other columns. Look again.")
    if not run.importable:
        raise Refused("There is nothing to import: no row of this file can be taken.")
    if run.columns_version != kinds.of(run).version:
        raise Refused(
            "This file was read by an older version of Crisis Comms, in which its columns meant other things. Look at "
            "the columns and press “Read the file again with these columns”."
        )
    run.confirmed_at, run.confirmed_by, run.tries = now, by, 0
    _move(run, State.IMPORTING, now=now)
    run.save()
    _record(run, "import.confirmed", f"Started the import of “{run.name}”", by=by, now=now)
    if in_background:
        tasks.ring(run.pk)
    return run


@transaction.atomic
def cancel_import(*, run_id: int, by: User, now: datetime) -> ImportRun:
    """Stop. What was applied until now stays, and can be undone; the rest of the file is given up."""
    run = _lock(run_id, by=by)
    _check_move(run, State.CANCELLED)
    if run.state == State.UNDOING:
        raise Refused(_NOT_NOW[State.UNDOING])
    _move(run, State.CANCELLED, now=now)
    run.finished_at = now
    run.save()
    text = f"Cancelled the import of “{run.name}”"
    if run.applied:
        text += f" after {run.applied} of {run.to_apply} rows, which stay"
    _record(run, "import.cancelled", text, by=by, now=now, applied=run.applied)
    applying.forget_file(run)
    return run


@transaction.atomic
def undo_import(*, run_id: int, by: User | None, now: datetime, in_background: bool = True) -> ImportRun:
    """Take back what the import did, also while it is still at it. What was changed or used since stays."""
    run = _lock(run_id, by=by)
    _check_move(run, State.UNDOING)
    was_running = run.state == State.IMPORTING
    if not was_running or run.confirmed_at is None:
        _check_may_be_undone(run, now=now)
    run.undone_by, run.tries = by, 0
    run.finished_at = run.finished_at or now
    _move(run, State.UNDOING, now=now)
    run.save()
    text = f"Stopped and started to undo the import of “{run.name}”" if was_running else f"Started to undo “{run.name}”"
    _record(run, "import.undo_started", text, by=by, now=now, applied=run.applied)
    applying.forget_file(run)
    if in_background:
        tasks.ring(run.pk)
    return run


def _check_may_be_undone(run: ImportRun, *, now: datetime) -> None:
    until = undoing.until(run)
    if until is None:
        raise Refused("There is nothing to undo: nothing of this file was imported.")
    if until < now:
        raise Refused(
            f"An import can be undone for {undoing.days()} days. This one is older. Change the accounts in your CRM "
            "and import them again."
        )


def _move(run: ImportRun, to: ImportRun.State, *, now: datetime) -> None:
    run.state = to
    run.worked_at = run.phase_at = now


def _lock(run_id: int, *, by: User | None) -> ImportRun:
    access.refuse_unless_may_import(by)
    return ImportRun.objects.select_for_update().get(pk=run_id)


def _check_move(run: ImportRun, to: ImportRun.State) -> None:
    if to not in ImportRun.MOVES[run.state]:
        raise Refused(_NOT_NOW.get(State(run.state), "This import is over. Upload the file again to start anew."))


_NOT_NOW = {
    State.READING: "The file is still being read. Wait until the preview is there.",
    State.READY: "The file is read and waits for your decision.",
    State.IMPORTING: "The import is running already. You can stop it, and undo what it has done.",
    State.DONE: "This file has been imported already.",
    State.UNDOING: "This import is being undone.",
    State.UNDONE: "This import was undone. Upload the file again to start anew.",
}


def _shown_name(name: str) -> str:
    kept = "".join(letter for letter in PurePath(name).name if letter.isprintable())
    return kept[:200] or "contacts"


def _record(run: ImportRun, verb: str, text: str, *, by: User | None, now: datetime, **data: Any) -> None:
    audit.record(chain=audit.INSTALLATION, verb=verb, subject=f"import:{run.pk}", text=text, by=by, now=now, data=data)
