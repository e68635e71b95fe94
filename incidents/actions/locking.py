"""The one lock of an incident, under every act about it."""

from crisiscomms import audit
from incidents.models import Incident


def lock_incident(incident_id: int) -> Incident:
    """The incident, alone to its caller until the transaction ends. Its record's lock comes first, always."""
    audit.hold(Incident.objects.only("number").get(pk=incident_id).chain)
    return Incident.objects.select_for_update(of=("self",)).select_related("lead").get(pk=incident_id)
