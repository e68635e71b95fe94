"""The fact sheet of an incident, for programs."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from crisiscomms.api import fields
from crisiscomms.api.idempotency import HEADER, once
from crisiscomms.api.views import Api, ApiDetail, ApiList, read
from incidents import access, actions
from incidents.models import Fact
from incidents.models.incident import WORKSHOP_ROLES


class FactSerializer(serializers.ModelSerializer):
    value = serializers.SerializerMethodField(
        method_name="shown_value", help_text="Empty while unknown, and under an embargo for onlookers."
    )
    source = serializers.SerializerMethodField(method_name="shown_source", help_text="How we know.")  # type: ignore[assignment]
    role = serializers.CharField(read_only=True, help_text="Who usually knows. Empty: nobody in particular.")
    needed_before = serializers.CharField(
        read_only=True, help_text="Which message waits for it: acknowledgement, explanation, or empty."
    )
    confirmed_by = fields.Person(read_only=True, allow_null=True)
    updated_by = fields.Person(read_only=True, allow_null=True)

    class Meta:
        model = Fact
        fields = [
            *("id", "key", "label", "value", "confidence", "source", "confirmed_by", "confirmed_at", "embargo_until"),
            *("is_asked", "why", "role", "needed_before", "version", "withdrawn_at", "updated_by", "updated_at"),
        ]
        read_only_fields = fields

    def shown_value(self, fact: Fact) -> str:
        return "" if self._is_hidden(fact) else fact.value

    def shown_source(self, fact: Fact) -> str:
        return "" if self._is_hidden(fact) else fact.source

    def _is_hidden(self, fact: Fact) -> bool:
        request = self.context["request"]
        return fact.is_embargoed(request.now) and not access.sees_embargoed(request.user, fact.incident)


class SayingSerializer(fields.Strict):
    value = fields.OneLine(required=False, allow_blank=True, max_length=400, help_text="Empty: unknown.")
    confidence = serializers.ChoiceField(choices=Fact.Confidence.choices)
    source = fields.OneLine(  # type: ignore[assignment]
        required=False, allow_blank=True, max_length=200, help_text="How we know."
    )
    embargo_until = fields.Moment(required=False, allow_null=True, help_text="Until then no message may say it.")


class AddFactSerializer(SayingSerializer):
    label = fields.OneLine(  # type: ignore[assignment]
        max_length=120, help_text="What it is about; its key is made from it."
    )
    role = serializers.ChoiceField(choices=WORKSHOP_ROLES, required=False, help_text="Who usually knows.")


class SeenSerializer(fields.Strict):
    seen = fields.Key(help_text="The version that you looked at. Another one is a conflict.")


class ChangeFactSerializer(SayingSerializer, SeenSerializer):
    reason = fields.OneLine(
        required=False, allow_blank=True, max_length=300, help_text="Needed where it was confirmed."
    )


class WithdrawFactSerializer(SeenSerializer):
    reason = fields.OneLine(max_length=300)


class FactFilters(django_filters.FilterSet):
    confidence = django_filters.ChoiceFilter(choices=Fact.Confidence.choices)

    class Meta:
        model = Fact
        fields: list[str] = []


class Facts(ApiList):
    """The fact sheet: what is known, how surely, and what is still to be found out."""

    queryset = Fact.objects.none()
    serializer_class = FactSerializer
    filterset_class = FactFilters
    order = ("position", "pk")

    def get_queryset(self) -> QuerySet[Fact]:
        incident = access.get_incident(self.request.user, self.kwargs["number"])
        return Fact.objects.filter(incident=incident).select_related("incident", "confirmed_by", "updated_by")

    @extend_schema(
        operation_id="facts_add",
        request=AddFactSerializer,
        responses={201: FactSerializer},
        parameters=[HEADER],
        filters=False,
    )
    def post(self, request: Request, number: int) -> Response:
        """Add a fact that no checklist asks for."""
        incident = access.get_incident(request.user, number)
        access.require(request.user, "work", incident)
        sent = read(AddFactSerializer, request)
        return once(
            request,
            lambda: _made(request, actions.add_fact(incident_id=incident.pk, **sent, by=request.user, now=request.now)),
            still=lambda body: access.get_fact(request.user, number, body["id"]),
        )


def _made(request: Request, fact: Fact) -> Response:
    where = reverse("api:fact", args=[fact.incident.number, fact.pk], request=request)
    body = FactSerializer(fact, context={"request": request}).data
    return Response(body, status=201, headers={"Location": where})


class OneFact(ApiDetail):
    """A fact by its id."""

    serializer_class = FactSerializer

    def get_object(self) -> Fact:
        return access.get_fact(self.request.user, self.kwargs["number"], self.kwargs["fact_id"])

    @extend_schema(operation_id="facts_change", request=ChangeFactSerializer, responses={200: FactSerializer})
    def post(self, request: Request, number: int, fact_id: int) -> Response:
        """Say something else; a version that was overtaken is refused as a conflict."""
        return _act(request, number, fact_id, ChangeFactSerializer, _change)


class ConfirmFact(Api):
    @extend_schema(operation_id="facts_confirm", request=SeenSerializer, responses={200: FactSerializer})
    def post(self, request: Request, number: int, fact_id: int) -> Response:
        """Confirm it with your name."""
        return _act(request, number, fact_id, SeenSerializer, actions.confirm_fact)


class WithdrawFact(Api):
    @extend_schema(operation_id="facts_withdraw", request=WithdrawFactSerializer, responses={200: FactSerializer})
    def post(self, request: Request, number: int, fact_id: int) -> Response:
        """It is not so: take it back, with the reason."""
        return _act(request, number, fact_id, WithdrawFactSerializer, actions.withdraw_fact)


def _change(**sent: Any) -> Fact:
    return actions.change_fact(**{"value": "", **sent})


def _act(request: Request, number: int, fact_id: int, kind: type[fields.Strict], act: Any) -> Response:
    fact = access.get_fact(request.user, number, fact_id)
    access.require(request.user, "work", fact.incident)
    sent = read(kind, request)
    done = act(fact_id=fact.pk, **sent, by=request.user, now=request.now)
    return Response(FactSerializer(done, context={"request": request}).data)


urlpatterns = [
    path("incidents/<id:number>/facts/", Facts.as_view(), name="facts"),
    path("incidents/<id:number>/facts/<id:fact_id>/", OneFact.as_view(), name="fact"),
    path("incidents/<id:number>/facts/<id:fact_id>/confirm/", ConfirmFact.as_view(), name="fact_confirm"),
    path("incidents/<id:number>/facts/<id:fact_id>/withdraw/", WithdrawFact.as_view(), name="fact_withdraw"),
]
