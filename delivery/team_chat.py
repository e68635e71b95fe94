"""Lines to the team's chat leave from here: worded now, posted, and counted. What does not get through is mailed."""

import zoneinfo
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils import timezone

from crisiscomms import leaving, notices, ways
from crisiscomms.models import ChatLine, Notice
from delivery.channels import ChannelError, PermanentError, chat

log = structlog.get_logger("crisiscomms.delivery")
LEASE = timedelta(seconds=60)
# Shorter than a mail's: a chat that is away for twenty minutes is no way to reach somebody who has to act.
GAPS = [15, 60, 300]
State = ChatLine.State


def send_due(*, now: Callable[[], datetime], limit: int = 100) -> int:
    """Post the lines that are due; returns how many were looked at. Any number of workers may do this."""
    for count in range(limit):
        line = None if leaving.is_asked() else _claim(now())
        if line is None:
            return count
        if not _send(line, now()):
            return count + 1
    return limit


@transaction.atomic
def _claim(now: datetime) -> ChatLine | None:
    """A claimed line keeps a time: when it passes without a result, it is due again."""
    due = ChatLine.objects.select_for_update(skip_locked=True, of=("self",)).select_related("notice__person")
    line = due.filter(next_attempt_at__lte=now).order_by("next_attempt_at").first()
    if line is not None:
        ChatLine.objects.filter(pk=line.pk).update(
            state=State.CLAIMED, next_attempt_at=now + LEASE, attempts=F("attempts") + 1
        )
        line.attempts += 1
    return line


def _send(line: ChatLine, now: datetime) -> bool:
    """Whether the chat takes lines: when it does not, the rest waits for the next knock."""
    if line.attempts > len(GAPS) + 1:
        _end(line, State.FAILED, now, "It was begun again and again, and no try came to an end.")
        return True
    try:
        words = _words(line, now)
    except Exception as fault:
        log.exception("line not made", kind=line.notice.kind)
        _end(line, State.FAILED, now, f"The line could not be made: {fault}")
        return True
    if words is None:
        _end(line, State.SKIPPED, now)
        return True
    try:
        chat.post(words)
    except PermanentError as error:
        _end(line, State.FAILED, now, error.text)
    except ChannelError as error:
        _again(line, error.text, now)
        return False
    else:
        _end(line, State.SENT, now)
    return True


def _words(line: ChatLine, now: datetime) -> str | None:
    """One line that others read too: who is meant, what it is about, where to sign in. None: no longer needed."""
    notice = Notice.objects.select_related("person").get(pk=line.notice_id)
    mailed_after_all = line.is_second_way and notice.state == Notice.State.SENT
    if not notice.person.is_active or mailed_after_all:
        return None
    with timezone.override(zoneinfo.ZoneInfo(notice.person.time_zone)):
        mail = notices.look(notice, now)
    if mail is None:
        return None
    who = ways.choice_of(notice.person).chat_name or chat.plain(notice.person.name)
    why = "Our mail to you did not get through. " if line.is_second_way else ""
    what = "Something needs you: sign in" if mail.is_restricted else chat.plain(mail.subject)
    # The person's own address of the notice: it leads on by signing in, and names nothing to others.
    return f"{who}: {why}{what} {settings.BASE_URL}{reverse('notice', args=[notice.pk])}"


def _again(line: ChatLine, why: str, now: datetime) -> None:
    if line.attempts > len(GAPS):
        return _end(line, State.FAILED, now, why)
    wait = timedelta(seconds=GAPS[line.attempts - 1])
    _of_this_try(line).update(state=State.QUEUED, next_attempt_at=now + wait, last_error=why[:300])
    if notices.urgency(line.notice.kind) == "urgent":
        # Whoever has to act is not left to wait for the chat.
        notices.mail_instead(line.notice, now)
    return None


def _end(line: ChatLine, state: str, now: datetime, error: str = "") -> None:
    sent_at = now if state == State.SENT else None
    _of_this_try(line).update(state=state, next_attempt_at=None, sent_at=sent_at, last_error=error[:300])
    if state == State.FAILED:
        log.warning("line not posted", kind=line.notice.kind, why=error)
        notices.mail_instead(line.notice, now)


def _of_this_try(line: ChatLine) -> QuerySet[ChatLine]:
    """The row, unless its lease ended and another worker has it."""
    return ChatLine.objects.filter(pk=line.pk, state=State.CLAIMED, attempts=line.attempts)
