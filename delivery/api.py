"""What was ordered to be sent and what became of it, for programs: figures, never recipients."""

import django_filters
from django.db.models import QuerySet
from django.http import Http404
from django.urls import path
from rest_framework import serializers

from crisiscomms.api import fields
from crisiscomms.api.views import ApiDetail, ApiList
from delivery import access
from delivery.models import Dispatch, Tally
from incidents import access as incidents


class TallySerializer(serializers.ModelSerializer):
    """How many people are in which state. `planned` is the sum of all others."""

    class Meta:
        model = Tally
        fields = [
            *("planned", "queued", "claimed", "retry", "sent", "delivered", "bounced", "failed", "unknown"),
            *("skipped", "cancelled"),
        ]
        read_only_fields = fields


class DispatchSerializer(serializers.ModelSerializer):
    incident = serializers.IntegerField(source="incident.number", read_only=True, help_text="Its number.")
    message = serializers.IntegerField(source="message_id", read_only=True)
    version = serializers.IntegerField(source="version.number", read_only=True)
    ordered_by = fields.Person(read_only=True)
    tally = TallySerializer(read_only=True)

    class Meta:
        model = Dispatch
        fields = [
            *("id", "incident", "message", "version", "channel", "state", "why", "ordered_by", "ordered_at"),
            *("hold_until", "released_at", "left_at", "finished_at", "tally"),
        ]
        read_only_fields = fields


class DispatchFilters(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=Dispatch.State.choices)
    channel = django_filters.ChoiceFilter(choices=Dispatch.Channel.choices)

    class Meta:
        model = Dispatch
        fields: list[str] = []


class Dispatches(ApiList):
    """What was ordered to be sent about an incident, newest first."""

    queryset = Dispatch.objects.none()
    serializer_class = DispatchSerializer
    filterset_class = DispatchFilters
    order = ("-pk",)

    def get_queryset(self) -> QuerySet[Dispatch]:
        if not incidents.may(self.request.user, "work"):
            raise Http404
        incident = incidents.get_incident(self.request.user, self.kwargs["number"])
        return incident.dispatches.select_related("incident", "version", "ordered_by", "tally")


class OneDispatch(ApiDetail):
    """A dispatch by its id, with how many people are in which state."""

    serializer_class = DispatchSerializer

    def get_object(self) -> Dispatch:
        return access.get_dispatch(self.request.user, self.kwargs["dispatch_id"])


urlpatterns = [
    path("incidents/<id:number>/dispatches/", Dispatches.as_view(), name="dispatches"),
    path("dispatches/<id:dispatch_id>/", OneDispatch.as_view(), name="dispatch"),
]
