"""What is given out of an archive that is kept."""

from django.http.response import HttpResponseBase

from crisiscomms.exports import member_answer
from incidents.models import RecordExport
from incidents.record import printing


def pdf_answer(export: RecordExport, *, name: str) -> HttpResponseBase:
    return member_answer(
        export.file.name, printing.NAME, size=export.pdf_size, name=name, content_type="application/pdf"
    )
