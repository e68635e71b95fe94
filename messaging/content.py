"""The shape of what a message says, to whom and by which channels; and its fingerprint.

Working texts and frozen versions hold the same shape. Whatever stands in it is covered by an approval.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from crisiscomms.organisation import get_organisation
from incidents.models import ComponentState, Incident
from stakeholders.models import Account
from stakeholders.recipients import Rule

CHANNELS = {"email": "E-mail", "status": "Status page", "portal": "Sales portal"}
PARTS = {
    "recognize": "Recognize: what happened to you",
    "respond": "Respond: what we are doing, what you can do",
    "rebuild": "Rebuild: what comes next",
}
LIMITS = {
    "subject": 200,
    "recognize": 8_000,
    "respond": 8_000,
    "rebuild": 8_000,
    "public_title": 160,
    "public_body": 8_000,
    "missing_reason": 500,
}
LINE_LIMIT = 600
LINES_LIMIT = 30


@dataclass
class Content:
    subject: str = ""
    recognize: str = ""
    respond: str = ""
    rebuild: str = ""
    public_title: str = ""
    public_body: str = ""
    say: list[str] = field(default_factory=list)
    dont_say: list[dict[str, str]] = field(default_factory=list)
    channels: list[str] = field(default_factory=lambda: list(CHANNELS))
    kinds: list[str] = field(default_factory=lambda: [str(Account.Kind.CUSTOMER)])
    tiers: list[int] = field(default_factory=lambda: [1, 2, 3])
    affected_only: bool = True
    # ISO 8601 with offset, or None where no next update is promised.
    next_update_at: str | None = None
    missing_reason: str = ""
    # What the incident was when the version was frozen (facts_of): the text says this, whatever happens later.
    # Empty while a text is being written: then the fields show the incident as it is.
    facts: dict[str, Any] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "Content":
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        return cls(**known)

    @property
    def next_update(self) -> datetime | None:
        return datetime.fromisoformat(self.next_update_at) if self.next_update_at else None

    def missing_parts(self) -> list[str]:
        return [name for name in PARTS if not getattr(self, name).strip()]

    def rule_for(self, incident: Incident) -> Rule:
        affected = tuple(self.facts["affected"]) if self.facts else affected_products(incident)
        return Rule(tuple(self.kinds), tuple(self.tiers), self.affected_only, affected)


def affected_products(incident: Incident) -> tuple[str, ...]:
    """Names of the products with a component that this incident has touched, in order."""
    names = ComponentState.objects.filter(incident=incident).values_list("component__product__name", flat=True)
    return tuple(sorted(set(names)))


def facts_of(incident: Incident) -> dict[str, Any]:
    """What the fields about the incident say now, and which products its recipients are chosen by."""
    states = ComponentState.objects.filter(incident=incident).order_by(
        "component__product__position", "component__name"
    )
    organisation = get_organisation()
    return {
        "incident": incident.ref,
        "what_happened": incident.title,
        "components": list(dict.fromkeys(states.values_list("component__name", flat=True))),
        "affected": list(affected_products(incident)),
        "began_at": incident.began_at.isoformat(),
        "organisation": organisation.name,
        "support": organisation.support_text or organisation.reply_to or "our support",
        # All that are known, for a draft; a version keeps those that its text uses (messaging/facts.py).
        "facts": {
            fact.key: {"id": fact.pk, "label": fact.label, "value": fact.value, "confidence": fact.confidence}
            for fact in incident.facts.known()  # type: ignore[attr-defined]
        },
    }


def fingerprint(content: Content, *, incident_id: int, template_version_id: int | None) -> str:
    """SHA-256 over everything an approval binds to, in canonical JSON."""
    whole = {"content": content.as_data(), "incident": incident_id, "template_version": template_version_id}
    canonical = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
