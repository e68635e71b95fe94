"""The one lock of an incident, under every act about it."""

from collections.abc import Iterable

from crisiscomms import audit
from incidents.models import Incident


def lock_incident(incident_id: int) -> Incident:
    """The incident, alone to its caller until the transaction ends. Its record's lock comes first, always."""
    audit.hold(Incident.objects.only("number").get(pk=incident_id).chain)
    return Incident.objects.select_for_update(of=("self",)).select_related("lead").get(pk=incident_id)


def lock_incidents(incident_ids: Iterable[int]) -> dict[int, Incident]:
    """Several, for what concerns more than one: always in the same order, so that two such acts never wait in a ring."""
    return {pk: lock_incident(pk) for pk in sorted(set(incident_ids))}
