"""What operators watch of incidents and their clock."""

from datetime import datetime, timedelta

from crisiscomms import due, figures
from incidents.models import Deadline, Incident


def _since(now: datetime) -> datetime | None:
    waiting = Deadline.objects.due_for_action(now).order_by("next_action_at")
    return waiting.values_list("next_action_at", flat=True).first()


def _deadlines() -> figures.Rows:
    open_ones = Deadline.objects.open()
    states = (Deadline.State.PENDING, Deadline.State.MISSED)
    return [((str(state),), open_ones.filter(state=state).count()) for state in states]


def _live() -> figures.Rows:
    return [((), Incident.objects.live().count())]


due.register(due.Kind("deadlines", "Deadlines", timedelta(minutes=2), _since))
figures.register(
    figures.Figure(
        "crisiscomms_deadlines_open", "Deadlines that are pending, or missed and not met.", ("state",), _deadlines
    )
)
figures.register(figures.Figure("crisiscomms_incidents_live", "Incidents under way.", (), _live))
