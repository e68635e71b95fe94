"""The addresses of the API. Each house brings its own resources."""

from django.urls import include, path

from crisiscomms.api import views

app_name = "api"
resources = [
    path("", views.FrontPage.as_view(), name="front_page"),
    path("me/", views.WhoAmI.as_view(), name="me"),
    path("", include("incidents.api")),
    path("", include("stakeholders.api")),
    path("", include("messaging.api")),
    path("", include("delivery.api")),
]
urlpatterns = [
    path("v1/", include(resources)),
    path("schema/", views.schema_json, name="schema"),
    path("docs/", views.docs, name="docs"),
]
