"""Reading components and what they need into rows: as the team knows them, or only as released."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from desk.drawings.rows import PartRow, Parts
from incidents.models import Component, ComponentState, Dependency, Incident

RANKS = {"outage": 4, "partial": 3, "degraded": 2, "maintenance": 1}
MOST_PARTS, MOST_NEEDS = 300, 2000
States = dict[int, str]


def team_parts(incident: Incident) -> Parts:
    """What this incident has touched, as it is now, with what needs it and what it needs."""
    return _parts(f"Affected components of {incident.ref}", incident.component_states.all(), Component.objects.in_use())


def public_parts(incident: Incident) -> Parts | None:
    """The same from released states of public components only; None where nothing may be shown."""
    released = ComponentState.objects.public().filter(incident=incident)
    parts = _parts("Affected components", released, Component.objects.in_use().filter(is_public=True))
    return parts if incident.may_be_public and parts.parts else None


def _parts(name: str, touched: QuerySet[ComponentState], neighbours: QuerySet[Component]) -> Parts:
    states: States = {}
    for component, state, ended_at in touched.order_by("began_at", "pk").values_list("component", "state", "ended_at")[
        : 2 * MOST_PARTS
    ]:
        states[component] = "working" if ended_at else state
    near = (
        Dependency.objects.filter(Q(component__in=states) | Q(on__in=states)) if states else Dependency.objects.none()
    )
    needs = list(near.order_by("pk").values_list("component", "on")[:MOST_NEEDS])
    beside = {key for pair in needs for key in pair} - set(states)
    # Another incident's trouble shows here only as far as everybody may know it.
    others = _worst(ComponentState.objects.public().open().filter(component__in=beside))
    known = Component.objects.filter(pk__in=states) | neighbours.filter(pk__in=beside)
    rows = [
        _row(component, states.get(component.pk, others.get(component.pk, "working")), component.pk in states)
        for component in known.select_related("product").order_by("pk")[:MOST_PARTS]
    ]
    return Parts(name, rows, needs)


def _worst(states: QuerySet[ComponentState]) -> States:
    found: States = {}
    for component, state in states.values_list("component", "state"):
        if RANKS[state] > RANKS.get(found.get(component, ""), 0):
            found[component] = state
    return found


def _row(component: Component, state: str, is_affected: bool) -> PartRow:
    word = ComponentState.State(state).label if state != "working" else "Working"
    rank = RANKS.get(state, 0)
    return PartRow(component.pk, component.name, component.product.name, state, word, rank, is_affected)


def listed(parts: Parts) -> list[tuple[PartRow, list[str]]]:
    """The diagram as a list: each component with what it needs; the worst first."""
    names = {part.key: part.name for part in parts.parts}
    needs: dict[int, list[str]] = {}
    for one, two in sorted(set(parts.needs)):
        if two in names:
            needs.setdefault(one, []).append(names[two])
    ordered: Iterable[PartRow] = sorted(parts.parts, key=lambda part: (not part.is_affected, -part.rank, part.name))
    return [(part, sorted(needs.get(part.key, []))) for part in ordered]
