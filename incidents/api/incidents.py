"""Incidents, their clocks and record, for programs."""

from datetime import datetime, timedelta
from typing import Any

import django_filters
from django.db.models import Prefetch, QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from crisiscomms.api import fields, filtering
from crisiscomms.api.idempotency import HEADER, once
from crisiscomms.api.views import ApiDetail, ApiList, on_front_page, read
from crisiscomms.models import AuditEvent
from incidents import access, actions
from incidents.models import Component, ComponentState, Deadline, Incident

# Clocks of two machines differ a little; what lies within this was noticed now.
CLOCKS_DIFFER = timedelta(minutes=1)


class AffectedSerializer(serializers.ModelSerializer):
    component = serializers.IntegerField(source="component_id", read_only=True)
    name = serializers.CharField(source="component.name", read_only=True)
    product = serializers.CharField(source="component.product.name", read_only=True)

    class Meta:
        model = ComponentState
        fields = ["component", "name", "product", "state", "began_at"]
        read_only_fields = ["state", "began_at"]


class IncidentSerializer(serializers.ModelSerializer):
    ref = serializers.CharField(read_only=True)
    lead = fields.Person(read_only=True)
    declared_by = fields.Person(read_only=True)
    components = serializers.SerializerMethodField(help_text="What does not work as it should now.")

    class Meta:
        model = Incident
        fields = [
            *("number", "ref", "title", "summary", "kind", "severity", "phase", "restricted", "is_exercise"),
            *("began_at", "discovered_at", "declared_at", "resolved_at", "closed_at", "stood_down"),
            *("lead", "declared_by", "components"),
        ]
        read_only_fields = fields

    @extend_schema_field(AffectedSerializer(many=True))
    def get_components(self, incident: Incident) -> Any:
        states = getattr(incident, "open_states", None)
        if states is None:
            states = _open_states().filter(incident=incident)
        return AffectedSerializer(states, many=True).data


def _open_states() -> QuerySet[ComponentState]:
    return ComponentState.objects.open().select_related("component__product").order_by("pk")


class AffectsSerializer(fields.Strict):
    component = fields.Key(help_text="Its id, from /components/.")
    state = serializers.ChoiceField(choices=ComponentState.State)


class DeclareSerializer(fields.Strict):
    title = fields.OneLine(max_length=160, help_text="What happened, as a customer would say it.")
    kind = serializers.ChoiceField(choices=Incident.Kind)
    severity = serializers.ChoiceField(choices=Incident.Severity)
    discovered_at = fields.Moment(required=False, help_text="The clocks count from here. Now, if left out.")
    began_at = fields.Moment(required=False, help_text="When it began. When it was discovered, if left out.")
    summary = fields.Text(required=False, allow_blank=True, max_length=4000, help_text="What is known so far.")
    restricted = fields.Flag(required=False, help_text="Only its team may see that it exists.")
    components = AffectsSerializer(many=True, required=False, max_length=200)  # type: ignore[call-arg]

    def validate_components(self, chosen: list[dict[str, Any]]) -> dict[int, str]:
        states = {one["component"]: one["state"] for one in chosen}
        if len(states) < len(chosen):
            raise serializers.ValidationError("A component stands here twice. Give each once.")
        missing = sorted(
            set(states) - set(Component.objects.in_use().filter(pk__in=states).values_list("pk", flat=True))
        )
        if missing:
            raise serializers.ValidationError(f"There is no component {missing[0]} in use. See /components/.")
        return states


class IncidentFilters(django_filters.FilterSet):
    phase = django_filters.ChoiceFilter(choices=Incident.Phase.choices)
    severity = django_filters.ChoiceFilter(choices=Incident.Severity.choices)
    kind = django_filters.ChoiceFilter(choices=Incident.Kind.choices)
    live = filtering.yes_or_no(method="by_life", help_text="Not closed yet.")
    declared_since = filtering.Moment(field_name="declared_at", lookup_expr="gte")
    declared_until = filtering.Moment(field_name="declared_at", lookup_expr="lt")

    class Meta:
        model = Incident
        fields: list[str] = []

    def by_life(self, found: Any, name: str, wanted: bool) -> Any:
        return found.live() if wanted else found.filter(phase=Incident.Phase.CLOSED)


