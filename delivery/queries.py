"""What the send plan shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crisiscomms import policy
from crisiscomms.models import User
from delivery import authority
from delivery.models import Dispatch, Notification, Tally
from incidents.models import Incident
from messaging.content import Content
from messaging.models import Message
from messaging.queries import preview
from stakeholders import recipients
from stakeholders.models import Account

TROUBLE = [Notification.State.FAILED, Notification.State.UNKNOWN, Notification.State.BOUNCED]


@dataclass(frozen=True)
class Channel:
    dispatch: Dispatch
    tally: Tally
    names: list[tuple[str, int]]


def channels_of(message: Message) -> list[Channel]:
    """The newest dispatch of each channel with its kept counts."""
    found: dict[str, Channel] = {}
    dispatches = Dispatch.objects.filter(message=message).select_related("tally", "ordered_by").order_by("pk")
    for dispatch in dispatches:
        found[dispatch.channel] = Channel(dispatch, dispatch.tally, _counts(dispatch.tally))
    order = {"email": 0, "status": 1, "portal": 2}
    return sorted(found.values(), key=lambda channel: order[channel.dispatch.channel])


def _counts(tally: Tally) -> list[tuple[str, int]]:
    """The reconciliation in words: every planned person stands in exactly one line."""
    lines = [
        ("Handed over", tally.reached),
        ("Waiting", tally.queued + tally.claimed),
        ("Tried again later", tally.retry),
        ("Failed", tally.failed),
        ("No answer", tally.unknown),
        ("Bounced", tally.bounced),
        ("Left out", tally.skipped),
        ("Cancelled", tally.cancelled),
    ]
    return [(name, count) for name, count in lines if count or name in ("Handed over", "Failed")]


def failures(dispatch: Dispatch, limit: int = 50) -> list[Notification]:
    return list(
        dispatch.notifications.filter(state__in=TROUBLE).select_related("contact").order_by("tier", "pk")[:limit]
    )


def account_names(rows: list[Notification]) -> dict[int, str]:
    ids = {account for row in rows for account in row.accounts[:1]}
    return dict(Account.objects.filter(pk__in=ids).values_list("pk", "name"))


def left_out(dispatch: Dispatch, limit: int = 50) -> list[Notification]:
    skipped = dispatch.notifications.filter(state=Notification.State.SKIPPED)
    return list(skipped.select_related("contact").order_by("pk")[:limit])


def plan_for(message: Message, by: User, now: datetime) -> dict[str, Any]:
    """Before the press by this person: whom it would reach now beside what was approved, and why it may not go."""
    request = message.approval
    if request is None:
        return {}
    content = Content.from_data(request.version.content)
    rule = content.rule_for(message.incident)
    reach = recipients.reach_shown(rule) if "email" in content.channels else recipients.Reach(0, 0)
    draft = Dispatch(
        incident=message.incident,
        message=message,
        version=request.version,
        request=request,
        channel="email",
        content=content.as_data(),
        fingerprint=request.version.fingerprint,
        ordered_by=by,
    )
    return {
        "request": request,
        "content": content,
        "subject": preview(message, content).subject,
        "rule": rule.sentence(),
        "reach": reach,
        "approved": request.reach["contacts"],
        "accounts": recipients.account_names(rule),
        "hold_seconds": policy.current("messaging")["settings"]["hold_seconds"],
        "why_not": authority.why_not(draft, now),
    }


def is_under_way(channels: list[Channel]) -> bool:
    """Whether anything still moves by itself: the page polls only then."""
    moving = (Dispatch.State.HELD, Dispatch.State.LOCKED, Dispatch.State.RUNNING)
    return any(channel.dispatch.state in moving for channel in channels)


def rows_for_export(dispatch: Dispatch) -> Iterator[list[str]]:
    """Every recipient of a dispatch with what became of it; cells are defused by the caller."""
    yield ["address", "account", "tier", "state", "reason", "attempts", "possibly twice", "ended at (UTC)"]
    for row in dispatch.notifications.order_by("tier", "pk").iterator(chunk_size=2000):
        ended = _utc(row.ended_at)
        twice = "yes" if row.possibly_twice else ""
        yield [
            row.merge.get("email", "(erased)"),
            row.merge.get("account", ""),
            str(row.tier),
            row.get_state_display(),
            row.reason,
            str(row.attempts),
            twice,
            ended,
        ]


def _utc(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def resolved_message_went_out(incident: Incident) -> bool:
    """The newest resolved message has left by all its channels; one that was stopped half-way has not."""
    newest = Message.objects.filter(incident=incident, kind=Message.Kind.RESOLVED, state=Message.State.SENT)
    last = newest.order_by("-number").first()
    if last is None:
        return False
    states = set(last.dispatches.exclude(state=Dispatch.State.TAKEN_BACK).values_list("state", flat=True))
    return bool(states) and states <= {Dispatch.State.DONE, Dispatch.State.RUNNING, Dispatch.State.LOCKED}
