from django.urls import path

from incidents.views import decisions, pressing, products, record

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
    path("incidents/INC-<id:number>/record/", record.record, name="record"),
    path("incidents/INC-<id:number>/record/add/", record.add_document, name="record_add"),
    path("incidents/INC-<id:number>/record/waive/", record.waive_document, name="record_waive"),
    path("incidents/INC-<id:number>/record/export/", record.export, name="record_export"),
    path("incidents/INC-<id:number>/record/exports/", record.exports, name="record_exports"),
    path("incidents/INC-<id:number>/record/exports/<id:export_id>/", record.fetch, name="record_fetch"),
    path("incidents/INC-<id:number>/record/files/<id:document_id>/", record.file, name="record_file"),
    path("setup/products/", products.products, name="products"),
    path("setup/products/<id:product_id>/", products.product, name="product"),
    path("setup/parts/<id:component_id>/", products.component, name="component_setup"),
    path("setup/parts/<id:component_id>/use/", products.use_component, name="component_use"),
]
