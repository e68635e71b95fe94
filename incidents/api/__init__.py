"""The house for programs: one module per concept, each with its resources and their addresses."""

from incidents.api import decisions, incidents, lifecycle, products, team

PARTS = (incidents, lifecycle, decisions, products, team)
urlpatterns = [address for part in PARTS for address in part.urlpatterns]
