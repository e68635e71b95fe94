"""The house for programs: one module per concept, each with its resources and their addresses."""

from incidents.api import facts, incidents, products

urlpatterns = [*incidents.urlpatterns, *facts.urlpatterns, *products.urlpatterns]
