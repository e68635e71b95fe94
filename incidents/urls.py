from django.urls import path

from incidents.views import clocks, decisions, pressing, products

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
    path("incidents/INC-<id:number>/deadlines/<id:deadline_id>/", clocks.clock, name="deadline"),
    path("incidents/INC-<id:number>/deadlines/<id:deadline_id>/snooze/", clocks.snooze, name="snooze_deadline"),
    path("incidents/INC-<id:number>/deadlines/<id:deadline_id>/take/", clocks.take, name="take_deadline"),
    path("incidents/INC-<id:number>/deadlines/<id:deadline_id>/done/", clocks.done, name="meet_deadline"),
    path("incidents/INC-<id:number>/deadlines/<id:deadline_id>/owner/", clocks.hand_over, name="hand_over_deadline"),
    path("incidents/INC-<id:number>/clocks/", clocks.replan, name="replan"),
    path("incidents/INC-<id:number>/regions/", clocks.regions, name="regions"),
    path("clocks/", clocks.board, name="clocks"),
    path("clocks/live/", clocks.board_live, name="clocks_live"),
    path("clocks/list.csv", clocks.board_csv, name="clocks_csv"),
    path("clocks/calendar/", clocks.calendar, name="calendar"),
    path("clocks/calendar/end/", clocks.calendar_end, name="calendar_end"),
    path("clocks/<str:token>.ics", clocks.calendar_feed, name="calendar_feed"),
    path("setup/products/", products.products, name="products"),
    path("setup/products/<id:product_id>/", products.product, name="product"),
    path("setup/parts/<id:component_id>/", products.component, name="component_setup"),
    path("setup/parts/<id:component_id>/use/", products.use_component, name="component_use"),
]
