"""Our own JSON, signed as Standard Webhooks are: `webhook-id`, `webhook-timestamp`, and `webhook-signature` over
`id.timestamp.body`. Twenty lines of ours, so no library for them.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Any

from incidents.hooks import protocol
from incidents.hooks.protocol import Delivery, Noticed, Protocol, Unproven, Unreadable

PREFIX = "whsec_"
ID, MOMENT, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
FIELDS = {"title", "status", "happened_at", "fingerprint", "text", "link", "values", "components"}


def signature(secret: str, delivery_id: str, moment: str, raw: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = secret.encode()
    signed = b".".join([delivery_id.encode(), moment.encode(), raw])
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _prove(delivery: Delivery) -> None:
    delivery_id, sent = delivery.headers.get(ID, ""), delivery.headers.get(MOMENT, "")
    at = protocol.from_seconds(sent)
    if not 0 < len(delivery_id) <= 200 or at is None:
        raise Unproven(f"{ID} or {MOMENT} is missing.")
    wanted = [signature(secret, delivery_id, sent, delivery.raw) for secret in delivery.secrets]
    if not protocol.is_signed(delivery.headers.get(SIGNATURE, "").split()[:10], wanted):
        raise Unproven(f"{SIGNATURE} is missing or wrong.")
    if not protocol.is_fresh(at, delivery.now):
        raise Unproven(f"{MOMENT} is more than five minutes away from now.")


def _read(delivery: Delivery, body: Any) -> list[Noticed]:
    body = protocol.table(body, "The body")
    unknown = sorted(set(body) - FIELDS)
    if unknown:
        raise Unreadable(f"There is no field of the name {protocol.line(unknown[0], 40)!r}.")
    title = protocol.line(body.get("title"))
    if not title:
        raise Unreadable("title is missing.")
    if body.get("status", "firing") not in ("firing", "resolved"):
        raise Unreadable("status is firing or resolved.")
    given = protocol.table(body.get("values", {}), "values")
    parts = body.get("components", [])
    if not isinstance(parts, list) or not all(isinstance(one, str) for one in parts):
        raise Unreadable("components is a list of names.")
    same = body.get("fingerprint")
    return [
        Noticed(
            title=title,
            same=same if isinstance(same, str) and same else title.casefold(),
            at=protocol.moment(body.get("happened_at"), delivery.now),
            is_over=body.get("status") == "resolved",
            text=str(body.get("text") or "")[:4000],
            link=protocol.address(body.get("link")),
            values=protocol.values(given, {"components": ", ".join(parts)} if parts else {}),
        )
    ]


PROTOCOL = Protocol(_prove, lambda delivery, body: delivery.headers[ID], _read, makes_secret=True)
