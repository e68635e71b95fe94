"""The house for programs: one module per concept, each with its resources and their addresses."""

from incidents.api import (
    clocks,
    decisions,
    facts,
    incidents,
    lifecycle,
    monitoring,
    outward,
    playbooks,
    products,
    record,
    signals,
    team,
)

PARTS = (
    *(incidents, clocks, lifecycle, decisions, facts, products),
    *(signals, team, outward, monitoring, playbooks, record),
)
urlpatterns = [address for part in PARTS for address in part.urlpatterns]
