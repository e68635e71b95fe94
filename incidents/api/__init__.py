"""The house for programs: one module per concept, each with its resources and their addresses."""

from incidents.api import decisions, incidents, lifecycle, monitoring, outward, playbooks, products

PARTS = (incidents, lifecycle, decisions, products, outward, monitoring, playbooks)
urlpatterns = [address for part in PARTS for address in part.urlpatterns]