class Incidents(ApiList):
    """The incidents that you can see, newest first."""

    queryset = Incident.objects.none()
    serializer_class = IncidentSerializer
    filterset_class = IncidentFilters
    order = ("-number",)

    def get_queryset(self) -> QuerySet[Incident]:
        access.page(self.request.user, "view")
        visible = Incident.objects.visible_to(self.request.user).select_related("lead", "declared_by")
        return visible.prefetch_related(Prefetch("component_states", queryset=_open_states(), to_attr="open_states"))

    @extend_schema(
        operation_id="incidents_declare",
        request=DeclareSerializer,
        responses={201: IncidentSerializer},
        parameters=[HEADER],
        filters=False,
    )
    def post(self, request: Request) -> Response:
        """Declare an incident: its clocks start and its team is told, as from the page."""
        access.page(request.user, "view")
        access.require(request.user, "declare")
        sent = read(DeclareSerializer, request)
        return once(
            request,
            lambda: self._declare(request, sent),
            still=lambda body: access.get_incident(request.user, body["number"]),
        )

    def _declare(self, request: Request, sent: dict[str, Any]) -> Response:
        sent["discovered_at"] = not_ahead(sent.get("discovered_at"), request.now)
        incident = actions.declare_incident(**sent, by=request.user, now=request.now)
        where = reverse("api:incident", args=[incident.number], request=request)
        return Response(IncidentSerializer(incident).data, status=201, headers={"Location": where})


def not_ahead(discovered_at: datetime | None, now: datetime) -> datetime:
    if discovered_at is None or now < discovered_at <= now + CLOCKS_DIFFER:
        return now
    return discovered_at


class OneIncident(ApiDetail):
    """An incident by its number."""

    serializer_class = IncidentSerializer

    def get_object(self) -> Incident:
        return access.get_incident(self.request.user, self.kwargs["number"])


class DeadlineSerializer(serializers.ModelSerializer):
    owner = fields.Person(read_only=True)
    was_late = serializers.BooleanField(read_only=True)

    class Meta:
        model = Deadline
        fields = ["id", "kind", "title", "state", "due_at", "met_at", "was_late", "waived_reason", "owner"]
        read_only_fields = fields


class DeadlineFilters(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=Deadline.State.choices)

    class Meta:
        model = Deadline
        fields: list[str] = []


class Deadlines(ApiList):
    """The clocks of an incident, by when they are due."""

    queryset = Deadline.objects.none()
    serializer_class = DeadlineSerializer
    filterset_class = DeadlineFilters
    order = ("due_at", "pk")

    def get_queryset(self) -> QuerySet[Deadline]:
        incident = access.get_incident(self.request.user, self.kwargs["number"])
        return incident.deadlines.select_related("owner")


class EntrySerializer(serializers.ModelSerializer):
    text = serializers.CharField(source="detail.text", read_only=True, help_text="Empty where it was erased.")
    by = fields.Person(source="actor", read_only=True, allow_null=True, help_text="Null: the system itself.")

    class Meta:
        model = AuditEvent
        fields = ["number", "at", "verb", "text", "by"]
        read_only_fields = ["number", "at", "verb"]


class Timeline(ApiList):
    """The record of an incident, newest first."""

    queryset = AuditEvent.objects.none()
    serializer_class = EntrySerializer
    order = ("-number",)

    def get_queryset(self) -> QuerySet[AuditEvent]:
        incident = access.get_incident(self.request.user, self.kwargs["number"])
        return AuditEvent.objects.filter(chain=incident.chain).select_related("detail", "actor")


on_front_page("incidents", "api:incidents", lambda user: access.may(user, "view"))

urlpatterns = [
    path("incidents/", Incidents.as_view(), name="incidents"),
    path("incidents/<id:number>/", OneIncident.as_view(), name="incident"),
    path("incidents/<id:number>/deadlines/", Deadlines.as_view(), name="deadlines"),
    path("incidents/<id:number>/timeline/", Timeline.as_view(), name="timeline"),
]
