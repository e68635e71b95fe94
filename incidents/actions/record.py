"""Putting documents on an incident's record, letting it go without one, and having the record taken out."""

import hashlib
import secrets
from datetime import datetime
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from django.core.files import File
from django.db import transaction
from django.urls import reverse

from crisiscomms import audit, changes
from crisiscomms.models import ControlChange, User
from crisiscomms.refusal import Conflict, Refused
from incidents import abilities, access, tasks
from incidents.actions.lifecycle import lock_incident
from incidents.models import DocumentWaiver, Incident, RecordDocument, RecordExport
from incidents.record import documents

# What a browser would run is not among them; nothing of it is ever shown by us, only given as a file.
ENDINGS = frozenset(
    [
        "pdf",
        "png",
        "jpg",
        "jpeg",
        "gif",
        "webp",
        "heic",
        "txt",
        "md",
        "csv",
        "log",
        "eml",
        "msg",
        "docx",
        "xlsx",
        "pptx",
        "odt",
        "ods",
        "odp",
        "rtf",
        "json",
        "mp3",
        "m4a",
        "wav",
    ]
)
MOST_DOCUMENTS = 500
EXPORT = "record_export"


@transaction.atomic
def add_document(
    *,
    incident_id: int,
    key: str,
    title: str,
    text: str = "",
    url: str = "",
    file: "File[Any] | None" = None,
    by: User,
    now: datetime,
) -> RecordDocument:
    """Put a note, a link or a file on record. One that is there for the same key stays, and is superseded."""
    incident = lock_incident(incident_id)
    access.require(by, "work", incident)
    title, text, url = title.strip(), text.strip(), url.strip()
    _check(incident, key, title, text, url, file)
    document = RecordDocument(
        incident=incident,
        key=key,
        title=title,
        text=text,
        url=url,
        added_by=by,
        added_at=now,
        supersedes=incident.documents.current().filter(key=key).first() if key else None,
    )
    if file is not None:
        _keep(document, file)
    document.save()
    _record_added(incident, document, by, now)
    return document


def _check(incident: Incident, key: str, title: str, text: str, url: str, file: "File[Any] | None") -> None:
    if key and key not in {line.key for line in documents.of(incident) if not line.is_looked_up}:
        raise Refused("The record of this incident does not ask for such a document. Choose one from the list.")
    if not title:
        raise Refused("Give it a title.")
    if not (text or url or file):
        raise Refused("Write a note, give a link, or choose a file.")
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        raise Refused("A link begins with https:// or http://.")
    if incident.documents.count() >= MOST_DOCUMENTS:
        raise Refused(f"A record holds {MOST_DOCUMENTS} documents at most.")


def most_bytes() -> int:
    return int(documents.rules().get("file_megabytes", 20)) * 1024 * 1024


def _keep(document: RecordDocument, file: "File[Any]") -> None:
    name = "".join(letter for letter in PurePath(file.name or "").name if letter.isprintable())[-200:]
    ending = PurePath(name).suffix.lower().lstrip(".")
    if ending not in ENDINGS:
        raise Refused(f"Files of this sort are not taken. These are: {', '.join(sorted(ENDINGS))}.")
    if not file.size:
        raise Refused("This file is empty.")
    if file.size > most_bytes():
        raise Refused(f"This file is larger than {most_bytes() // 1024 // 1024} MB.")
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    document.file_name, document.file_size, document.sha256 = name, file.size, digest.hexdigest()
    document.file.save(f"{secrets.token_hex(16)}.{ending}", file, save=False)


def _record_added(incident: Incident, document: RecordDocument, by: User, now: datetime) -> None:
    what = documents.label_of(document.key) if document.key else "Something else"
    text = f"On record: {what}. {document.title}"
    if document.supersedes_id:
        text += ". The earlier one stays, superseded"
    audit.record(
        chain=incident.chain,
        verb="document.added",
        subject=f"document:{document.pk}",
        text=text,
        by=by,
        now=now,
        data={"key": document.key, "file": document.file_name, "sha256": document.sha256, "words": digest(document)},
    )


def digest(document: RecordDocument) -> str:
    """What ties the entry in the record to the words that were put there."""
    words = "\x00".join([document.title, document.text, document.url])
    return hashlib.sha256(words.encode()).hexdigest()


