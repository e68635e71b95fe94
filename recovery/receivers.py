"""What the lower houses make happen here (docs/adr/0004)."""

from typing import Any

from recovery import actions


def on_resolved(*, incident: Any, by: Any, now: Any, **_: Any) -> None:
    actions.open_programme(incident=incident, by=by, now=now)


def on_closed(*, incident: Any, by: Any, now: Any, **_: Any) -> None:
    actions.waive_all_tasks(incident=incident, by=by, now=now)
