"""What is affected, from when to when."""

from datetime import UTC, datetime

from django.db import transaction

from crisiscomms import audit
from crisiscomms.models import User
from crisiscomms.refusal import Refused
from crisiscomms.wording import readers_time
from incidents import abilities
from incidents.actions.locking import lock_incident
from incidents.models import Component, ComponentState, Incident

WORKING = "working"


@transaction.atomic
def set_component_state(
    *, incident: Incident, component: Component, state: str, by: User, now: datetime, since: datetime | None = None
) -> None:
    """Begin, change or end (`working`) what this incident does to a component. Ended intervals are kept.

    `since` is when that was, from now on if left out; with the state that it has already, it corrects when that began.
    Raises Refused for a moment before the incident, before an earlier change, or to come.
    """
    incident = lock_incident(incident.pk)
    abilities.require("component", incident, by, now)
    if since is not None:
        since = moment_within(incident, since, now)
    put_component(incident=incident, component=component, state=state, by=by, now=now, since=since)


def moment_within(incident: Incident, at: datetime, now: datetime) -> datetime:
    """When something of the incident happened, as a person says it. Raises Refused before it began and after now."""
    if at > now:
        raise Refused("This lies in the future. Give the time when it was so, or leave it empty for now.")
    if at < minute_of(incident.began_at):
        raise Refused(f"{incident.ref} began at {readers_time(incident.began_at)}. Give a time after that.")
    return max(at, incident.began_at)


def minute_of(at: datetime) -> datetime:
    """People give times to the minute."""
    return at.replace(second=0, microsecond=0)


def put_component(
    *,
    incident: Incident,
    component: Component,
    state: str,
    by: User | None,
    now: datetime,
    since: datetime | None = None,
) -> None:
    """The same as part of another act, whose right was asked there. `by=None`: a rule over signals."""
    if state != WORKING and state not in ComponentState.State.values:
        raise Refused("Choose a state from the list.")
    audit.hold(incident.chain)
    stays = list(ComponentState.objects.select_for_update().filter(incident=incident, component=component))
    current = next((stay for stay in stays if stay.ended_at is None), None)
    if (current.state if current else WORKING) != state:
        text = _change(incident, component, state, stays, since, now)
    elif current is not None and since is not None and since != current.began_at:
        text = _correct(component, current, stays, since, now)
    else:
        return
    audit.record(
        chain=incident.chain, verb="component.changed", subject=f"component:{component.pk}", text=text, by=by, now=now
    )


def _change(
    incident: Incident,
    component: Component,
    state: str,
    stays: list[ComponentState],
    since: datetime | None,
    now: datetime,
) -> str:
    """Returns what is recorded."""
    current = next((stay for stay in stays if stay.ended_at is None), None)
    at = _moment(component, since, [stay.ended_at or stay.began_at for stay in stays], now)
    if current is not None:
        current.ended_at = at
        current.save(update_fields=["ended_at"])
    if state != WORKING:
        ComponentState.objects.create(
            incident=incident,
            component=component,
            state=state,
            began_at=at,
            released=bool(current and current.released),
        )
    label = "working again" if state == WORKING else ComponentState.State(state).label.lower()
    return f"{component.name} is {label}" + (f" since {_for_the_record(at)}" if since is not None else "")


def _correct(
    component: Component, current: ComponentState, stays: list[ComponentState], since: datetime, now: datetime
) -> str:
    """When the present state began. What it followed upon at once ends as much earlier or later. Returns what is recorded."""
    was = current.began_at
    before = next((stay for stay in stays if stay.ended_at == was), None)
    known = [stay.ended_at for stay in stays if stay.ended_at is not None and stay is not before]
    at = _moment(component, since, [*known, before.began_at] if before else known, now)
    if before is not None:
        before.ended_at = at
        before.save(update_fields=["ended_at"])
    current.began_at = at
    current.save(update_fields=["began_at"])
    label = current.get_state_display().lower()
    return f"{component.name} is {label} since {_for_the_record(at)}, not since {_for_the_record(was)}"


def _for_the_record(at: datetime) -> str:
    return f"{at.astimezone(UTC):%d %b %H:%M} UTC"


def _moment(component: Component, since: datetime | None, known: list[datetime], now: datetime) -> datetime:
    """What is said of a component follows what was said before it."""
    last = max(known, default=None)
    if since is not None and last is not None and since < minute_of(last):
        raise Refused(f"{component.name} changed at {readers_time(last)} last. Give a time after that.")
    return max(moment for moment in (since or now, last) if moment is not None)


def release_components(incident: Incident) -> None:
    """A message about the incident is public now, so its states may be shown. Never for a restricted one."""
    if incident.may_be_public:
        ComponentState.objects.filter(incident=incident, released=False).update(released=True)
