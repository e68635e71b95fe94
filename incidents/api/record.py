"""What is on an incident's record and what is missing, and the record taken out, for programs."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from crisiscomms.api import fields
from crisiscomms.api.idempotency import HEADER, once
from crisiscomms.api.views import Api, ApiDetail, ApiList, read
from crisiscomms.exports import file_answer
from crisiscomms.models import ControlChange
from incidents import access, actions
from incidents.models import Incident, RecordDocument, RecordExport
from incidents.record import documents
from incidents.record.fetching import pdf_answer


class RequirementSerializer(serializers.Serializer):
    key = serializers.CharField(read_only=True)
    label = serializers.CharField(read_only=True)  # type: ignore[assignment]
    phase = serializers.CharField(read_only=True)
    is_due = serializers.BooleanField(read_only=True, help_text="Its phase has come.")
    is_there = serializers.BooleanField(read_only=True)
    is_looked_up = serializers.BooleanField(read_only=True, help_text="Noted by itself; nobody can add it.")
    is_missing = serializers.BooleanField(read_only=True)
    waived_because = serializers.CharField(source="waiver.reason", read_only=True, allow_null=True, default=None)


class CompletenessSerializer(serializers.Serializer):
    there = serializers.IntegerField(read_only=True, help_text="On record, or waived with a reason.")
    total = serializers.IntegerField(read_only=True, help_text="Asked for by now.")
    is_complete = serializers.BooleanField(read_only=True)
    documents = RequirementSerializer(many=True, read_only=True)


class Completeness(ApiDetail):
    """What has to be on record by which phase, and what is missing."""

    serializer_class = CompletenessSerializer

    def get_object(self) -> dict[str, Any]:
        incident = access.get_incident(self.request.user, self.kwargs["number"])
        lines = documents.of(incident)
        found = documents.completeness(incident, lines)
        return {"there": found.there, "total": found.total, "is_complete": found.is_complete, "documents": lines}


class DocumentSerializer(serializers.ModelSerializer):
    added_by = fields.Person(read_only=True)
    supersedes = serializers.IntegerField(source="supersedes_id", read_only=True, allow_null=True)

    class Meta:
        model = RecordDocument
        fields = [
            *("id", "key", "title", "text", "url", "file_name", "file_size", "sha256"),
            *("added_by", "added_at", "supersedes", "erased_at"),
        ]
        read_only_fields = fields


class AddSerializer(fields.Strict):
    key = fields.Text(
        required=False, allow_blank=True, max_length=40, default="", help_text="What it is, from /record/."
    )
    title = fields.OneLine(max_length=160)
    text = fields.Text(required=False, allow_blank=True, max_length=20_000, default="")
    url = fields.OneLine(required=False, allow_blank=True, max_length=500, default="", help_text="https:// or http://.")


class Documents(ApiList):
    """What people put on record, newest first. Files are put there and fetched on the page."""

    queryset = RecordDocument.objects.none()
    serializer_class = DocumentSerializer
    order = ("-pk",)

    def get_queryset(self) -> QuerySet[RecordDocument]:
        return access.get_incident(self.request.user, self.kwargs["number"]).documents.select_related("added_by")

    @extend_schema(
        operation_id="documents_add",
        request=AddSerializer,
        responses={201: DocumentSerializer},
        parameters=[HEADER],
        filters=False,
    )
    def post(self, request: Request, number: int) -> Response:
        """Put a note or a link on record. What is there for the same key stays, and is superseded."""
        incident = access.get_incident(request.user, number)
        access.require(request.user, "work", incident)
        sent = read(AddSerializer, request)
        return once(
            request,
            lambda: self._add(request, incident, sent),
            still=lambda _: access.get_incident(request.user, number),
        )

    def _add(self, request: Request, incident: Incident, sent: dict[str, Any]) -> Response:
        document = actions.add_document(incident_id=incident.pk, **sent, by=request.user, now=request.now)
        return Response(DocumentSerializer(document).data, status=201)


class ExportSerializer(serializers.ModelSerializer):
    by = fields.Person(read_only=True, allow_null=True, help_text="Null: the command line.")

    class Meta:
        model = RecordExport
        fields = [
            "id",
            "state",
            "why",
            "with_recipients",
            "by",
            "asked_at",
            "made_at",
            "size",
            "sha256",
            "pdf_size",
            "keep_until",
        ]
        read_only_fields = fields


class TakeOutSerializer(fields.Strict):
    with_recipients = fields.Flag(required=False, default=False, help_text="With the addresses of recipients.")
    reason = fields.OneLine(
        required=False,
        allow_blank=True,
        max_length=300,
        default="",
        help_text="For the second person, where one is needed.",
    )


class WaitsSerializer(serializers.Serializer):
    waits_for_second_person = serializers.BooleanField(read_only=True)


class Exports(ApiList):
    """Who took the record out, newest first."""

    queryset = RecordExport.objects.none()
    serializer_class = ExportSerializer
    order = ("-pk",)

    def get_queryset(self) -> QuerySet[RecordExport]:
        return access.get_incident(self.request.user, self.kwargs["number"]).exports.select_related("by")

    @extend_schema(
        operation_id="exports_start",
        request=TakeOutSerializer,
        responses={202: ExportSerializer, 200: WaitsSerializer},
        parameters=[HEADER],
        filters=False,
    )
    def post(self, request: Request, number: int) -> Response:
        """Have the record made into an archive. A restricted one waits for a second person first."""
        incident = access.get_incident(request.user, number)
        access.require_export(request.user, incident)
        sent = read(TakeOutSerializer, request)
        return once(
            request,
            lambda: self._start(request, incident, sent),
            still=lambda _: access.get_incident(request.user, number),
        )

    def _start(self, request: Request, incident: Incident, sent: dict[str, Any]) -> Response:
        begun = actions.start_export(incident_id=incident.pk, **sent, by=request.user, now=request.now)
        if isinstance(begun, ControlChange):
            return Response({"waits_for_second_person": True})
        where = reverse("api:export", args=[incident.number, begun.pk], request=request)
        return Response(ExportSerializer(begun).data, status=202, headers={"Location": where})


class OneExport(ApiDetail):
    """How far an archive is."""

    serializer_class = ExportSerializer

    def get_object(self) -> RecordExport:
        incident = access.get_incident(self.request.user, self.kwargs["number"])
        export = incident.exports.select_related("by").filter(pk=self.kwargs["export_id"]).first()
        if export is None:
            raise Http404
        return export


class Archive(Api):
    @extend_schema(operation_id="export_archive", responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, number: int, export_id: int) -> HttpResponseBase:
        """The archive itself, once it is ready. That it was fetched stands on the record."""
        incident = access.get_incident(request.user, number)
        export = access.get_export(request.user, incident, export_id)
        answer = file_answer(export.file.name, name=f"{incident.ref}-record.zip", content_type="application/zip")
        actions.note_fetched(export=export, by=request.user, now=request.now)
        return answer


class Pdf(Api):
    @extend_schema(operation_id="export_pdf", responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    def get(self, request: Request, number: int, export_id: int) -> HttpResponseBase:
        """The document to read, out of the archive. That it was fetched stands on the record. 404 where `pdf_size` is 0."""
        incident = access.get_incident(request.user, number)
        export = access.get_printed_export(request.user, incident, export_id)
        answer = pdf_answer(export, name=f"{incident.ref}-record.pdf")
        actions.note_fetched(export=export, by=request.user, now=request.now, is_pdf=True)
        return answer


urlpatterns = [
    path("incidents/<id:number>/record/", Completeness.as_view(), name="record"),
    path("incidents/<id:number>/documents/", Documents.as_view(), name="documents"),
    path("incidents/<id:number>/exports/", Exports.as_view(), name="exports"),
    path("incidents/<id:number>/exports/<id:export_id>/", OneExport.as_view(), name="export"),
    path("incidents/<id:number>/exports/<id:export_id>/archive/", Archive.as_view(), name="archive"),
    path("incidents/<id:number>/exports/<id:export_id>/pdf/", Pdf.as_view(), name="archive_pdf"),
]
