"""The house for programs: one module per concept, each with its resources and their addresses."""

from incidents.api import incidents, products, signals

urlpatterns = [*incidents.urlpatterns, *products.urlpatterns, *signals.urlpatterns]
