"""The decision log and the disclosure level, for programs."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crisiscomms.api import fields
from crisiscomms.api.idempotency import HEADER, once
from crisiscomms.api.views import Api, ApiList, read
from crisiscomms.models import Role
from incidents import access, actions
from incidents.actions.deciding import NOTED
from incidents.api.incidents import IncidentSerializer
from incidents.api.lifecycle import GLASS
from incidents.models import Decision, Incident


class DecisionSerializer(serializers.ModelSerializer):
    by = fields.Person(read_only=True)
    role = fields.ChoiceOrNull(choices=Role.choices, help_text="What gave the right; null where the glass was broken.")
    options = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Decision
        fields = [
            *("id", "kind", "severity", "question", "options", "choice", "reason"),
            *("by", "role", "at", "is_break_glass"),
        ]
        read_only_fields = fields


class NoteSerializer(fields.Strict):
    kind = serializers.ChoiceField(choices=[(kind.value, kind.label) for kind in Decision.Kind if kind in NOTED])
    question = fields.OneLine(max_length=300, help_text="What was to be decided.")
    options = serializers.ListField(
        child=fields.OneLine(max_length=200), required=False, max_length=10, help_text="What could have been chosen."
    )
    choice = fields.OneLine(max_length=300, help_text="What was decided.")
    reason = fields.Text(max_length=2000)
    break_glass = fields.Text(required=False, allow_blank=True, max_length=1000, help_text=GLASS)


class DiscloseSerializer(fields.Strict):
    level = serializers.ChoiceField(choices=Incident.Disclosure.choices)
    seen = serializers.ChoiceField(
        choices=[("", "Nothing decided"), *Incident.Disclosure.choices],
        help_text="The level that stood when you looked; empty where nobody had decided.",
    )
    reason = fields.Text(max_length=2000)
    break_glass = fields.Text(required=False, allow_blank=True, max_length=1000, help_text=GLASS)


class Decisions(ApiList):
    """What was decided about an incident, newest first."""

    queryset = Decision.objects.none()
    serializer_class = DecisionSerializer
    order = ("-pk",)

    def get_queryset(self) -> QuerySet[Decision]:
        return access.get_incident(self.request.user, self.kwargs["number"]).decisions.select_related("by")

    @extend_schema(
        operation_id="decisions_note",
        request=NoteSerializer,
        responses={201: DecisionSerializer},
        parameters=[HEADER],
        filters=False,
    )
    def post(self, request: Request, number: int) -> Response:
        """Note a decision that is no act of the product."""
        incident = access.get_incident(request.user, number)
        sent = {"options": [], **read(NoteSerializer, request)}
        return once(
            request,
            lambda: self._note(incident, sent, request),
            still=lambda _: access.get_incident(request.user, number),
        )

    def _note(self, incident: Incident, sent: dict[str, Any], request: Request) -> Response:
        decision = actions.note_decision(incident_id=incident.pk, by=request.user, now=request.now, **sent)
        return Response(DecisionSerializer(decision).data, status=201)


class Disclosure(Api):
    @extend_schema(operation_id="incidents_disclose", request=DiscloseSerializer, responses={200: IncidentSerializer})
    def post(self, request: Request, number: int) -> Response:
        """Decide how much is said to whom."""
        incident = access.get_incident(request.user, number)
        sent = read(DiscloseSerializer, request)
        actions.decide_disclosure(incident_id=incident.pk, by=request.user, now=request.now, **sent)
        return Response(IncidentSerializer(access.get_incident(request.user, number)).data)


urlpatterns = [
    path("incidents/<id:number>/decisions/", Decisions.as_view(), name="decisions"),
    path("incidents/<id:number>/disclosure/", Disclosure.as_view(), name="disclosure"),
]
