from django.urls import path

from incidents.views import hooks, pressing, products, signal_sources, signals, thresholds

app_name = "incidents"
urlpatterns = [
    path("incidents/declare/", pressing.declare, name="declare"),
    path("incidents/declare/consequences/", pressing.declare_consequences, name="declare_consequences"),
    path("incidents/INC-<id:number>/phase/", pressing.move, name="move"),
    path("incidents/INC-<id:number>/stand-down/", pressing.stand_down, name="stand_down"),
    path("incidents/INC-<id:number>/severity/", pressing.severity, name="severity"),
    path("incidents/INC-<id:number>/milestone/", pressing.milestone, name="milestone"),
    path("incidents/INC-<id:number>/component/", pressing.component, name="component"),
    path("incidents/INC-<id:number>/deadlines/<id:deadline_id>/waive/", pressing.waive_deadline, name="waive_deadline"),
    path("hooks/<slug:source>/<slug:key>/", hooks.knock, name="hook"),
    path("signals/", signals.signals, name="signals"),
    path("signals/new/", signals.report, name="signal_report"),
    path("signals/<id:signal_id>/", signals.signal, name="signal"),
    path("signals/<id:signal_id>/body.json", signals.signal_body, name="signal_body"),
    path("signals/<id:signal_id>/attach/", signals.attach, name="signal_attach"),
    path("signals/<id:signal_id>/detach/", signals.detach, name="signal_detach"),
    path("signals/<id:signal_id>/end/", signals.end, name="signal_end"),
    path("signals/<id:signal_id>/watch/", signals.watch, name="signal_watch"),
    path("signals/proposals/<id:proposal_id>/", signals.proposal, name="signal_proposal"),
    path("signals/proposals/<id:proposal_id>/decline/", signals.decline, name="signal_decline"),
    path("signals/proposals/<id:proposal_id>/accept/", signals.accept, name="signal_accept"),
    path("signals/rules/", thresholds.rules, name="thresholds"),
    path("signals/rules/new/", thresholds.new_rule, name="threshold_new"),
    path("signals/rules/<id:rule_id>/", thresholds.rule, name="threshold"),
    path("signals/rules/<id:rule_id>/try/", thresholds.try_rule, name="threshold_try"),
    path("signals/rules/<id:rule_id>/switch/", thresholds.switch_rule, name="threshold_switch"),
    path("signals/rules/<id:rule_id>/raise/", thresholds.raise_rule, name="threshold_raise"),
    path("setup/signals/", signal_sources.sources, name="signal_sources"),
    path("setup/signals/<id:source_id>/", signal_sources.source, name="signal_source"),
    path("setup/products/", products.products, name="products"),
    path("setup/products/<id:product_id>/", products.product, name="product"),
    path("setup/parts/<id:component_id>/", products.component, name="component_setup"),
    path("setup/parts/<id:component_id>/use/", products.use_component, name="component_use"),
]
