"""What records hold about people outside, and how it is forgotten because a person asks."""

from datetime import datetime
from typing import Any

from django.db import transaction

from crisiscomms import audit, personal
from incidents.models import RecordDocument
from incidents.record import making


def _naming(person: personal.Person) -> Any:
    return RecordDocument.objects.filter(personal.naming(person, "title", "text", "url", "file_name"), erased_at=None)


def _held(person: personal.Person) -> list[dict[str, Any]]:
    found = _naming(person).select_related("incident").order_by("pk")
    return [
        {"incident": one.incident.ref, "title": one.title, "text": one.text, "link": one.url, "file": one.file_name}
        for one in found
    ]


def _erase(person: personal.Person, now: datetime) -> int:
    """The words and the file of a document that names them; who put it there and its digest stay."""
    rows = list(_naming(person))
    for one in rows:
        _drop_file(one)
        RecordDocument.objects.filter(pk=one.pk).update(
            title=audit.ERASED, text="", url="", file="", file_name="", erased_at=now
        )
    return len(rows)


def _drop_file(document: RecordDocument) -> None:
    name, storage = document.file.name, document.file.storage
    if name:
        transaction.on_commit(lambda: storage.delete(name), robust=True)


personal.register(
    personal.Holder(
        "documents",
        "Documents on record",
        _held,
        _erase,
        "Notes, links and files on the record of incidents whose words name their address.",
        "That something was put on record, when and by whom, and its digest. Nobody can search inside files: "
        "look through those of incidents that concern this person.",
    )
)


personal.register(
    personal.Holder(
        "archives",
        "Archives of records",
        lambda person: [],
        lambda person, now: making.forget_all(),
        "Every archive of a record that is kept here: they can be made again, without this person.",
        "What somebody took out is no longer in our hands. Each incident’s record says who took it.",
    )
)
