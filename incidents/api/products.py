"""What customers use, for programs."""

import django_filters
from django.db.models import QuerySet
from django.urls import path
from rest_framework import serializers

from crisiscomms.api import filtering
from crisiscomms.api.views import ApiList, on_front_page
from incidents import access
from incidents.models import Component, Product


class ProductSerializer(serializers.ModelSerializer):
    class Meta:
        model = Product
        fields = ["id", "name"]
        read_only_fields = fields


class Products(ApiList):
    """What customers use."""

    queryset = Product.objects.none()
    serializer_class = ProductSerializer
    order = ("pk",)

    def get_queryset(self) -> QuerySet[Product]:
        access.page(self.request.user, "work")
        return Product.objects.all()


class ComponentSerializer(serializers.ModelSerializer):
    product = ProductSerializer(read_only=True)

    class Meta:
        model = Component
        fields = ["id", "name", "description", "is_public", "retired_at", "product"]
        read_only_fields = ["name", "description", "is_public", "retired_at"]


class ComponentFilters(django_filters.FilterSet):
    product = filtering.Key(help_text="The id of a product.")

    class Meta:
        model = Component
        fields: list[str] = []


class Components(ApiList):
    """The parts of products that can fail. What is retired stays in the history and takes no new incident."""

    queryset = Component.objects.none()
    serializer_class = ComponentSerializer
    filterset_class = ComponentFilters
    order = ("pk",)

    def get_queryset(self) -> QuerySet[Component]:
        access.page(self.request.user, "work")
        return Component.objects.select_related("product")


on_front_page("products", "api:products", lambda user: access.may(user, "work"))
on_front_page("components", "api:components", lambda user: access.may(user, "work"))

urlpatterns = [
    path("products/", Products.as_view(), name="products"),
    path("components/", Components.as_view(), name="components"),
]
