"""What the demo's monitoring and people notice: taken in and judged as in a running installation."""

from datetime import datetime
from typing import Any

from crisiscomms.models import User
from incidents import actions as incidents
from incidents.hooks.protocol import Noticed
from incidents.models import Incident, Signal, SignalSource
from incidents.noticing import intake, judging

Step = dict[str, Any]


def report(step: Step, *, incident: Incident | None, by: User, now: datetime) -> None:
    """A person tells of something; it belongs to the scene's incident, if there is one."""
    signal = incidents.report_signal(
        title=step["title"], text=step.get("text", ""), values=step.get("values", {}), by=by, now=now
    )
    judging.judge_due(now=now)
    if incident is not None:
        incidents.attach_signal(signal_id=signal.pk, incident_id=incident.pk, by=by, now=now)


def alert(step: Step, *, incident: Incident | None, team: dict[str, User], now: datetime) -> None:
    """A source tells of something; the first time, somebody says where it belongs."""
    source = SignalSource.objects.filter(name=step["source"]).first()
    if source is None:
        made = incidents.create_source(name=step["source"], kind=step["kind"], by=team["admin"], now=now)
        source = made.source
    noticed = Noticed(
        title=step["title"],
        same=step["title"],
        at=now,
        is_over=step.get("over", False),
        text=step.get("text", ""),
        values={name: float(v) if isinstance(v, int) else v for name, v in step.get("values", {}).items()},
    )
    raw = f'{{"version": "4", "alerts": [{{"status": "firing", "annotations": {{"summary": "{step["title"]}"}}}}]}}'
    for _ in range(step.get("times", 1)):
        intake.take(source_id=source.pk, found=[noticed], raw=raw, delivery_id="", now=now)
    judging.judge_due(now=now)
    mine = Signal.objects.filter(source=source, fingerprint=noticed.fingerprint, incident=None).first()
    if incident is not None and mine is not None:
        incidents.attach_signal(signal_id=mine.pk, incident_id=incident.pk, by=team[step["by"]], now=now)
