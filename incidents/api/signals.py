"""Signals for programs: what was noticed, and telling of something. Sources that watch use /hooks/ instead."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from crisiscomms.api import fields, filtering
from crisiscomms.api.idempotency import HEADER, once
from crisiscomms.api.views import ApiDetail, ApiList, on_front_page, read
from incidents import access, actions
from incidents.api.incidents import moment_of
from incidents.models import Component, Signal, SignalProposal
from incidents.noticing.vocabulary import MOST_VALUES


class SignalSerializer(serializers.ModelSerializer):
    origin = serializers.CharField(read_only=True, help_text="The name of the source, or of the person.")
    by = fields.Person(read_only=True, allow_null=True, help_text="Null: a source told of it.")
    values = serializers.JSONField(read_only=True, help_text="Named numbers, words, and yes or no.")
    incident = serializers.IntegerField(
        source="incident.number", read_only=True, allow_null=True, default=None, help_text="The number it belongs to."
    )
    components: Any = serializers.PrimaryKeyRelatedField(many=True, read_only=True)
    awaits_decision = serializers.SerializerMethodField(help_text="A rule proposes the crisis protocol.")

    class Meta:
        model = Signal
        fields = [
            *("id", "title", "text", "link", "status", "origin", "by", "values", "components", "incident"),
            *("happened_at", "received_at", "seen_count", "last_seen_at", "ended_at", "reason", "awaits_decision"),
        ]
        read_only_fields = fields

    def get_awaits_decision(self, signal: Signal) -> bool:
        return signal.proposal is not None and signal.proposal.state == SignalProposal.State.OPEN


class ReportSerializer(fields.Strict):
    title = fields.OneLine(max_length=160, help_text="What was noticed, in a few words.")
    text = fields.Text(required=False, allow_blank=True, max_length=4000)
    link = serializers.URLField(required=False, allow_blank=True, max_length=500)
    happened_at = fields.Moment(required=False, help_text="Now, if left out.")
    values = serializers.DictField(
        required=False, help_text=f"At most {MOST_VALUES} named numbers, words, yes or no. Rules look at these."
    )
    components = serializers.ListField(
        child=fields.Key(), required=False, max_length=100, help_text="From /components/."
    )

    def validate_values(self, values: dict[str, Any]) -> dict[str, Any]:
        if len(values) > MOST_VALUES:
            raise serializers.ValidationError(f"At most {MOST_VALUES} values.")
        wrong = sorted(name for name, value in values.items() if not isinstance(value, str | int | float | bool))
        if wrong:
            raise serializers.ValidationError(f"“{wrong[0][:40]}” is no number, no word, and no yes or no.")
        return values

    def validate_components(self, keys: list[int]) -> list[Component]:
        found = list(Component.objects.in_use().filter(pk__in=keys))
        missing = sorted(set(keys) - {one.pk for one in found})
        if missing:
            raise serializers.ValidationError(f"There is no component {missing[0]} in use. See /components/.")
        return found


class SignalFilters(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Signal.Status.choices)
    attached = filtering.yes_or_no(method="by_place", help_text="Whether it belongs to an incident or watch item.")
    received_since = filtering.Moment(field_name="received_at", lookup_expr="gte")
    received_until = filtering.Moment(field_name="received_at", lookup_expr="lt")

    class Meta:
        model = Signal
        fields: list[str] = []

    def by_place(self, found: Any, name: str, wanted: bool) -> Any:
        return found.filter(incident__isnull=not wanted)


def _listed(request: Request) -> QuerySet[Signal]:
    visible = Signal.objects.visible_to(request.user).select_related("source", "by", "incident", "proposal")
    return visible.prefetch_related("components")


class Signals(ApiList):
    """The signals that you can see, newest first."""

    queryset = Signal.objects.none()
    serializer_class = SignalSerializer
    filterset_class = SignalFilters
    order = ("-received_at", "-pk")

    def get_queryset(self) -> QuerySet[Signal]:
        access.page(self.request.user, "report")
        return _listed(self.request)

    @extend_schema(
        operation_id="signals_report",
        request=ReportSerializer,
        responses={201: SignalSerializer},
        parameters=[HEADER],
        filters=False,
    )
    def post(self, request: Request) -> Response:
        """Tell of something that was noticed, in your name. The rules look at it within seconds."""
        access.page(request.user, "report")
        sent = read(ReportSerializer, request)
        return once(request, lambda: self._report(request, sent), still=lambda body: get_signal(request, body["id"]))

    def _report(self, request: Request, sent: dict[str, Any]) -> Response:
        if "happened_at" in sent:
            sent["happened_at"] = moment_of(sent["happened_at"], request.now)
        signal = actions.report_signal(**sent, by=request.user, now=request.now)
        where = reverse("api:signal", args=[signal.pk], request=request)
        return Response(SignalSerializer(signal).data, status=201, headers={"Location": where})


def get_signal(request: Request, signal_id: int) -> Signal:
    access.page(request.user, "report")
    signal = _listed(request).filter(pk=signal_id).first()
    if signal is None:
        raise Http404
    return signal


class OneSignal(ApiDetail):
    """A signal, with its values."""

    serializer_class = SignalSerializer

    def get_object(self) -> Signal:
        return get_signal(self.request, self.kwargs["signal_id"])


on_front_page("signals", "api:signals", lambda user: access.may(user, "report"))

urlpatterns = [
    path("signals/", Signals.as_view(), name="signals"),
    path("signals/<id:signal_id>/", OneSignal.as_view(), name="signal"),
]
