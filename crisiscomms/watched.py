"""What operators watch of the team's mails."""

from datetime import datetime, timedelta

from django.db.models import Count

from crisiscomms import due, figures
from crisiscomms.models import Notice


def _since(now: datetime) -> datetime | None:
    waiting = Notice.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at")
    return waiting.values_list("next_attempt_at", flat=True).first()


def _notices() -> figures.Rows:
    states = [Notice.State.QUEUED, Notice.State.CLAIMED, Notice.State.FAILED]
    found = dict(Notice.objects.filter(state__in=states).values_list("state").annotate(number=Count("pk")).order_by())
    return [((str(state),), found.get(state, 0)) for state in states]


due.register(due.Kind("notices", "Mails to the team", timedelta(minutes=5), _since))
figures.register(
    figures.Figure("crisiscomms_notices", "Mails to the team that wait or have failed.", ("state",), _notices)
)
