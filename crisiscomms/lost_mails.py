"""Mails to the team that were given up: an administrator sees them, and has them tried again."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from crisiscomms import audit, changes
from crisiscomms.models import Notice, User
from crisiscomms.refusal import Refused

# After two weeks what was told is history: a mail about it would only confuse.
KEPT = timedelta(days=14)
State = Notice.State


def recent(now: datetime) -> QuerySet[Notice]:
    return Notice.objects.filter(state=State.FAILED, created_at__gt=now - KEPT).select_related("person").order_by("-pk")


@transaction.atomic
def try_again(*, by: User, now: datetime) -> int:
    """Queue them anew; returns how many. Each is worded when it leaves, so one no longer needed is dropped.

    `attempts` counts on: it makes the claim of a worker its own, and the Message-ID of each try another one.
    A mail that used up its tries therefore gets one more with each press.
    """
    changes.require_administrator(by)
    lost = Notice.objects.filter(state=State.FAILED, created_at__gt=now - KEPT)
    count = lost.update(state=State.QUEUED, next_attempt_at=now)
    if not count:
        raise Refused("No mail to the team waits to be tried again. Somebody else may have pressed first.")
    text = f"{said(count)} that failed: to be tried again"
    audit.record(
        chain=audit.INSTALLATION, verb="team_mail.retried", subject="notices", text=text, by=by, now=now,
        data={"count": count},
    )  # fmt: skip
    return count


def said(count: int) -> str:
    return "1 mail to the team" if count == 1 else f"{count} mails to the team"
