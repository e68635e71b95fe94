"""PagerDuty, webhooks version 3: HMAC-SHA256 over the body, several signatures while its secret is rotated.

It tries again for a long time, so an event is not too old after five minutes; its own id keeps replays out.
"""

from typing import Any

from incidents.hooks import protocol
from incidents.hooks.protocol import NEWS, Delivery, Noticed, Protocol, Unproven, Unreadable

SIGNATURE = "X-PagerDuty-Signature"


def _prove(delivery: Delivery) -> None:
    given = [one.strip() for one in delivery.headers.get(SIGNATURE, "").split(",")]
    wanted = [f"v1={protocol.hex_digest(secret, delivery.raw)}" for secret in delivery.secrets]
    if not protocol.is_signed(given[:10], wanted):
        raise Unproven(f"{SIGNATURE} is missing or wrong.")


def _id_of(delivery: Delivery, body: Any) -> str:
    found = protocol.part(body, "event", "id")
    if not isinstance(found, str) or not 0 < len(found) <= 200:
        raise Unreadable("The event has no id.")
    return found


def _read(delivery: Delivery, body: Any) -> list[Noticed]:
    event = protocol.table(protocol.part(body, "event"), "event")
    data = protocol.table(event.get("data"), "event.data")
    at = protocol.moment(event.get("occurred_at"), delivery.now)
    if delivery.now - at > NEWS:
        raise Unproven("It happened more than three days ago: a replay.")
    if not str(event.get("event_type")).startswith("incident.") or data.get("type") != "incident":
        # A ping, a note, a change of a service: proven, and nothing that was noticed.
        return []
    return [
        Noticed(
            title=protocol.line(data.get("title")) or "An incident without a title",
            same=f"incident:{data.get('id')}",
            at=at,
            is_over=event["event_type"] == "incident.resolved" or data.get("status") == "resolved",
            link=protocol.address(data.get("html_url")),
            values=protocol.values(
                {
                    "urgency": data.get("urgency"),
                    "priority": protocol.part(data, "priority", "summary"),
                    "service": protocol.part(data, "service", "summary"),
                }
            ),
        )
    ]


PROTOCOL = Protocol(_prove, _id_of, _read, makes_secret=False)
