"""Knocking at /hooks/ as each source does, with its proofs made here, not by the code that checks them."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from django.test import Client
from django.urls import reverse

from incidents import actions
from incidents.actions.signal_sources import Shown
from incidents.models import Signal
from incidents.noticing import judging
from tests.conftest import NOW

SAMPLES = Path(__file__).resolve().parent.parent / "data" / "signals"
SECRET = "a-secret-that-the-other-side-showed"


def sample(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return data


def make_source(by: Any, kind: str, **fields: Any) -> Shown:
    shown = actions.create_source(name=fields.pop("name", kind), kind=kind, by=by, now=NOW, **fields)
    if kind in ("pagerduty", "sentry"):
        actions.set_source_secret(source_id=shown.source.pk, secret=SECRET, by=by, now=NOW)
    return shown


def secret_of(shown: Shown) -> str:
    return shown.secret or SECRET


def hmac_hex(secret: str, raw: bytes) -> str:
    return hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def proof(shown: Shown, raw: bytes, *, secret: str = "", now: Any = NOW, delivery_id: str = "msg_1", **_: Any) -> dict:
    """The headers that prove it. `secret` is another one than was shown."""
    secret, kind = secret or secret_of(shown), shown.source.kind
    if kind == "alertmanager":
        return {"Authorization": f"Bearer {secret}"} if shown.secret else {}
    if kind == "pagerduty":
        return {"X-PagerDuty-Signature": f"v1={hmac_hex(secret, raw)}"}
    if kind == "sentry":
        return {
            "Sentry-Hook-Signature": hmac_hex(secret, raw),
            "Sentry-Hook-Timestamp": str(int(now.timestamp())),
            "Sentry-Hook-Resource": "issue",
            "Request-ID": delivery_id,
        }
    moment = str(int(now.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{delivery_id}.{moment}.".encode() + raw, hashlib.sha256).digest()
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": moment,
        "webhook-signature": "v1," + base64.b64encode(signed).decode(),
    }


BODIES = {"alertmanager": "alertmanager", "pagerduty": "pagerduty", "sentry": "sentry-issue", "generic": "generic"}


def knock(shown: Shown, body: Any = None, *, headers: dict | None = None, key: str = "", **fields: Any) -> Any:
    """One delivery. `headers` stand over the right ones; None takes one away."""
    kind = shown.source.kind
    raw = body if isinstance(body, bytes) else json.dumps(body or sample(BODIES[kind])).encode()
    sent = proof(shown, raw, **fields) | (headers or {})
    url = reverse("incidents:hook", args=[fields.get("kind", kind), key or shown.key])
    given = {name: value for name, value in sent.items() if value is not None}
    return Client().generic("POST", url, raw, content_type="application/json", headers=given)


def judge(now: Any = NOW) -> int:
    return judging.judge_due(now=now)


def alert(status: str = "firing", **labels: Any) -> dict[str, Any]:
    """An Alertmanager delivery with one alert of these labels; what is in capitals says about the alert itself."""
    about = {"startsAt": "2026-11-17T13:02:11Z", "endsAt": "0001-01-01T00:00:00Z"}
    about |= {name: labels.pop(name) for name in ("startsAt", "endsAt", "fingerprint") if name in labels}
    one = {"status": status, "labels": {"alertname": "Errors", **labels}, "annotations": {}, **about}
    return {"version": "4", "status": status, "alerts": [one]}


def only() -> Signal:
    return Signal.objects.get()
