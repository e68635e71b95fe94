"""The house for programs: one module per concept, each with its resources and their addresses."""

from incidents.api import decisions, incidents, lifecycle, products, record

PARTS = (incidents, lifecycle, decisions, products, record)
urlpatterns = [address for part in PARTS for address in part.urlpatterns]
