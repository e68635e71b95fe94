"""Taking over the history of another status page: closed incidents, with what the public was told there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from crisiscomms import audit
from crisiscomms.models import User
from incidents import access
from incidents.actions.declaring import next_number
from incidents.history import History, Past, PastUpdate
from incidents.models import Component, ComponentState, ImportedIncident, ImportedUpdate, Incident, Product

BATCH = 2_000


@dataclass(frozen=True)
class TakenOver:
    """What an import made. `known` were here already; `open` are not over yet and were left out."""

    incidents: int
    updates: int
    states: int
    components: list[str]
    known: int
    open: int


@transaction.atomic
def import_history(*, history: History, by: User, now: datetime) -> TakenOver:
    """Make closed incidents from it: all or nothing, and nothing twice.

    Nobody was asked, nothing is approved or sent, no clock runs, and no record pretends that they were led here: the
    one record of it is this import, with `by` as who answers for it.
    """
    access.require(by, "set_up")
    first = next_number()
    known = dict(ImportedIncident.objects.filter(source=history.source).values_list("external_id", "incident_id"))
    fresh = [past for past in history.incidents if past.external_id not in known]
    made = Incident.objects.bulk_create(
        [_incident(past, number, by) for number, past in enumerate(fresh, start=first)], batch_size=BATCH
    )
    ImportedIncident.objects.bulk_create(
        [_origin(history, past, incident, by, now) for past, incident in zip(fresh, made, strict=True)],
        batch_size=BATCH,
    )
    pks = known | {past.external_id: incident.pk for past, incident in zip(fresh, made, strict=True)}
    told = list(_new_updates(history.incidents, pks))
    ImportedUpdate.objects.bulk_create(told, batch_size=BATCH)
    components, added = _components(fresh, history.source_name)
    states = [state for past in fresh for state in _states(past, pks[past.external_id], components)]
    ComponentState.objects.bulk_create(states, batch_size=BATCH)
    done = TakenOver(len(fresh), len(told), len(states), added, len(history.incidents) - len(fresh), history.open)
    if told:
        _record(history, done, made, by, now)
    return done


def _incident(past: Past, number: int, by: User) -> Incident:
    return Incident(
        number=number,
        title=past.title,
        kind=Incident.Kind.DISRUPTION,
        severity=past.severity,
        phase=Incident.Phase.CLOSED,
        began_at=past.began_at,
        discovered_at=past.told_at,
        opened_at=past.told_at,
        opened_by=by,
        declared_at=past.told_at,
        declared_by=by,
        lead=by,
        phase_since=past.ended_at,
        resolved_at=past.ended_at,
        closed_at=past.ended_at,
    )


def _origin(history: History, past: Past, incident: Incident, by: User, now: datetime) -> ImportedIncident:
    return ImportedIncident(
        incident=incident,
        source=history.source,
        source_name=history.source_name,
        external_id=past.external_id,
        imported_by=by,
        imported_at=now,
    )


def _new_updates(incidents: list[Past], pks: dict[str, int]) -> Iterator[ImportedUpdate]:
    """Those that are not here yet: the other page may have added an analysis since the last import."""
    here = set(ImportedUpdate.objects.filter(incident__in=pks.values()).values_list("incident_id", "external_id"))
    for past in incidents:
        pk = pks[past.external_id]
        for update in past.updates:
            if (pk, update.external_id) not in here:
                yield ImportedUpdate(
                    incident_id=pk,
                    external_id=update.external_id,
                    at=update.at,
                    stage=update.stage,
                    text=update.text,
                )


def _components(incidents: list[Past], product: str) -> tuple[dict[str, Component], list[str]]:
    """Our components by their names in small letters. One that we do not have is made under the page's own name."""
    ours = {one.name.casefold(): one for one in Component.objects.order_by("-pk")}
    named = {
        name: True for past in incidents for one in past.updates for name, state in one.components.items() if state
    }
    missing = {name.casefold(): name for name in named if name.casefold() not in ours}
    if missing:
        under, _ = Product.objects.get_or_create(name=product)
        ours |= {key: Component.objects.create(product=under, name=name) for key, name in missing.items()}
    return ours, list(missing.values())


def _states(past: Past, incident_id: int, ours: dict[str, Component]) -> Iterator[ComponentState]:
    """Each stretch of time in which a component was in one state, as the updates tell it."""
    for name in dict.fromkeys(name for update in past.updates for name in update.components):
        for state, began, ended in _stretches(name, past.updates, past.ended_at):
            yield ComponentState(
                incident_id=incident_id,
                component=ours[name.casefold()],
                state=state,
                began_at=began,
                ended_at=max(ended, began),
                released=True,
            )


def _stretches(name: str, updates: Iterable[PastUpdate], end: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    state, since = "", end
    for update in updates:
        new = update.components.get(name, state)
        if new != state:
            if state:
                yield state, since, update.at
            state, since = new, update.at
    if state:
        yield state, since, end


def _record(history: History, done: TakenOver, made: list[Incident], by: User, now: datetime) -> None:
    numbers = [incident.number for incident in made]
    text = f"Imported {done.incidents} closed incidents and {done.updates} public updates from {history.source}"
    data = {"source": history.source, "first": min(numbers, default=None), "last": max(numbers, default=None)}
    audit.record(
        chain=audit.INSTALLATION, verb="history.imported", subject="history", text=text, by=by, now=now, data=data
    )
