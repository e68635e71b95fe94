"""The house for programs: one module per concept, each with its resources and their addresses."""

from incidents.api import clocks, incidents, products

urlpatterns = [*clocks.urlpatterns, *incidents.urlpatterns, *products.urlpatterns]
