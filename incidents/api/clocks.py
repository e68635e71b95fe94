"""Clocks over all incidents, for programs: read, put off, waive, take in hand."""

from collections.abc import Callable
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crisiscomms.api import fields, filtering
from crisiscomms.api.views import Api, ApiDetail, ApiList, on_front_page, read
from incidents import access, actions
from incidents.api.incidents import DeadlineSerializer
from incidents.models import Deadline

Act = Callable[..., Any]


class ClockSerializer(DeadlineSerializer):
    incident = serializers.IntegerField(source="incident.number", read_only=True, help_text="The incident’s number.")
    taken_by = fields.Person(read_only=True, allow_null=True, help_text="Who said that they have it, until when.")

    class Meta:
        model = Deadline
        fields = [
            *("id", "incident", "kind", "subject", "title", "state", "due_at", "met_at", "was_late", "waived_reason"),
            *("owner", "snoozed_until", "snoozed_reason", "taken_by", "taken_until"),
        ]
        read_only_fields = fields


class ClockFilters(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=Deadline.State.choices)
    kind = django_filters.CharFilter(max_length=30)
    incident = django_filters.NumberFilter(field_name="incident__number", min_value=1, max_value=999_999_999)
    mine = filtering.yes_or_no(method="by_owner", help_text="Those that are yours.")
    due_before = filtering.Moment(field_name="due_at", lookup_expr="lt")

    class Meta:
        model = Deadline
        fields: list[str] = []

    def by_owner(self, found: Any, name: str, wanted: bool) -> Any:
        return found.filter(owner=self.request.user) if wanted else found.exclude(owner=self.request.user)


def _seen(request: Request) -> QuerySet[Deadline]:
    access.page(request.user, "view")
    return Deadline.objects.visible_to(request.user).select_related("incident", "owner", "taken_by")


def _one(request: Request, deadline_id: int) -> Deadline:
    found = _seen(request).filter(pk=deadline_id).first()
    if found is None:
        raise Http404
    return found


class AllDeadlines(ApiList):
    """The clocks of all incidents that you can see, by when they are due."""

    queryset = Deadline.objects.none()
    serializer_class = ClockSerializer
    filterset_class = ClockFilters
    order = ("due_at", "pk")

    def get_queryset(self) -> QuerySet[Deadline]:
        return _seen(self.request)


class OneDeadline(ApiDetail):
    """A clock by its id."""

    serializer_class = ClockSerializer

    def get_object(self) -> Deadline:
        return _one(self.request, self.kwargs["deadline_id"])


class SnoozeSerializer(fields.Strict):
    due_at = fields.Moment(required=False, help_text="The new time. Give this or `remind_at`.")
    remind_at = fields.Moment(required=False, help_text="Keep the time, and say it again then.")
    reason = fields.OneLine(max_length=300, help_text="Why. It stands on the timeline.")


class WaiveSerializer(fields.Strict):
    reason = fields.OneLine(max_length=300, help_text="Why it does not have to happen.")


class TakeSerializer(fields.Strict):
    """Nothing is asked."""


def _press(request: Request, deadline: Deadline, may: str, sent_as: type[fields.Strict], act: Act) -> Response:
    """One action on one clock, for who may do it at all."""
    access.require(request.user, may, deadline.incident)
    sent = read(sent_as, request)
    act(deadline_id=deadline.pk, by=request.user, now=request.now, **sent)
    return Response(ClockSerializer(_one(request, deadline.pk)).data)


class Snooze(Api):
    @extend_schema(operation_id="deadline_snooze", request=SnoozeSerializer, responses={200: ClockSerializer})
    def post(self, request: Request, deadline_id: int) -> Response:
        """Put it off, with a reason. Refused past its limit, and for a regulator's clock."""
        return _press(request, _one(request, deadline_id), "work", SnoozeSerializer, actions.snooze_deadline)


class Waive(Api):
    @extend_schema(operation_id="deadline_waive", request=WaiveSerializer, responses={200: ClockSerializer})
    def post(self, request: Request, deadline_id: int) -> Response:
        """It does not have to happen, and you say why."""
        return _press(request, _one(request, deadline_id), "lead", WaiveSerializer, actions.waive_deadline)


class Take(Api):
    @extend_schema(operation_id="deadline_take", request=TakeSerializer, responses={200: ClockSerializer})
    def post(self, request: Request, deadline_id: int) -> Response:
        """“I have it”: the escalation of a late one waits for you, for the minutes of the policy."""
        return _press(request, _one(request, deadline_id), "view", TakeSerializer, actions.take_deadline)


on_front_page("deadlines", "api:all_deadlines", lambda user: access.may(user, "view"))

urlpatterns = [
    path("deadlines/", AllDeadlines.as_view(), name="all_deadlines"),
    path("deadlines/<id:deadline_id>/", OneDeadline.as_view(), name="deadline"),
    path("deadlines/<id:deadline_id>/snooze/", Snooze.as_view(), name="deadline_snooze"),
    path("deadlines/<id:deadline_id>/waive/", Waive.as_view(), name="deadline_waive"),
    path("deadlines/<id:deadline_id>/take/", Take.as_view(), name="deadline_take"),
]
