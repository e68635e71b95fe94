"""Sentry’s integrations: HMAC-SHA256 over the body. Its other headers are not signed, so they only name and date.

A delivery is known by the digest of what was signed: with another Request-ID a replay is still a replay.
"""

import hashlib
from datetime import timedelta
from typing import Any

from incidents.hooks import protocol
from incidents.hooks.protocol import NEWS, Delivery, Noticed, Protocol, Unproven

SIGNATURE, MOMENT, RESOURCE = "Sentry-Hook-Signature", "Sentry-Hook-Timestamp", "Sentry-Hook-Resource"
OVER = {"resolved", "archived", "ignored"}
# Sentry writes down when an issue was last seen a little after it told of the event.
COUNTED_LATER = timedelta(minutes=1)
NEW = {"created", "unresolved", "triggered", "critical", "warning"}


def _prove(delivery: Delivery) -> None:
    wanted = [protocol.hex_digest(secret, delivery.raw) for secret in delivery.secrets]
    if not protocol.is_signed([delivery.headers.get(SIGNATURE, "")], wanted):
        raise Unproven(f"{SIGNATURE} is missing or wrong.")
    sent = delivery.headers.get(MOMENT)
    if sent is None:
        return
    at = protocol.from_seconds(sent)
    if at is None or not protocol.is_fresh(at, delivery.now):
        raise Unproven(f"{MOMENT} is more than five minutes away from now.")


def _id_of(delivery: Delivery, body: Any) -> str:
    return hashlib.sha256(delivery.raw).hexdigest()


def _read(delivery: Delivery, body: Any) -> list[Noticed]:
    body = protocol.table(body, "The body")
    read = READERS.get(delivery.headers.get(RESOURCE, ""))
    action = body.get("action")
    if read is None or action not in NEW | OVER:
        # An installation, a comment, an assignment: proven, and nothing that was noticed.
        return []
    found = read(protocol.table(body.get("data"), "data"), action in OVER, delivery)
    if delivery.now - found.at > NEWS:
        raise Unproven("It happened more than three days ago: a replay.")
    return [found]


def _issue(data: dict[str, Any], is_over: bool, delivery: Delivery) -> Noticed:
    issue = protocol.table(data.get("issue"), "data.issue")
    last_seen = protocol.moment(issue.get("lastSeen"), delivery.now)
    return Noticed(
        title=protocol.line(issue.get("title")) or "An issue without a title",
        same=f"issue:{issue.get('id')}",
        # When it was last seen says when it began again, not when it was resolved.
        at=delivery.now if is_over else last_seen,
        # What was seen after that, Sentry did not know of when it said this; the header’s moment anybody can write.
        knew_until=min(last_seen + COUNTED_LATER, delivery.now) if is_over else last_seen,
        is_over=is_over,
        text=protocol.line(issue.get("culprit"), 4000),
        link=protocol.address(issue.get("web_url") or issue.get("permalink")),
        values=protocol.values(
            {
                "level": issue.get("level"),
                "project": protocol.part(issue, "project", "name"),
                "events": issue.get("count"),
                "users_affected": issue.get("userCount"),
            }
        ),
    )


def _event(data: dict[str, Any], is_over: bool, delivery: Delivery) -> Noticed:
    event = protocol.table(data.get("event") or data.get("error"), "data.event")
    return Noticed(
        title=protocol.line(event.get("title")) or "An event without a title",
        same=f"issue:{event.get('issue_id') or event.get('event_id')}",
        at=protocol.moment(event.get("datetime"), delivery.now),
        is_over=is_over,
        text=protocol.line(event.get("culprit"), 4000),
        link=protocol.address(event.get("web_url")),
        values=protocol.values(
            {"level": event.get("level"), "rule": data.get("triggered_rule"), "environment": event.get("environment")}
        ),
    )


def _metric(data: dict[str, Any], is_over: bool, delivery: Delivery) -> Noticed:
    alert = protocol.table(data.get("metric_alert"), "data.metric_alert")
    began = alert.get("date_started")
    return Noticed(
        title=protocol.line(data.get("description_title") or alert.get("title")) or "A metric alert without a title",
        same=f"metric:{alert.get('identifier') or alert.get('id')}",
        at=protocol.moment(alert.get("date_closed"), delivery.now) if is_over else _not_old(began, delivery),
        is_over=is_over,
        text=protocol.line(data.get("description_text"), 4000),
        link=protocol.address(data.get("web_url")),
        values=protocol.values({"rule": protocol.part(alert, "alert_rule", "name")}),
    )


def _not_old(began: Any, delivery: Delivery) -> Any:
    """An alert may have begun days ago and turn critical only now."""
    at = protocol.moment(began, delivery.now)
    return at if delivery.now - at <= NEWS else delivery.now


READERS = {"issue": _issue, "event_alert": _event, "error": _event, "metric_alert": _metric}
PROTOCOL = Protocol(_prove, _id_of, _read, makes_secret=False)
