"""What operators watch of approvals."""

from datetime import datetime, timedelta

from crisiscomms import due, figures
from messaging.models import ApprovalRequest

State = ApprovalRequest.State


def _since(now: datetime) -> datetime | None:
    """A request whose time is over and that nobody has ended yet."""
    over = ApprovalRequest.objects.filter(state=State.OPEN, expires_at__lte=now).order_by("expires_at")
    return over.values_list("expires_at", flat=True).first()


def _open() -> figures.Rows:
    return [((), ApprovalRequest.objects.filter(state=State.OPEN).count())]


due.register(due.Kind("approvals", "Approvals to be ended", timedelta(minutes=5), _since))
figures.register(figures.Figure("crisiscomms_approvals_open", "Approvals that wait for a decision.", (), _open))
