"""What operators watch of sending."""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Sum

from crisiscomms import due, figures
from delivery.models import Dispatch, Tally
from delivery.models.notifications import STATES

# A long send is no fault: what counts is how long due mails have waited with nobody handing any mail over. Of each
# dispatch only the next rows to go are looked at, so that the cost does not follow its size.
SINCE = """
    SELECT min(greatest(front.due, d.released_at, (SELECT at FROM delivery_deliveryattempt ORDER BY id DESC LIMIT 1)))
    FROM delivery_dispatch d CROSS JOIN LATERAL (
        SELECT min(next_attempt_at) AS due FROM (
            SELECT next_attempt_at FROM delivery_notification
            WHERE dispatch_id = d.id AND state IN ('queued', 'retry') ORDER BY tier, id LIMIT 500) AS following
        WHERE next_attempt_at <= %(now)s) AS front
    WHERE d.state = 'running' AND front.due IS NOT NULL
"""


def _since(now: datetime) -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(SINCE, {"now": now})
        found: datetime | None = cursor.fetchone()[0]
    return found


def _held(now: datetime) -> datetime | None:
    waiting = Dispatch.objects.filter(state=Dispatch.State.HELD, hold_until__lte=now).order_by("hold_until")
    return waiting.values_list("hold_until", flat=True).first()


def _notifications() -> figures.Rows:
    totals = Tally.objects.aggregate(**{state: Sum(state, default=0) for state in STATES})
    return [((state,), totals[state]) for state in STATES]


def _dispatches() -> figures.Rows:
    counts = Dispatch.objects.values_list("channel", "state").annotate(number=Count("pk")).order_by()
    return [((channel, state), number) for channel, state, number in counts]


due.register(due.Kind("notifications", "Mails to recipients", timedelta(minutes=5), _since))
due.register(due.Kind("holds", "Sends on hold", timedelta(minutes=2), _held))
figures.register(
    figures.Figure("crisiscomms_notifications", "Recipients of all sends by state.", ("state",), _notifications)
)
figures.register(
    figures.Figure("crisiscomms_dispatches", "Sends by channel and state.", ("channel", "state"), _dispatches)
)
