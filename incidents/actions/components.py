"""What is affected, from when to when."""

from datetime import datetime

from django.db import transaction

from crisiscomms import audit
from crisiscomms.models import User
from crisiscomms.refusal import Refused
from incidents import abilities
from incidents.actions.locking import lock_incident
from incidents.models import Component, ComponentState, Incident

WORKING = "working"


@transaction.atomic
def set_component_state(*, incident: Incident, component: Component, state: str, by: User, now: datetime) -> None:
    """Begin, change or end (`working`) what this incident does to a component. Ended intervals are kept."""
    incident = lock_incident(incident.pk)
    abilities.require("component", incident, by, now)
    put_component(incident=incident, component=component, state=state, by=by, now=now)


def put_component(*, incident: Incident, component: Component, state: str, by: User | None, now: datetime) -> None:
    """The same as part of another act, whose right was asked there. `by=None`: a rule over signals."""
    if state != WORKING and state not in ComponentState.State.values:
        raise Refused("Choose a state from the list.")
    audit.hold(incident.chain)
    current = ComponentState.objects.open().select_for_update().filter(incident=incident, component=component).first()
    if (current.state if current else WORKING) == state:
        return
    if current:
        current.ended_at = max(now, current.began_at)
        current.save(update_fields=["ended_at"])
    # What worked again in between was not affected all along: the second time begins when it is said.
    is_again = ComponentState.objects.filter(incident=incident, component=component).exists()
    if state != WORKING:
        ComponentState.objects.create(
            incident=incident,
            component=component,
            state=state,
            began_at=now if is_again else incident.began_at,
            released=bool(current and current.released),
        )
    label = "working again" if state == WORKING else ComponentState.State(state).label.lower()
    text = f"{component.name} is {label}"
    audit.record(
        chain=incident.chain, verb="component.changed", subject=f"component:{component.pk}", text=text, by=by, now=now
    )


def release_components(incident: Incident) -> None:
    """A message about the incident is public now, so its states may be shown. Never for a restricted one."""
    if incident.may_be_public:
        ComponentState.objects.filter(incident=incident, released=False).update(released=True)
