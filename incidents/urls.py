from django.urls import path

from incidents.views import decisions, facts, pressing, products

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
    path("incidents/INC-<id:number>/facts/", facts.sheet, name="facts"),
    path("incidents/INC-<id:number>/facts/live/", facts.sheet_live, name="facts_live"),
    path("incidents/INC-<id:number>/facts/<id:fact_id>/", facts.history, name="fact"),
    path("incidents/INC-<id:number>/facts/<id:fact_id>/change/", facts.change, name="fact_change"),
    path("incidents/INC-<id:number>/facts/<id:fact_id>/confirm/", facts.confirm, name="fact_confirm"),
    path("incidents/INC-<id:number>/facts/<id:fact_id>/withdraw/", facts.withdraw, name="fact_withdraw"),
    path("incidents/INC-<id:number>/facts/<id:fact_id>/ask/", facts.ask, name="fact_ask"),
    path("setup/products/", products.products, name="products"),
    path("setup/products/<id:product_id>/", products.product, name="product"),
    path("setup/parts/<id:component_id>/", products.component, name="component_setup"),
    path("setup/parts/<id:component_id>/use/", products.use_component, name="component_use"),
]
