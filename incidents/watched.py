"""What operators watch of incidents and their clock."""

from datetime import datetime, timedelta

from django.db.models import Sum

from crisiscomms import due, figures
from incidents.models import Deadline, Incident, Signal, SignalProposal, SignalSource


def _since(now: datetime) -> datetime | None:
    waiting = Deadline.objects.due_for_action(now).order_by("next_action_at")
    return waiting.values_list("next_action_at", flat=True).first()


def _deadlines() -> figures.Rows:
    open_ones = Deadline.objects.open()
    states = (Deadline.State.PENDING, Deadline.State.MISSED)
    return [((str(state),), open_ones.filter(state=state).count()) for state in states]


def _live() -> figures.Rows:
    return [((), Incident.objects.live().count())]


def _signals_since(now: datetime) -> datetime | None:
    return Signal.objects.due(now).order_by("due_at").values_list("due_at", flat=True).first()


def _signals() -> figures.Rows:
    """Kept counts of each kind of source: taken, known already, refused."""
    counts = ("taken", "known", "refused")
    rows = SignalSource.objects.values_list("kind").annotate(*(Sum(name) for name in counts)).order_by()
    return [((str(kind), name), float(n)) for kind, *found in rows for name, n in zip(counts, found, strict=True)]


def _proposals() -> figures.Rows:
    return [((), SignalProposal.objects.filter(state=SignalProposal.State.OPEN).count())]


due.register(due.Kind("deadlines", "Deadlines", timedelta(minutes=2), _since))
figures.register(
    figures.Figure(
        "crisiscomms_deadlines_open", "Deadlines that are pending, or missed and not met.", ("state",), _deadlines
    )
)
figures.register(figures.Figure("crisiscomms_incidents_live", "Incidents under way.", (), _live))
due.register(due.Kind("signals", "Signals", timedelta(minutes=2), _signals_since))
figures.register(
    figures.Figure("crisiscomms_signals", "Signals of sources, by what became of them.", ("kind", "became"), _signals)
)
figures.register(figures.Figure("crisiscomms_proposals_open", "Decisions that a threshold asks for.", (), _proposals))
