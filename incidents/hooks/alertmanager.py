"""Prometheus Alertmanager, webhook version 4. It signs nothing: the key in the address proves it, and a bearer if set.

It has no ids and no clock: it says again and again what still goes on. So a repeat is counted, never refused.
"""

import json
from typing import Any

from incidents.hooks import protocol
from incidents.hooks.protocol import Delivery, Noticed, Protocol, Unproven, Unreadable


def _prove(delivery: Delivery) -> None:
    scheme, _, token = delivery.headers.get("Authorization", "").partition(" ")
    if delivery.secrets and not (scheme.lower() == "bearer" and protocol.is_signed([token.strip()], delivery.secrets)):
        raise Unproven("The bearer token is missing or wrong.")


def _read(delivery: Delivery, body: Any) -> list[Noticed]:
    body = protocol.table(body, "The body")
    alerts = body.get("alerts")
    if body.get("version") != "4" or not isinstance(alerts, list):
        raise Unreadable("This is no Alertmanager webhook of version 4.")
    if len(alerts) > protocol.MOST_AT_ONCE:
        raise Unreadable(f"More than {protocol.MOST_AT_ONCE} alerts at once. Set max_alerts in the receiver.")
    return [_alert(delivery, protocol.table(alert, "An alert")) for alert in alerts]


def _alert(delivery: Delivery, alert: dict[str, Any]) -> Noticed:
    labels = protocol.table(alert.get("labels") or {}, "labels")
    notes = protocol.table(alert.get("annotations") or {}, "annotations")
    if alert.get("status") not in ("firing", "resolved"):
        raise Unreadable("The status of an alert is firing or resolved.")
    is_over = alert["status"] == "resolved"
    same = alert.get("fingerprint")
    title = notes.get("summary") or notes.get("title") or labels.get("alertname")
    return Noticed(
        title=protocol.line(title) or "An alert without a name",
        same=same if isinstance(same, str) and same else json.dumps(labels, sort_keys=True),
        at=protocol.moment(alert.get("endsAt" if is_over else "startsAt"), delivery.now),
        is_over=is_over,
        text=str(notes.get("description") or "")[:4000],
        link=protocol.address(alert.get("generatorURL")),
        values=protocol.values(labels, _facts(notes)),
    )


def _facts(notes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in notes.items() if name not in ("summary", "title", "description")}


PROTOCOL = Protocol(_prove, lambda delivery, body: "", _read, makes_secret=True, needs_secret=False)
