"""Mails to the team leave from here: rendered now, handed over, and counted."""

import zoneinfo
from collections.abc import Callable
from datetime import datetime, timedelta
from html import escape

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from crisiscomms import leaving, notices
from crisiscomms.models import Notice, Organisation
from crisiscomms.organisation import get_organisation
from delivery.channels import ChannelError
from delivery.channels import email as door
from delivery.channels.smtp import Envelope, Result
from messaging.mail import FONT, LAYOUT

log = structlog.get_logger("crisiscomms.delivery")
LEASE = timedelta(seconds=60)
GAPS = [15, 60, 300, 900, 3600]
# Few at a time: a slow server must not stretch a batch over its lease.
BATCH = 3
State = Notice.State


def send_due(*, now: Callable[[], datetime], limit: int = 1_000) -> int:
    """Send the notices that are due; returns how many were looked at. Any number of workers may do this."""
    total = 0
    while total < limit and not leaving.is_asked():
        rows = _claim(now())
        if not rows:
            break
        total += len(rows)
        if not _send(rows, now()):
            break
    return total


@transaction.atomic
def _claim(now: datetime) -> list[Notice]:
    """Claimed rows keep a time: when it passes without a result, they are due again."""
    due = Notice.objects.select_for_update(skip_locked=True, of=("self",)).select_related("person")
    rows = list(due.filter(next_attempt_at__lte=now).order_by("next_attempt_at")[:BATCH])
    Notice.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=State.CLAIMED, next_attempt_at=now + LEASE, attempts=F("attempts") + 1
    )
    for row in rows:
        # Grows with every claim, so it tells ours from a later one; one that kills its worker ends as failed.
        row.attempts += 1
    return rows


def _send(rows: list[Notice], now: datetime) -> bool:
    """Whether the server takes mail: when it does not, the rest waits for the next knock."""
    organisation = get_organisation()
    envelopes, by_pk = [], {row.pk: row for row in rows}
    for row in rows:
        try:
            envelope = _envelope(row, organisation, now)
        except Exception as fault:
            log.exception("notice not made", kind=row.kind)
            _again(by_pk.pop(row.pk), f"The mail could not be made: {fault}", now)
            continue
        if envelope is None:
            _end(by_pk.pop(row.pk), State.SKIPPED, now)
        else:
            envelopes.append(envelope)
    trouble = ""
    try:
        for result in door.session().send_many(envelopes):
            _note(by_pk.pop(result.key), result, now)
    except ChannelError as error:
        trouble = error.text or "The mail server does not answer."
    for row in by_pk.values():
        _again(row, trouble, now)
    return not trouble


def _envelope(notice: Notice, organisation: Organisation, now: datetime) -> Envelope | None:
    """The mail, or None when there is nothing to tell any more: decided already, or the person is gone."""
    if not notice.person.is_active:
        return None
    # A mail says times as its reader's clock shows them.
    with timezone.override(zoneinfo.ZoneInfo(notice.person.time_zone)):
        mail = notices.render(notice, now)
    if mail is None:
        return None
    text, html = bodies(mail, organisation)
    to_address = mail.to_address or notice.person.email
    data = door.skeleton(organisation, is_team_mail=True).build(
        to_address=to_address,
        to_name=notice.person.name,
        subject=" ".join(mail.subject.split()),
        text=text,
        html=html,
        message_id=door.message_id(f"notice.{notice.pk}.{notice.attempts}", door.sender_address(organisation)),
        list_unsubscribe_url="",
        date=now,
    )
    return Envelope(door.sender_address(organisation), to_address, data, notice.pk)


def bodies(mail: notices.Mail, organisation: Organisation) -> tuple[str, str]:
    """The text and HTML of a team mail, in the same frame as everything else that leaves."""
    words = [paragraph for paragraph in mail.paragraphs if paragraph]
    text = [*words, *([f"{mail.link_label}: {mail.link}"] if mail.link else [])]
    html = [f'<p style="margin:0 0 12px">{escape(paragraph)}</p>' for paragraph in words]
    if mail.link:
        html.append(
            f'<p style="margin:20px 0"><a href="{escape(mail.link)}" style="background:#0b5d7a;color:#ffffff;'
            f'padding:12px 20px;border-radius:5px;text-decoration:none;font-weight:600">{escape(mail.link_label)}</a></p>'
        )
    if mail.quote_text:
        text.append("----\n" + mail.quote_text)
    if mail.quote_html:
        html.append(f'<div style="border-left:3px solid #c3cad0;padding-left:14px">{mail.quote_html}</div>')
    foot = f"Crisis Comms of {organisation.name}. You get this because of your role."
    page = LAYOUT.format(
        title=escape(mail.subject),
        organisation=escape(organisation.name),
        font=FONT,
        body="\n".join(html),
        foot=escape(foot),
    )
    return "\n\n".join([*text, f"--\n{foot}"]) + "\n", page


def _note(notice: Notice, result: Result, now: datetime) -> None:
    if result.outcome in ("sent", "unknown") and (result.outcome == "sent" or notice.attempts > 1):
        _end(notice, State.SENT, now)
    elif result.outcome == "failed":
        _end(notice, State.FAILED, now, result.text)
    else:
        # Unknown once: telling a colleague twice is better than not at all.
        _again(notice, result.text, now)


def _again(notice: Notice, why: str, now: datetime) -> None:
    if notice.attempts > len(GAPS):
        return _end(notice, State.FAILED, now, why)
    wait = timedelta(seconds=GAPS[notice.attempts - 1])
    Notice.objects.filter(pk=notice.pk, state=State.CLAIMED, attempts=notice.attempts).update(
        state=State.QUEUED, next_attempt_at=now + wait, last_error=why[:300]
    )
    return notices.say_as_well(notice, now)


def _end(notice: Notice, state: str, now: datetime, error: str = "") -> None:
    Notice.objects.filter(pk=notice.pk, state=State.CLAIMED, attempts=notice.attempts).update(
        state=state,
        next_attempt_at=None,
        sent_at=now if state == State.SENT else None,
        last_error=error[:300],
    )
    if state == State.FAILED:
        notices.say_as_well(notice, now)
