"""Lines to the team's chat that were given up: an administrator sees them, and has them tried again."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from crisiscomms import audit, changes
from crisiscomms.lost_mails import KEPT
from crisiscomms.models import ChatLine, User
from crisiscomms.refusal import Refused

State = ChatLine.State


def recent(now: datetime) -> QuerySet[ChatLine]:
    lost = ChatLine.objects.filter(state=State.FAILED, notice__created_at__gt=now - KEPT)
    return lost.select_related("notice__person").order_by("-pk")


@transaction.atomic
def try_again(*, by: User, now: datetime) -> int:
    """Queue them anew with all their tries; returns how many. Each is worded when it is posted, or dropped."""
    changes.require_administrator(by)
    ids = list(recent(now).values_list("pk", flat=True))
    # On its own columns: of two presses one finds nothing.
    lost = ChatLine.objects.filter(pk__in=ids, state=State.FAILED)
    count = lost.update(state=State.QUEUED, next_attempt_at=now, attempts=0)
    if not count:
        raise Refused("No line to the chat waits to be tried again. Somebody else may have pressed first.")
    text = f"{said(count)} that failed: to be tried again"
    audit.record(
        chain=audit.INSTALLATION, verb="team_chat.retried", subject="chat", text=text, by=by, now=now,
        data={"count": count},
    )  # fmt: skip
    return count


def said(count: int) -> str:
    return "1 line to the chat" if count == 1 else f"{count} lines to the chat"
