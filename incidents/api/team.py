"""Teams, roles and duty, for programs."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crisiscomms.api import fields
from crisiscomms.api.idempotency import HEADER, once
from crisiscomms.api.views import Api, ApiList, on_front_page, read
from crisiscomms.models import User
from incidents import access, actions
from incidents.models import RoleAssignment, TeamMember
from incidents.team import duty


class MemberSerializer(serializers.ModelSerializer):
    person = fields.Person(read_only=True)
    department = serializers.CharField(source="role", read_only=True)
    stands_in_for = fields.Person(read_only=True, allow_null=True)

    class Meta:
        model = TeamMember
        fields = ["id", "person", "department", "joined_at", "was_on_duty", "stands_in_for"]
        read_only_fields = ["joined_at", "was_on_duty"]


class Team(ApiList):
    """Who is on the team of an incident, in the order in which they came."""

    queryset = TeamMember.objects.none()
    serializer_class = MemberSerializer
    order = ("pk",)

    def get_queryset(self) -> QuerySet[TeamMember]:
        incident = access.get_incident(self.request.user, self.kwargs["number"])
        return incident.team.select_related("person", "stands_in_for")


class AssignmentSerializer(serializers.ModelSerializer):
    person = fields.Person(read_only=True)
    by = fields.Person(read_only=True, allow_null=True, help_text="Null: the system itself.")

    class Meta:
        model = RoleAssignment
        fields = ["id", "role", "person", "began_at", "ended_at", "note", "by"]
        read_only_fields = ["role", "began_at", "ended_at", "note"]


class AssumeSerializer(fields.Strict):
    role = fields.OneLine(max_length=30, help_text="A key of the policy, such as communications_lead.")


class Roles(ApiList):
    """Who holds and held which role in an incident. Those that have not ended are held now."""

    queryset = RoleAssignment.objects.none()
    serializer_class = AssignmentSerializer
    order = ("-pk",)

    def get_queryset(self) -> QuerySet[RoleAssignment]:
        incident = access.get_incident(self.request.user, self.kwargs["number"])
        return incident.roles.select_related("person", "by")

    @extend_schema(
        operation_id="roles_assume",
        request=AssumeSerializer,
        responses={201: AssignmentSerializer},
        parameters=[HEADER],
        filters=False,
    )
    def post(self, request: Request, number: int) -> Response:
        """Take a role that nobody holds."""
        incident = access.get_incident(request.user, number)
        access.require(request.user, "work", incident)
        sent = read(AssumeSerializer, request)
        return _made(
            request,
            number,
            lambda: actions.assume_role(incident_id=incident.pk, by=request.user, now=request.now, **sent),
        )


class HandOverSerializer(fields.Strict):
    role = fields.OneLine(max_length=30, help_text="A key of the policy, such as communications_lead.")
    to = fields.Key(help_text="The id of a person.")
    note = fields.Text(max_length=2000, help_text="What they have to know.")
    seen = fields.Key(required=False, help_text="The id of the assignment that you mean to end, if any.")

    def validate_to(self, pk: int) -> User:
        person = User.objects.active().filter(pk=pk).first()
        if person is None:
            raise serializers.ValidationError("There is no such person.")
        return person


class HandOver(Api):
    @extend_schema(
        operation_id="roles_hand_over",
        request=HandOverSerializer,
        responses={201: AssignmentSerializer},
        parameters=[HEADER],
    )
    def post(self, request: Request, number: int) -> Response:
        """Give a role to somebody, with a note. They are told."""
        incident = access.get_incident(request.user, number)
        access.require(request.user, "work", incident)
        sent = read(HandOverSerializer, request)
        return _made(
            request,
            number,
            lambda: actions.hand_over_role(incident_id=incident.pk, by=request.user, now=request.now, **sent),
        )


def _made(request: Request, number: int, act: Any) -> Response:
    return once(
        request,
        lambda: Response(AssignmentSerializer(act()).data, status=201),
        still=lambda body: access.get_incident(request.user, number),
    )


class SlotSerializer(serializers.Serializer):
    department = serializers.CharField(source="role", read_only=True)
    person = fields.Person(read_only=True)
    stands_in_for = fields.Person(source="for_whom", read_only=True, allow_null=True)


class OnDuty(Api):
    @extend_schema(operation_id="on_duty", responses={200: SlotSerializer(many=True)})
    def get(self, request: Request) -> Response:
        """Who is on duty at this moment, by department."""
        access.page(request.user, "view")
        return Response(SlotSerializer(duty.on_duty(request.now), many=True).data)


on_front_page("on_duty", "api:on_duty", lambda user: access.may(user, "view"))

urlpatterns = [
    path("incidents/<id:number>/team/", Team.as_view(), name="team"),
    path("incidents/<id:number>/roles/", Roles.as_view(), name="roles"),
    path("incidents/<id:number>/roles/hand-over/", HandOver.as_view(), name="hand_over_role"),
    path("on-duty/", OnDuty.as_view(), name="on_duty"),
]
