from django.urls import path

from incidents import setup_views, views

app_name = "incidents"
urlpatterns = [
    path("incidents/declare/", views.declare, name="declare"),
    path("incidents/declare/consequences/", views.declare_consequences, name="declare_consequences"),
    path("incidents/INC-<id:number>/phase/", views.move, name="move"),
    path("incidents/INC-<id:number>/stand-down/", views.stand_down, name="stand_down"),
    path("incidents/INC-<id:number>/severity/", views.severity, name="severity"),
    path("incidents/INC-<id:number>/milestone/", views.milestone, name="milestone"),
    path("incidents/INC-<id:number>/component/", views.component, name="component"),
    path("incidents/INC-<id:number>/deadlines/<id:deadline_id>/waive/", views.waive_deadline, name="waive_deadline"),
    path("setup/products/", setup_views.products, name="products"),
    path("setup/products/<id:product_id>/", setup_views.product, name="product"),
    path("setup/parts/<id:component_id>/", setup_views.component, name="component_setup"),
    path("setup/parts/<id:component_id>/use/", setup_views.use_component, name="component_use"),
]
