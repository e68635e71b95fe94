from django.urls import path

from incidents.views import decisions, pressing, products, team

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
    path("incidents/INC-<id:number>/team/", team.of_incident, name="team"),
    path("incidents/INC-<id:number>/team/assume/", team.assume, name="assume_role"),
    path("incidents/INC-<id:number>/team/hand-over/", team.hand_over, name="hand_over_role"),
    path("incidents/INC-<id:number>/team/release/", team.release, name="release_role"),
    path("incidents/INC-<id:number>/team/add/", team.add, name="add_to_team"),
    path("incidents/INC-<id:number>/team/remove/", team.remove, name="remove_from_team"),
    path("team/", team.standing, name="roster"),
    path("team/ownership/", team.ownership, name="ownership"),
    path("team/people/<id:person_id>/duty/", team.duty, name="duty"),
    path("team/duty/hours/<id:hours_id>/remove/", team.remove_hours, name="remove_duty_hours"),
    path("team/duty/shifts/<id:shift_id>/remove/", team.remove_shift, name="remove_duty_shift"),
    path("setup/products/", products.products, name="products"),
    path("setup/products/<id:product_id>/", products.product, name="product"),
    path("setup/parts/<id:component_id>/", products.component, name="component_setup"),
    path("setup/parts/<id:component_id>/use/", products.use_component, name="component_use"),
]
