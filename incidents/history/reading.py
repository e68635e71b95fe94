"""A Statuspage history file → what it tells, or one sentence that says what is wrong with it and where."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from crisiscomms.refusal import Refused
from incidents.history import texts
from incidents.models import ComponentState, ImportedUpdate, Incident

MAX_BYTES = 50 * 1024 * 1024
MAX_INCIDENTS = 20_000
MAX_UPDATES = 1_000
# The export's words → ours.
SEVERITY = {
    **dict.fromkeys(("none", "minor", "maintenance"), Incident.Severity.MINOR),
    "major": Incident.Severity.MAJOR,
    "critical": Incident.Severity.CRITICAL,
}
STATE = {
    "operational": "",
    "degraded_performance": ComponentState.State.DEGRADED,
    "partial_outage": ComponentState.State.PARTIAL,
    "major_outage": ComponentState.State.OUTAGE,
    "under_maintenance": ComponentState.State.MAINTENANCE,
}
OVER = {"resolved", "postmortem", "completed"}


@dataclass(frozen=True)
class PastUpdate:
    """`components`: name → its state from this update on, empty for working."""

    external_id: str
    at: datetime
    stage: str
    text: str
    components: dict[str, str]


@dataclass(frozen=True)
class Past:
    """An incident that is over. Its updates are in the order of time."""

    external_id: str
    title: str
    severity: str
    began_at: datetime
    told_at: datetime
    ended_at: datetime
    updates: list[PastUpdate]


@dataclass
class History:
    """What a file holds. `open` counts the incidents that are not over yet, which are left out."""

    source: str
    source_name: str
    incidents: list[Past] = field(default_factory=list)
    open: int = 0


class Place:
    """One value in the file, and where it stands, so that a refusal can name it."""

    def __init__(self, value: Any, where: str = "") -> None:
        self.value, self.where = value, where

    def __getitem__(self, name: str) -> "Place":
        if not isinstance(self.value, dict):
            raise self.refusal("is no object")
        return Place(self.value.get(name), f"{self.where}.{name}" if self.where else name)

    def items(self, most: int) -> "list[Place]":
        if not isinstance(self.value, list):
            raise self.refusal("is no list")
        if len(self.value) > most:
            raise self.refusal(f"has {len(self.value)} entries, and at most {most} are read at once. Split the file")
        return [Place(value, f"{self.where}[{number}]") for number, value in enumerate(self.value)]

    def text(self, limit: int) -> str:
        words = texts.line(self.value, limit) if isinstance(self.value, str) else ""
        if not words:
            raise self.refusal("is no text")
        return words

    def one_of(self, words: dict[str, Any]) -> Any:
        if not isinstance(self.value, str) or self.value not in words:
            raise self.refusal(f"is none of {', '.join(words)}")
        return words[self.value]

    def moment(self, now: datetime) -> datetime:
        try:
            moment = datetime.fromisoformat(self.value)
        except (TypeError, ValueError):
            raise self.refusal("is no time such as 2024-09-16T21:31:02Z") from None
        if moment.tzinfo is None:
            raise self.refusal("has no time zone, so nobody knows when it was. Write it with Z or an offset")
        if not 2000 <= moment.year <= 2100 or moment > now + timedelta(days=1):
            raise self.refusal("cannot be meant: it lies in the future or before the year 2000")
        return moment

    def refusal(self, why: str) -> Refused:
        return Refused(f"{self.where or 'The file'} {why}. Nothing was imported.")


def read(stream: BinaryIO, *, now: datetime) -> History:
    """Raises Refused, naming the place, for whatever is no Statuspage history."""
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Refused(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Split it. Nothing was imported.")
    try:
        root = Place(json.loads(data))
    except (ValueError, RecursionError) as error:
        at = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Refused(f"The file is not JSON that can be read{at}. Nothing was imported.") from None
    page = root["page"]
    history = History(page["url"].text(200), page["name"].text(120))
    seen: set[str] = set()
    for place in root["incidents"].items(MAX_INCIDENTS):
        _once(place["id"], seen)
        if place["status"].one_of(dict.fromkeys(ImportedUpdate.Stage.values, True)) and place["status"].value in OVER:
            history.incidents.append(_past(place, now))
        else:
            history.open += 1
    history.incidents.sort(key=lambda past: past.began_at)
    return history


def _past(place: Place, now: datetime) -> Past:
    seen: set[str] = set()
    updates = [_update(one, seen, now) for one in place["incident_updates"].items(MAX_UPDATES)]
    if not updates:
        raise place["incident_updates"].refusal("is empty, so there is nothing to tell")
    updates.sort(key=lambda update: update.at)
    told = min(place["created_at"].moment(now), updates[0].at)
    began = place["started_at"].moment(now) if place["started_at"].value else told
    over = place["resolved_at"].moment(now) if place["resolved_at"].value else updates[-1].at
    return Past(
        place["id"].text(80),
        place["name"].text(160),
        str(place["impact"].one_of(SEVERITY)),
        min(began, told),
        told,
        max(over, told),
        updates,
    )


def _update(place: Place, seen: set[str], now: datetime) -> PastUpdate:
    told = place["display_at"] if place["display_at"].value else place["created_at"]
    affected = place["affected_components"]
    components = affected.items(MAX_UPDATES) if affected.value else []
    return PastUpdate(
        _once(place["id"], seen),
        told.moment(now),
        str(place["status"].one_of({value: value for value in ImportedUpdate.Stage.values})),
        texts.plain(place["body"].value) if isinstance(place["body"].value, str) else "",
        {one["name"].text(120): str(one["new_status"].one_of(STATE)) for one in components},
    )


def _once(place: Place, seen: set[str]) -> str:
    name = place.text(80)
    if name in seen:
        raise place.refusal(f"“{name}” stands there twice")
    seen.add(name)
    return name
