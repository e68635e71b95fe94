"""What time alone moves between two steps of the demo: clocks, holds, mails. As the beat knocks, at their own past times."""

from datetime import datetime, timedelta

from crisiscomms import clock
from crisiscomms.models import Notice
from delivery import sender, sweeping, team_mail
from delivery.models import Dispatch
from desk.demo.post import InboxSession
from incidents import deadlines
from incidents.models import Deadline
from messaging.actions import approvals
from messaging.models import ApprovalRequest

KNOCK = timedelta(seconds=2)
# The senders take a little while: what they published is published after it.
SENDING = timedelta(seconds=40)
# Mails older than this are not kept in the inbox.
TODAY = timedelta(hours=12)
MOST_KNOCKS = 20_000


def pass_time(*, until: datetime, today: datetime, post: InboxSession) -> None:
    """Let everything happen that was due by `until`."""
    for _ in range(MOST_KNOCKS):
        due = _next_due()
        if due is None or due + KNOCK > until:
            return
        post.quiet = due < today - TODAY
        with clock.at(due + KNOCK):
            _knock(due + KNOCK)
    raise RuntimeError("Something stays due for ever: the clock of the demo does not get on.")


def _next_due() -> datetime | None:
    due = [
        Deadline.objects.filter(next_action_at__isnull=False).order_by("next_action_at").values_list("next_action_at"),
        Notice.objects.filter(next_attempt_at__isnull=False).order_by("next_attempt_at").values_list("next_attempt_at"),
        Dispatch.objects.filter(state=Dispatch.State.HELD).order_by("hold_until").values_list("hold_until"),
        ApprovalRequest.objects.filter(state="open").order_by("expires_at").values_list("expires_at"),
    ]
    moments = [moment for rows in due for (moment,) in rows[:1] if moment is not None]
    return min(moments, default=None)


def _knock(moment: datetime) -> None:
    approvals.expire_requests(now=moment)
    deadlines.tick(now=moment)
    for dispatch_id in sweeping.sweep(now=moment):
        while sender.work(dispatch_id=dispatch_id, now=lambda: moment):
            pass
        # Published now that customers have their mail, and finished.
        sweeping.sweep(now=moment + SENDING)
    team_mail.send_due(now=lambda: moment)
