"""An incident with something of everything, and archives of it, whole and otherwise."""

import io
import zipfile
from datetime import timedelta

from django.core.files.base import ContentFile

from crisiscomms import signing
from incidents import actions
from incidents.models import Incident
from incidents.record import format, packing, verifying, writing
from tests import factories
from tests.conftest import NOW
from tests.world import deliver

PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 20


def whole_incident(ada, ben, **fields) -> Incident:
    """Two were mailed, one message is a draft; a note and a file are on record; a phase ended with a waiver."""
    account = factories.make_account()
    for name in ("lena", "omar"):
        factories.make_contact(f"{name}@bluegate.example", account)
    incident = factories.make_incident(ada, **fields)
    factories.order(factories.make_approved(incident, ada, ben, affected_only=False), ada)
    for moment in (NOW, NOW + timedelta(seconds=1), NOW + timedelta(seconds=2)):
        deliver(moment)
    factories.make_message(incident, ada, kind="update")
    add(incident, ada, key="severity_reason", title="Why major", text="Half of all payments fail.")
    add(incident, ada, title="Graph", file=ContentFile(PNG, "graph.png"))
    actions.move_phase(incident_id=incident.pk, to="management", waive_reason="It is plain to see", by=ada, now=NOW)
    return Incident.objects.get(pk=incident.pk)


def add(incident, by, **fields):
    values = {"key": "", "title": "Note", "by": by, "now": NOW, **fields}
    return actions.add_document(incident_id=incident.pk, **values)


def archive(incident, **fields) -> bytes:
    stream = io.BytesIO()
    writing.write(incident, stream, **{"by": None, "now": NOW, **fields})
    return stream.getvalue()


def files_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        return {name: found.read(name) for name in found.namelist()}


def pack(files: dict[str, bytes]) -> bytes:
    """An archive packed as ours are, of any files."""
    stream = io.BytesIO()
    packer = packing.Packer(stream)
    for name, content in files.items():
        if name in (format.MANIFEST, format.SIGNATURE):
            packer.add_stored(name, content)
        else:
            packer.add(name, [content])
    packer.close()
    return stream.getvalue()


def faults(data: bytes, **fields) -> list[str]:
    return verifying.verify(io.BytesIO(data), **{"expected_key": signing.public_key(), **fields}).faults
