from django.urls import path

from incidents.views import decisions, monitoring, outward, pressing, products

app_name = "incidents"
urlpatterns = [
    path("incidents/declare/", pressing.declare, name="declare"),
    path("incidents/declare/consequences/", pressing.declare_consequences, name="declare_consequences"),
    path("incidents/INC-<id:number>/declare/", pressing.declare_watched, name="declare_watched"),
    path("incidents/INC-<id:number>/tick/", pressing.tick, name="tick"),
    path("incidents/INC-<id:number>/decisions/", decisions.log, name="decisions"),
    path("incidents/INC-<id:number>/disclosure/", decisions.disclose, name="disclosure"),
    path("incidents/INC-<id:number>/phase/", pressing.move, name="move"),
    path("incidents/INC-<id:number>/stand-down/", pressing.stand_down, name="stand_down"),
    path("incidents/INC-<id:number>/severity/", pressing.severity, name="severity"),
    path("incidents/INC-<id:number>/milestone/", pressing.milestone, name="milestone"),
    path("incidents/INC-<id:number>/component/", pressing.component, name="component"),
    path("incidents/INC-<id:number>/deadlines/<id:deadline_id>/waive/", pressing.waive_deadline, name="waive_deadline"),
    path("incidents/INC-<id:number>/halt/", outward.halt_list, name="halt_list"),
    path("incidents/INC-<id:number>/halt/again/", outward.halt_again, name="halt_again"),
    path("incidents/INC-<id:number>/halt/<id:item_id>/", outward.halt_act, name="halt_act"),
    path("incidents/INC-<id:number>/mentions/", monitoring.mentions, name="mentions"),
    path("incidents/INC-<id:number>/mentions.csv", monitoring.mentions_csv, name="mentions_csv"),
    path("incidents/INC-<id:number>/competitors/", monitoring.competitors, name="competitors"),
    path("incidents/INC-<id:number>/competitors/<id:reaction_id>/", monitoring.competitor, name="competitor"),
    path("outward/", outward.outward, name="outward"),
    path("outward/<id:activity_id>/", outward.activity, name="outward_activity"),
    path("mentions/", monitoring.all_mentions, name="all_mentions"),
    path("mentions.csv", monitoring.all_mentions_csv, name="all_mentions_csv"),
    path("mentions/<id:mention_id>/", monitoring.mention, name="mention"),
    path("setup/products/", products.products, name="products"),
    path("setup/products/<id:product_id>/", products.product, name="product"),
    path("setup/parts/<id:component_id>/", products.component, name="component_setup"),
    path("setup/parts/<id:component_id>/use/", products.use_component, name="component_use"),
]
