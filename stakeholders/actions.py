"""What people do with contacts and imports. Each locks, checks, changes and records in one transaction."""

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
from stakeholders.imports import applying, reading, staging
from stakeholders.imports import mapping as columns
from stakeholders.models import Contact, ImportRun

State = ImportRun.State


@transaction.atomic
def start_import(
    *, file: "File[Any]", name: str, by: User | None, now: datetime, in_background: bool = True
) -> ImportRun:
    """Keep the file and have it read. Raises Refused, with nothing kept, when it is plainly no contact list."""
    _check_may_import(by)
    with reading.raw(file) as stream:
        layout = reading.inspect(stream)
        stream.seek(0)
    run = ImportRun(
        name=_shown_name(name),
        encoding=layout.encoding,
        delimiter=layout.delimiter,
        headers=layout.headers,
        samples=layout.samples,
        uploaded_by=by,
        uploaded_at=now,
        worked_at=now,
    )
    staging.propose(run)
    # The name on the disk is ours: the person's own may hold anything.
    ending = "xlsx" if layout.encoding == reading.WORKBOOK else "csv"
    run.file.save(f"{secrets.token_hex(16)}.{ending}", file, save=False)
    run.save()
    _record(run, "import.started", f"Uploaded “{run.name}” for import", by=by, now=now)
    if in_background:
        tasks.ring(run.pk)
    return run


@transaction.atomic
def choose_mapping(*, run_id: int, mapping: columns.Mapping, by: User, now: datetime) -> ImportRun:
    """Say what the columns mean, and read the file again with that."""
    run = _lock(run_id, by=by)
    _check_move(run, State.READING)
    run.mapping = columns.check(mapping, run.headers)
    columns.remember(run.headers, run.mapping, now=now)
    run.state, run.worked_at = State.READING, now
    staging.start_over(run)
    run.save()
    _record(run, "import.mapped", f"Chose the columns of “{run.name}”", by=by, now=now, mapping=run.mapping)
    tasks.ring(run.pk)
    return run


@transaction.atomic
def apply_import(
    *, run_id: int, by: User | None, now: datetime, expected: int | None = None, in_background: bool = True
) -> ImportRun:
    """Let the rows that were looked at become contacts. `expected` is the count that the person saw."""
    run = _lock(run_id, by=by)
    _check_move(run, State.IMPORTING)
    if expected is not None and expected != run.importable:
        raise Refused("The preview has changed since you opened the page: somebody chose other columns. Look again.")
    if not run.importable:
        raise Refused("There is nothing to import: no row of this file can be taken.")
    run.state, run.worked_at, run.tries = State.IMPORTING, now, 0
    run.save(update_fields=["state", "worked_at", "tries"])
    _record(run, "import.confirmed", f"Started the import of “{run.name}”", by=by, now=now)
    if in_background:
        tasks.ring(run.pk)
    return run


@transaction.atomic
def cancel_import(*, run_id: int, by: User, now: datetime) -> ImportRun:
    """Give the file up. Nothing of it was imported."""
    run = _lock(run_id, by=by)
    _check_move(run, State.CANCELLED)
    run.state, run.worked_at, run.finished_at = State.CANCELLED, now, now
    run.save(update_fields=["state", "worked_at", "finished_at"])
    _record(run, "import.cancelled", f"Cancelled the import of “{run.name}”", by=by, now=now)
    applying.forget_file(run)
    return run


@transaction.atomic
def unsubscribe_contact(*, contact_id: int, now: datetime, how: str) -> Contact:
    """Stop incident notices to a person who asked for it. Asking twice keeps the first time."""
    contact = Contact.objects.select_for_update().get(pk=contact_id)
    if contact.unsubscribed_at is None:
        contact.unsubscribed_at = now
        contact.save(update_fields=["unsubscribed_at"])
        _record_contact(contact, "contact.unsubscribed", f"Unsubscribed from incident notices ({how})", now=now)
    return contact


@transaction.atomic
def suppress_contact(*, contact_id: int, reason: str, now: datetime) -> Contact:
    """Stop trying an address that bounced for good or complained. The first reason stays."""
    contact = Contact.objects.select_for_update().get(pk=contact_id)
    if contact.suppressed_at is None:
        contact.suppressed_at, contact.suppressed_reason = now, reason[:200] or "not given"
        contact.save(update_fields=["suppressed_at", "suppressed_reason"])
        _record_contact(contact, "contact.suppressed", f"No more mail to this address: {reason}", now=now)
    return contact


@transaction.atomic
def allow_contact_again(*, contact_id: int, by: User, now: datetime) -> Contact:
    """Try a suppressed address again. An unsubscribe is the person's own word and stays."""
    _check_may_import(by)
    contact = Contact.objects.select_for_update().get(pk=contact_id)
    if contact.suppressed_at is None:
        raise Refused("Mail to this address is not stopped.")
    contact.suppressed_at, contact.suppressed_reason = None, ""
    contact.save(update_fields=["suppressed_at", "suppressed_reason"])
    _record_contact(contact, "contact.allowed_again", "Mail to this address may be tried again", now=now, by=by)
    return contact


@transaction.atomic
def record_export(*, what: str, by: User, now: datetime) -> None:
    """Note that somebody took contacts out: they are personal data."""
    audit.record(
        chain=audit.INSTALLATION, verb="contacts.exported", subject="contacts", text=f"Exported {what}", by=by, now=now
    )


def _check_may_import(by: User | None) -> None:
    """`None` is the machine's own operator, at the command line."""
    if by is not None and not access.may_import(by):
        raise Refused("Only product marketing, customer success and administrators import contacts.")


def _lock(run_id: int, *, by: User | None) -> ImportRun:
    _check_may_import(by)
    return ImportRun.objects.select_for_update().get(pk=run_id)


def _check_move(run: ImportRun, to: ImportRun.State) -> None:
    if to not in ImportRun.MOVES[run.state]:
        raise Refused(_NOT_NOW.get(State(run.state), "This import is over. Upload the file again to start anew."))


_NOT_NOW = {
    State.READING: "The file is still being read. Wait until the preview is there.",
    State.READY: "The file is read and waits for your decision.",
    State.IMPORTING: "The import is running already and cannot be changed any more.",
    State.DONE: "This file has been imported already.",
}


def _shown_name(name: str) -> str:
    kept = "".join(letter for letter in PurePath(name).name if letter.isprintable())
    return kept[:200] or "contacts"


def _record(run: ImportRun, verb: str, text: str, *, by: User | None, now: datetime, **data: Any) -> None:
    audit.record(chain=audit.INSTALLATION, verb=verb, subject=f"import:{run.pk}", text=text, by=by, now=now, data=data)


def _record_contact(contact: Contact, verb: str, text: str, *, now: datetime, by: User | None = None) -> None:
    audit.record(chain=audit.INSTALLATION, verb=verb, subject=f"contact:{contact.pk}", text=text, by=by, now=now)
