"""Messages and their frozen versions, for programs: read by the people who work on the incident."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crisiscomms.api.views import ApiDetail, ApiList
from incidents import access as incidents
from messaging import access
from messaging.content import Content
from messaging.models import Message, MessageVersion


class MessageSerializer(serializers.ModelSerializer):
    """What it is and how far it has come. What it says stands in its versions."""

    name = serializers.CharField(read_only=True)
    incident = serializers.IntegerField(source="incident.number", read_only=True, help_text="Its number.")

    class Meta:
        model = Message
        fields = ["id", "incident", "number", "name", "kind", "state", "created_at"]
        read_only_fields = ["number", "kind", "state", "created_at"]


class MessageFilters(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=Message.State.choices)
    kind = django_filters.ChoiceFilter(choices=Message.Kind.choices)

    class Meta:
        model = Message
        fields: list[str] = []


class Messages(ApiList):
    """The messages of an incident, newest first."""

    queryset = Message.objects.none()
    serializer_class = MessageSerializer
    filterset_class = MessageFilters
    order = ("-number",)

    def get_queryset(self) -> QuerySet[Message]:
        if not incidents.may(self.request.user, "work"):
            raise Http404
        incident = incidents.get_incident(self.request.user, self.kwargs["number"])
        return Message.objects.visible_to(self.request.user).filter(incident=incident).select_related("incident")


class OneMessage(ApiDetail):
    """A message by its id."""

    serializer_class = MessageSerializer

    def get_object(self) -> Message:
        return access.get_message(self.request.user, self.kwargs["message_id"])


class LineSerializer(serializers.Serializer):
    text = serializers.CharField(read_only=True)
    instead = serializers.CharField(read_only=True)


class ContentSerializer(serializers.Serializer):
    """The words, by which channels, and the rule that says to whom; never who that is."""

    subject = serializers.CharField(read_only=True)
    recognize = serializers.CharField(read_only=True)
    respond = serializers.CharField(read_only=True)
    rebuild = serializers.CharField(read_only=True)
    public_title = serializers.CharField(read_only=True)
    public_body = serializers.CharField(read_only=True)
    say = serializers.ListField(child=serializers.CharField(), read_only=True)
    dont_say = LineSerializer(many=True, read_only=True)
    channels = serializers.ListField(child=serializers.CharField(), read_only=True)
    kinds = serializers.ListField(child=serializers.CharField(), read_only=True)
    tiers = serializers.ListField(child=serializers.IntegerField(), read_only=True)
    affected_only = serializers.BooleanField(read_only=True)
    next_update_at = serializers.DateTimeField(source="next_update", read_only=True, allow_null=True)


class VersionSerializer(serializers.ModelSerializer):
    content = serializers.SerializerMethodField()

    class Meta:
        model = MessageVersion
        fields = ["number", "frozen_at", "fingerprint", "content"]
        read_only_fields = ["number", "frozen_at", "fingerprint"]

    @extend_schema_field(ContentSerializer)
    def get_content(self, version: MessageVersion) -> Any:
        return ContentSerializer(Content.from_data(version.content)).data


class Versions(ApiList):
    """The frozen versions of a message, newest first."""

    queryset = MessageVersion.objects.none()
    serializer_class = VersionSerializer
    order = ("-number",)

    def get_queryset(self) -> QuerySet[MessageVersion]:
        return access.get_message(self.request.user, self.kwargs["message_id"]).versions.all()


urlpatterns = [
    path("incidents/<id:number>/messages/", Messages.as_view(), name="messages"),
    path("messages/<id:message_id>/", OneMessage.as_view(), name="message"),
    path("messages/<id:message_id>/versions/", Versions.as_view(), name="versions"),
]
