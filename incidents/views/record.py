"""The page of an incident's record: what is missing, what is there, and taking it out."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from crisiscomms.exports import file_answer
from crisiscomms.live import live
from crisiscomms.models import ControlChange
from crisiscomms.refusal import Refused
from incidents import access, actions
from incidents.actions.record import most_bytes
from incidents.forms.record import DocumentForm, ExportForm, WaiveDocumentForm
from incidents.models import Incident
from incidents.record import documents
from incidents.record import queries as record_queries
from incidents.record.fetching import pdf_answer


@require_GET
def record(request: HttpRequest, number: int) -> HttpResponse:
    return _show(request, access.get_incident(request.user, number))


def _show(
    request: HttpRequest, incident: Incident, form: DocumentForm | None = None, status: int = 200
) -> HttpResponse:
    found = record_queries.page(incident, request.user, everything="all" in request.GET, check="check" in request.GET)
    context = {**found, "form": form or _form(incident, initial=_wanted(request)), "mark": ""}
    return render(request, "incidents/record_detail.html", context, status=status)


def _wanted(request: HttpRequest) -> dict[str, Any]:
    key = request.GET.get("for", "")
    return {"key": key, "title": documents.label_of(key)[:160]} if key in documents.on_paper(documents.rules()) else {}


def _form(incident: Incident, *args: Any, **kwargs: Any) -> DocumentForm:
    lines = documents.of(incident)
    return DocumentForm(*args, lines=lines, most_megabytes=most_bytes() // 1024 // 1024, **kwargs)


@require_POST
def add_document(request: HttpRequest, number: int) -> HttpResponse:
    incident = access.get_incident(request.user, number)
    form = _form(incident, request.POST, request.FILES)
    if getattr(request, "upload_too_large", False):
        form.errors.clear()
        form.add_error("file", f"This file is larger than {most_bytes() // 1024 // 1024} MB.")
        return _show(request, incident, form, status=413)
    if form.is_valid():
        try:
            document = actions.add_document(
                incident_id=incident.pk, **form.cleaned_data, by=request.user, now=request.now
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"On record: {document.title}.")
            return redirect("incidents:record", number)
    return _show(request, incident, form, status=422)


@require_POST
def waive_document(request: HttpRequest, number: int) -> HttpResponse:
    incident = access.get_incident(request.user, number)
    form = WaiveDocumentForm(request.POST)
    try:
        if not form.is_valid():
            raise Refused("Say why the record can do without it.")
        waiver = actions.waive_document(incident_id=incident.pk, **form.cleaned_data, by=request.user, now=request.now)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Waived, with your reason: {waiver.label}.")
    return redirect("incidents:record", number)


@require_POST
def export(request: HttpRequest, number: int) -> HttpResponse:
    incident = access.get_incident(request.user, number)
    form = ExportForm(request.POST)
    try:
        if not form.is_valid():
            raise Refused("Say in at most 300 characters why it is taken out.")
        begun = actions.start_export(incident_id=incident.pk, **form.cleaned_data, by=request.user, now=request.now)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        if isinstance(begun, ControlChange):
            messages.success(request, "Asked for. It is made once an administrator has confirmed it.")
        return redirect(reverse("incidents:record", args=[number]) + "#take-out")
    return redirect("incidents:record", number)


@require_GET
def exports(request: HttpRequest, number: int) -> HttpResponse:
    """How far the archives are. When none is being made any more, the page says something else."""
    incident = access.get_incident(request.user, number)
    found = record_queries.exports(incident, request.user)
    if not found["is_making"]:
        return HttpResponseClientRefresh()
    return live(request, "incidents/record_detail.html#exports", found)


@require_GET
def fetch(request: HttpRequest, number: int, export_id: int) -> HttpResponseBase:
    """The archive, to keep. That it was fetched stands on the record."""
    incident = access.get_incident(request.user, number)
    kept = access.get_export(request.user, incident, export_id)
    answer = file_answer(
        kept.file.name, name=f"{incident.ref}-record-{kept.made_at:%Y%m%d-%H%M}.zip", content_type="application/zip"
    )
    actions.note_fetched(export=kept, by=request.user, now=request.now)
    return answer


@require_GET
def fetch_pdf(request: HttpRequest, number: int, export_id: int) -> HttpResponseBase:
    """The document to read out of the archive: the same right, and the same note on the record."""
    incident = access.get_incident(request.user, number)
    kept = access.get_printed_export(request.user, incident, export_id)
    answer = pdf_answer(kept, name=f"{incident.ref}-record-{kept.made_at:%Y%m%d-%H%M}.pdf")
    actions.note_fetched(export=kept, by=request.user, now=request.now, is_pdf=True)
    return answer


@require_GET
def file(request: HttpRequest, number: int, document_id: int) -> HttpResponseBase:
    """A file that was put on record."""
    incident = access.get_incident(request.user, number)
    document = incident.documents.filter(pk=document_id).first()
    if document is None or not document.file:
        raise Http404
    return file_answer(document.file.name, name=document.file_name)
