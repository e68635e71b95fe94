"""What deliveries hold about people outside, and how it is forgotten: after its time, or because a person asks.

The row stays, with its state, tier and accounts: the kept counts and "who was told" of an account still add up. The
address becomes a keyed digest, the merge data and every address in a server's words go.
"""

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from crisiscomms import personal, retention
from delivery.models import DeliveryAttempt, Dispatch, Notification
from delivery.models.notifications import NAMED

ENDED = [Dispatch.State.DONE, Dispatch.State.STOPPED, Dispatch.State.TAKEN_BACK]
REDACT_ROWS = f"""
    UPDATE delivery_notification n SET address = r.digest, merge = '{{}}',
        reason = regexp_replace(n.reason, '{NAMED}', '[address]', 'g')
    FROM unnest(%(ids)s::bigint[], %(digests)s::varchar[]) AS r(id, digest) WHERE n.id = r.id
"""
REDACT_TRIES = f"""
    UPDATE delivery_deliveryattempt SET text = regexp_replace(text, '{NAMED}', '[address]', 'g')
    WHERE notification_id = ANY(%(ids)s::bigint[]) AND text ~ '{NAMED}'
"""


def forget(rows: list[tuple[int, str]]) -> int:
    """Forget whom these rows (key, address) were for. Safe to repeat."""
    values = {"ids": [pk for pk, _ in rows], "digests": [_digest(address) for _, address in rows]}
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(REDACT_TRIES, values)
            cursor.execute(REDACT_ROWS, values)
    return len(rows)


def _digest(address: str) -> str:
    return address if address.startswith("erased:") else personal.digest(address)


# After its time


def _over(before: datetime) -> QuerySet[Dispatch]:
    """Sends of incidents that were closed before that moment, and whose recipients are still known."""
    over = Dispatch.objects.filter(channel=Dispatch.Channel.EMAIL, state__in=ENDED, recipients_forgotten_at=None)
    return over.filter(incident__phase="closed", incident__closed_at__lt=before)


def _due(before: datetime) -> int:
    return Notification.objects.filter(dispatch__in=_over(before)).exclude(merge={}).count()


def _forget_some(before: datetime, now: datetime, limit: int) -> int:
    for pk in _over(before).order_by("pk").values_list("pk", flat=True)[:200]:
        known = Notification.objects.filter(dispatch=pk).exclude(merge={}).order_by("pk")
        rows = list(known.values_list("pk", "address")[:limit])
        if rows:
            return forget(rows)
        Dispatch.objects.filter(pk=pk).update(recipients_forgotten_at=now)
    return 0


retention.register(retention.Rule("notifications", "Recipients of closed incidents", _due, _forget_some))


# Because a person asks


def _of(person: personal.Person) -> QuerySet[Notification]:
    """By address and by key: an address may have been another one when the mail went out."""
    about = Q(address=person.address) | Q(address=personal.digest(person.address))
    return Notification.objects.filter(about | Q(contact=person.contact_id) if person.contact_id else about)


def _held(person: personal.Person) -> list[dict[str, Any]]:
    rows = list(_of(person).select_related("dispatch__incident", "dispatch__message").order_by("pk"))
    tries: dict[int, list[dict[str, Any]]] = {}
    for one in DeliveryAttempt.objects.filter(notification__in=rows).order_by("pk"):
        tries.setdefault(one.notification_id, []).append(
            {"at": one.at.isoformat(), "outcome": one.get_outcome_display(), "code": one.code, "answer": one.text}
        )
    return [
        {
            "incident": row.dispatch.incident.ref,
            "message": row.dispatch.message.name,
            "address": row.address,
            "state": row.get_state_display(),
            "reason": row.reason,
            "ended_at": row.ended_at and row.ended_at.isoformat(),
            "data_used": row.merge,
            "tries": tries.get(row.pk, []),
        }
        for row in rows
    ]


def _busy(person: personal.Person) -> str:
    """A mail to them that may still leave: on hold, locked, running, or stopped and to be resumed."""
    waiting = [Notification.State.QUEUED, Notification.State.CLAIMED, Notification.State.RETRY]
    under_way = _of(person).filter(Q(dispatch__in=Dispatch.objects.under_way()) | Q(state__in=waiting))
    found = under_way.select_related("dispatch__incident", "dispatch__message").first()
    if found is None:
        return ""
    name = f"{found.dispatch.message.name} of {found.dispatch.incident.ref}"
    return f"{name} is on its way to this person. Wait until it is done, or take it back, and press again."


def _erase(person: personal.Person, _now: datetime) -> int:
    return forget(list(_of(person).exclude(merge={}).values_list("pk", "address")))


personal.register(
    personal.Holder(
        "mails",
        "Mails",
        _held,
        _erase,
        "Their address and name in every mail that went to them, and in the server’s answers.",
        "That one mail went to one person of the account, when, and what became of it. The counts still add up.",
        _busy,
    )
)
