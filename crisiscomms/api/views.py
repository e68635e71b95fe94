"""What every view of the API is, its front page, and who I am."""

from collections.abc import Callable
from datetime import UTC
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from crisiscomms.api import schema
from crisiscomms.api.filtering import refuse_unknown
from crisiscomms.models import ApiToken, User


class Api(APIView):
    """Times in UTC, whoever asks; parameters that nobody knows are refused."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with timezone.override(UTC):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_unknown(request, self)


class ApiList(Api, ListAPIView):
    """`get_queryset` asks `access` and a `visible_to` scope; `order` is how it is paged (paging.Keyset)."""

    order: tuple[str, ...]


class ApiDetail(Api, RetrieveAPIView):
    """`get_object` asks `access`."""


def read(kind: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    """The body as this serializer takes it; raises a problem that names each wrong field."""
    sent = kind(data=request.data, context={"request": request})
    sent.is_valid(raise_exception=True)
    return dict(sent.validated_data)


_entries: dict[str, tuple[str, Callable[[User], bool]]] = {}


def on_front_page(name: str, route: str, may: Callable[[User], bool]) -> None:
    """Put a list on the front page of the API, for those whose business it is."""
    _entries[name] = (route, may)


class FrontPage(Api):
    @extend_schema(operation_id="front_page", tags=["me"], responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """The lists that this token's owner can ask for, by name."""
        shown = {name: route for name, (route, may) in _entries.items() if may(request.user)}
        return Response({name: reverse(route, request=request) for name, route in shown.items()})


class TokenInUse(serializers.ModelSerializer):
    expires_at = serializers.DateTimeField(source="expiry", read_only=True)

    class Meta:
        model = ApiToken
        fields = ["name", "scopes", "expires_at"]
        read_only_fields = ["name", "scopes"]


class MySelf(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "name", "email", "title", "roles", "time_zone"]
        read_only_fields = fields


class Me(serializers.Serializer):
    person = MySelf(read_only=True)
    token = TokenInUse(read_only=True)


class WhoAmI(Api):
    @extend_schema(operation_id="me", responses={200: Me})
    def get(self, request: Request) -> Response:
        """Whose token this is, what it may do, and until when."""
        return Response(Me({"person": request.user, "token": request.auth}).data)


@login_not_required
@require_safe
def schema_json(request: HttpRequest) -> HttpResponse:
    """The description of the API. Open, as it says nothing that the project's own pages do not."""
    return HttpResponse(schema.document(), content_type="application/vnd.oai.openapi+json")


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Try the API in the browser, with a token of one's own."""
    return render(request, "crisiscomms/api_docs.html")


on_front_page("me", "api:me", lambda user: True)