@transaction.atomic
def waive_document(*, incident_id: int, key: str, reason: str, by: User, now: datetime) -> DocumentWaiver:
    """Let the record go without a document, by name and with a reason."""
    incident = lock_incident(incident_id)
    access.require(by, "lead", incident)
    line = next((one for one in documents.of(incident) if one.key == key), None)
    if line is None:
        raise Refused("The record of this incident does not ask for such a document.")
    if line.waiver:
        raise Conflict(f"{line.waiver.by} has waived this already: {line.waiver.reason}")
    if line.is_there:
        raise Refused("This is on record, so there is nothing to waive.")
    if not reason.strip():
        raise Refused("Say why the record can do without it.")
    waiver = DocumentWaiver.objects.create(
        incident=incident, key=key, label=line.label[:200], reason=reason.strip(), by=by, at=now
    )
    text = f"Waived by {by}, not needed on record: {line.label}. Reason: {waiver.reason}"
    audit.record(
        chain=incident.chain, verb="document.waived", subject=f"incident:{incident.pk}", text=text, by=by, now=now,
        data={"key": key},
    )  # fmt: skip
    return waiver


def _not_lead(asked: abilities.Asked) -> str:
    return "" if access.may(asked.person, "lead") and asked.sees else access.refusal("lead")


def _not_export(asked: abilities.Asked) -> str:
    return "" if access.may_export(asked.person, asked.incident) else access.NO_EXPORT


abilities.register(abilities.Ability("record_add", "Put something on record"))
abilities.register(abilities.Ability("record_waive", "Let the record go without a document", not_you=_not_lead))
abilities.register(abilities.Ability("record_export", "Take the record out", not_you=_not_export))


# Taking the record out


@transaction.atomic
def start_export(
    *, incident_id: int, with_recipients: bool, by: User, now: datetime, reason: str = ""
) -> RecordExport | ControlChange:
    """Have the record made into an archive. A restricted incident's takes a second person, and a reason for them."""
    incident = lock_incident(incident_id)
    access.require_export(by, incident)
    if incident.exports.waiting().filter(by=by).exists():
        raise Conflict("You have asked for this already. It is being made.")
    if not incident.restricted:
        return _begin(incident, with_recipients=with_recipients, by=by, now=now)
    asked = changes.ask(
        kind=EXPORT,
        subject=f"record:{incident.pk}",
        title=f"Take out the record of {incident.ref}",
        payload={"incident": incident.pk, "with_recipients": with_recipients},
        differences=[
            ("Record of a restricted incident", "inside only", f"taken out by {by}"),
            ("Addresses of recipients", "inside only", "taken out too" if with_recipients else "left out"),
        ],
        reason=reason,
        by=by,
        now=now,
    )
    return asked or incident.exports.filter(by=by)[:1].get()


def _begin(incident: Incident, *, with_recipients: bool, by: User, now: datetime) -> RecordExport:
    export = RecordExport.objects.create(
        incident=incident, by=by, asked_at=now, with_recipients=with_recipients, next_try_at=now
    )
    note_export(export, now=now)
    tasks.ring(export.pk)
    return export


def note_export(export: RecordExport, *, now: datetime) -> None:
    """From now on the product no longer decides who reads it, so that stands on the incident's own record."""
    words = "with the addresses of recipients" if export.with_recipients else "without the addresses of recipients"
    audit.record(
        chain=export.incident.chain,
        verb="record.exported",
        subject=f"export:{export.pk}",
        text=f"The record was taken out, {words}" + ("" if export.by else ", at the command line"),
        by=export.by,
        now=now,
    )


@transaction.atomic
def note_fetched(*, export: RecordExport, by: User, now: datetime, is_pdf: bool = False) -> None:
    what = "The record to read (PDF)" if is_pdf else "The archive of the record"
    audit.record(
        chain=export.incident.chain, verb="record.fetched", subject=f"export:{export.pk}",
        text=f"{what} was fetched: {export.sha256[:16]}", by=by, now=now,
    )  # fmt: skip


def _apply(change: ControlChange, now: datetime) -> None:
    incident = lock_incident(change.payload["incident"])
    _begin(incident, with_recipients=change.payload["with_recipients"], by=change.asked_by, now=now)


def _may_ask(person: User, payload: dict[str, Any]) -> bool:
    incident = Incident.objects.filter(pk=payload["incident"]).first()
    return incident is not None and access.may_export(person, incident)


def _path(change: ControlChange) -> str:
    number = Incident.objects.only("number").get(pk=change.payload["incident"]).number
    return reverse("incidents:record", args=[number])


changes.register(
    changes.Kind(EXPORT, "Take out a restricted record", _apply, may_ask=_may_ask, path=_path, is_restricted=True)
)
