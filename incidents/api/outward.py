"""What goes out by itself and the halt list, for programs."""

from collections.abc import Callable
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from crisiscomms.api import fields, filtering
from crisiscomms.api.idempotency import HEADER, once
from crisiscomms.api.views import Api, ApiDetail, ApiList, on_front_page, read
from crisiscomms.models import User
from incidents import access, actions
from incidents.actions.halting import ACTS
from incidents.models import HaltItem, Incident, OutwardActivity, OutwardKind, Product
from incidents.models.incident import WORKSHOP_ROLES
from incidents.outside.links import LONGEST, check_link


class Link(fields.OneLine):
    """A web address, http or https."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST, validators=[check_link], **kwargs)


class Owner(fields.Key):
    """The id of a person of the workshop; whether they may own it is asked where it is done."""

    def to_internal_value(self, data: Any) -> Any:
        key = super().to_internal_value(data)
        person = User.objects.with_role(*WORKSHOP_ROLES).filter(pk=key).first()
        if person is None:
            raise serializers.ValidationError("There is nobody of the workshop with this id.")
        return person


def made_once(
    request: Request, incident: Incident, shown: type[serializers.Serializer], make: Callable[[], Any]
) -> Response:
    """Something of an incident that has no address of its own. Its answer is given again to whoever still sees that."""
    return once(
        request,
        lambda: Response(shown(make()).data, status=201),
        still=lambda body: access.get_incident(request.user, incident.number),
    )


class ActivitySerializer(serializers.ModelSerializer):
    owner = fields.Person(read_only=True)
    products: Any = serializers.PrimaryKeyRelatedField(many=True, read_only=True)

    class Meta:
        model = OutwardActivity
        fields = ["id", "name", "kind", "place", "link", "owner", "products", "is_active", "added_at"]
        read_only_fields = fields


class OutwardBody(fields.Strict):
    name = fields.OneLine(max_length=160)
    kind = serializers.ChoiceField(choices=OutwardKind.choices)
    place = fields.OneLine(required=False, allow_blank=True, max_length=120)
    link = Link(required=False, allow_blank=True)
    owner = Owner(help_text="Their id.")


class ActivityBody(OutwardBody):
    products = serializers.ListField(
        child=fields.Key(), required=False, max_length=200, help_text="Ids, from /products/. None: the whole company."
    )
    is_active = fields.Flag(required=False)

    def validate_products(self, keys: list[int]) -> list[Product]:
        found = list(Product.objects.filter(pk__in=keys))
        if len(found) < len(set(keys)):
            raise serializers.ValidationError("One of these products does not exist. See /products/.")
        return found


class ActivityFilters(django_filters.FilterSet):
    is_active = filtering.yes_or_no(field_name="is_active")
    kind = django_filters.ChoiceFilter(choices=OutwardKind.choices)

    class Meta:
        model = OutwardActivity
        fields: list[str] = []


class Activities(ApiList):
    """The standing list of what goes out by itself."""

    queryset = OutwardActivity.objects.none()
    serializer_class = ActivitySerializer
    filterset_class = ActivityFilters
    order = ("pk",)

    def get_queryset(self) -> QuerySet[OutwardActivity]:
        access.page(self.request.user, "work")
        return OutwardActivity.objects.select_related("owner").prefetch_related("products")

    @extend_schema(
        operation_id="outward_add", request=ActivityBody, responses={201: ActivitySerializer}, parameters=[HEADER],
        filters=False,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Put something on the list: the next incident that concerns it asks its owner."""
        access.page(request.user, "work")
        sent = read(ActivityBody, request)
        return once(request, lambda: self._add(request, sent), still=lambda body: None)

    def _add(self, request: Request, sent: dict[str, Any]) -> Response:
        row = actions.add_activity(**sent, by=request.user, now=request.now)
        where = reverse("api:outward_activity", args=[row.pk], request=request)
        return Response(ActivitySerializer(row).data, status=201, headers={"Location": where})


class Activity(ApiDetail):
    """One thing that goes out by itself."""

    serializer_class = ActivitySerializer

    def get_object(self) -> OutwardActivity:
        access.page(self.request.user, "work")
        return get_object_or_404(OutwardActivity, pk=self.kwargs["activity_id"])

    @extend_schema(operation_id="outward_change", request=ActivityBody, responses={200: ActivitySerializer})
    def put(self, request: Request, activity_id: int) -> Response:
        """Change what the list says of it; what is left out becomes empty."""
        row = self.get_object()
        sent = read(ActivityBody, request)
        row = actions.change_activity(activity_id=row.pk, **sent, by=request.user, now=request.now)
        return Response(ActivitySerializer(row).data)


class HaltItemSerializer(serializers.ModelSerializer):
    owner = fields.Person(read_only=True)
    by = fields.Person(read_only=True, allow_null=True, help_text="Null: the incident’s own course.")
    activity = serializers.IntegerField(source="activity_id", read_only=True, allow_null=True)

    class Meta:
        model = HaltItem
        fields = [
            *("id", "activity", "name", "kind", "place", "link", "owner", "state"),
            *("opened_at", "by", "at", "reason"),
        ]
        read_only_fields = fields


class HaltFilters(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=HaltItem.State.choices)

    class Meta:
        model = HaltItem
        fields: list[str] = []


class HaltItems(ApiList):
    """The halt list of an incident: one check per thing that goes out by itself."""

    queryset = HaltItem.objects.none()
    serializer_class = HaltItemSerializer
    filterset_class = HaltFilters
    order = ("pk",)

    def get_queryset(self) -> QuerySet[HaltItem]:
        incident = access.get_incident(self.request.user, self.kwargs["number"])
        return incident.halt_items.select_related("owner", "by")

    @extend_schema(
        operation_id="halt_add", request=OutwardBody, responses={201: HaltItemSerializer}, parameters=[HEADER],
        filters=False,
    )  # fmt: skip
    def post(self, request: Request, number: int) -> Response:
        """Ask about something that is not on the standing list."""
        incident = access.get_incident(request.user, number)
        access.require(request.user, "work", incident)
        sent = read(OutwardBody, request)
        return made_once(
            request,
            incident,
            HaltItemSerializer,
            lambda: actions.add_item(incident_id=incident.pk, **sent, by=request.user, now=request.now),
        )


class HaltBody(fields.Strict):
    act = serializers.ChoiceField(choices=list(ACTS))
    reason = fields.OneLine(required=False, allow_blank=True, max_length=500)


class HaltAct(Api):
    """One act on one check."""

    @extend_schema(operation_id="halt_act", request=HaltBody, responses={200: HaltItemSerializer})
    def post(self, request: Request, number: int, item_id: int) -> Response:
        """Note that it is halted, left running, resumed or kept off."""
        incident = access.get_incident(request.user, number)
        item = get_object_or_404(incident.halt_items, pk=item_id)
        access.require(request.user, "work", incident)
        sent = read(HaltBody, request)
        done = ACTS[sent["act"]](item_id=item.pk, reason=sent.get("reason", ""), by=request.user, now=request.now)
        return Response(HaltItemSerializer(done).data)


on_front_page("outward", "api:outward", lambda user: access.may(user, "work"))

urlpatterns = [
    path("outward/", Activities.as_view(), name="outward"),
    path("outward/<id:activity_id>/", Activity.as_view(), name="outward_activity"),
    path("incidents/<id:number>/halt/", HaltItems.as_view(), name="halt_items"),
    path("incidents/<id:number>/halt/<id:item_id>/", HaltAct.as_view(), name="halt_act"),
]
