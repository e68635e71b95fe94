"""Playbooks and the plan of an incident, for programs."""

from typing import Any

import django_filters
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers

from crisiscomms.api import fields
from crisiscomms.api.views import ApiDetail, ApiList, on_front_page
from incidents import access, playbooks
from incidents.models import AppliedPlaybook, Incident, PlaybookTask, PlaybookVersion


class PlaybookSerializer(serializers.ModelSerializer):
    key = serializers.CharField(source="playbook.slug", read_only=True)
    kind = serializers.ChoiceField(choices=Incident.Kind.choices, source="playbook.kind", read_only=True)
    severity = serializers.CharField(source="playbook.severity", read_only=True, help_text="Empty: any.")
    version = serializers.IntegerField(source="number", read_only=True)
    author = fields.Person(read_only=True, allow_null=True, help_text="Null: shipped with the product.")
    agreed_by = serializers.SerializerMethodField()

    class Meta:
        model = PlaybookVersion
        fields = ["key", "kind", "severity", "version", "author", "reason", "at", "review_by", "agreed_by"]
        read_only_fields = fields

    @extend_schema_field(fields.Person(allow_null=True))
    def get_agreed_by(self, version: PlaybookVersion) -> Any:
        approval = getattr(version, "approval", None)
        return fields.Person(approval.by).data if approval else None


class WholePlaybookSerializer(PlaybookSerializer):
    class Meta(PlaybookSerializer.Meta):
        fields = [*PlaybookSerializer.Meta.fields, "sections"]
        read_only_fields = fields


def _newest() -> QuerySet[PlaybookVersion]:
    last = PlaybookVersion.objects.filter(playbook=OuterRef("playbook")).order_by("-number").values("pk")[:1]
    found = PlaybookVersion.objects.filter(pk=Subquery(last))
    return found.select_related("playbook", "author", "approval__by")


class PlaybookFilters(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(choices=Incident.Kind.choices, field_name="playbook__kind")

    class Meta:
        model = PlaybookVersion
        fields: list[str] = []


class Playbooks(ApiList):
    """The newest version of each playbook."""

    queryset = PlaybookVersion.objects.none()
    serializer_class = PlaybookSerializer
    filterset_class = PlaybookFilters
    order = ("pk",)

    def get_queryset(self) -> QuerySet[PlaybookVersion]:
        access.page(self.request.user, "view")
        return _newest()


class OnePlaybook(ApiDetail):
    """A playbook with its sections, in the newest version."""

    serializer_class = WholePlaybookSerializer

    def get_object(self) -> PlaybookVersion:
        access.page(self.request.user, "view")
        named = playbooks.named(self.kwargs["plan"])
        found = playbooks.newest(*named) if named else None
        if found is None:
            raise Http404
        return found


class PlanTaskSerializer(serializers.ModelSerializer):
    owner = fields.Person(read_only=True)
    done_by = fields.Person(read_only=True, allow_null=True)

    class Meta:
        model = PlaybookTask
        fields = ["id", "title", "owner_role", "owner", "due_at", "state", "note", "done_by", "done_at"]
        read_only_fields = fields


class PlanSerializer(serializers.ModelSerializer):
    playbook = WholePlaybookSerializer(source="version", read_only=True)
    by = fields.Person(read_only=True, allow_null=True)
    tasks = serializers.SerializerMethodField()

    class Meta:
        model = AppliedPlaybook
        fields = ["playbook", "by", "at", "tasks"]
        read_only_fields = ["at"]

    @extend_schema_field(PlanTaskSerializer(many=True))
    def get_tasks(self, applied: AppliedPlaybook) -> Any:
        tasks = applied.incident.plan_tasks.select_related("owner", "done_by")
        return PlanTaskSerializer(tasks, many=True).data


class Plan(ApiDetail):
    """The plan of an incident: the version that it goes by, and its tasks."""

    serializer_class = PlanSerializer

    def get_object(self) -> AppliedPlaybook:
        incident = access.get_incident(self.request.user, self.kwargs["number"])
        found = incident.applied_playbooks.select_related(
            "incident", "by", "version__playbook", "version__author", "version__approval__by"
        ).first()
        if found is None:
            raise Http404
        return found

    @extend_schema(operation_id="incident_plan")
    def get(self, *args: Any, **kwargs: Any) -> Any:
        return super().get(*args, **kwargs)


on_front_page("playbooks", "api:playbooks", lambda user: access.may(user, "view"))

urlpatterns = [
    path("playbooks/", Playbooks.as_view(), name="playbooks"),
    path("playbooks/<slug:plan>/", OnePlaybook.as_view(), name="playbook"),
    path("incidents/<id:number>/plan/", Plan.as_view(), name="plan"),
]
