"""The house for programs: one module per concept, each with its resources and their addresses."""

from incidents.api import decisions, incidents, lifecycle, monitoring, outward, products

PARTS = (incidents, lifecycle, decisions, products, outward, monitoring)
urlpatterns = [address for part in PARTS for address in part.urlpatterns]
