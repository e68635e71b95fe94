"""Loading what the product ships: policies, starter templates, the recovery plan. Never over a company's own."""

from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.db import transaction

from crisiscomms import policy
from incidents.actions import load_threshold_rules, write_playbook
from incidents.playbooks import newest
from incidents.playbooks.starters import shipped as shipped_playbooks
from messaging.content import Content
from messaging.models import Template, TemplateVersion
from recovery.actions import shipped_plan

# Key of the policy, the house that owns it, and its file in the house's data.
POLICIES = (
    ("incidents", "incidents", "policy.yaml"),
    ("decisions", "incidents", "decisions.yaml"),
    ("clocks", "incidents", "clocks.yaml"),
    ("facts", "incidents", "facts.yaml"),
    ("ownership", "incidents", "ownership.yaml"),
    ("documents", "incidents", "documents.yaml"),
    ("stakeholders", "stakeholders", "policy.yaml"),
    ("messaging", "messaging", "policy.yaml"),
    ("delivery", "delivery", "policy.yaml"),
    ("outward", "incidents", "outward.yaml"),
    ("retention", "crisiscomms", "retention.yaml"),
)


def _read(house: str, name: str) -> Any:
    return yaml.safe_load((Path(settings.BASE_DIR) / house / "data" / name).read_text(encoding="utf-8"))


def _sign_in() -> dict[str, Any]:
    """A newcomer's machine asks nobody for a second factor until a policy says so."""
    shipped: dict[str, Any] = _read("crisiscomms", "sign_in.yaml")
    return {**shipped, "second_factor_roles": []} if settings.LOCAL else shipped


@transaction.atomic
def load(*, now: datetime, with_playbooks: bool = True) -> dict[str, int]:
    """Load what is missing; safe to repeat. Returns how many of each kind were new."""
    new = sum(policy.load_default(key=key, data=_read(house, file), now=now) for key, house, file in POLICIES)
    new += policy.load_default(key="recovery", data=shipped_plan(), now=now)
    new += policy.load_default(key="sign_in", data=_sign_in(), now=now)
    templates = sum(_template(item, now) for item in _read("messaging", "templates.yaml")["templates"])
    thresholds = load_threshold_rules(_read("incidents", "thresholds.yaml")["rules"], now=now)
    plans = load_playbooks(now=now) if with_playbooks else 0
    return {"policies": new, "templates": templates, "thresholds": thresholds, "playbooks": plans}


@transaction.atomic
def load_playbooks(*, now: datetime) -> int:
    """The shipped response plans, where a company has none of its own. Returns how many were new."""
    missing = [(kind, severity) for kind, severity in shipped_playbooks() if newest(kind, severity) is None]
    for kind, severity in missing:
        write_playbook(
            kind=kind, severity=severity, sections=shipped_playbooks()[kind, severity], base=0,
            reason="Shipped with the product", by=None, now=now,
        )  # fmt: skip
    return len(missing)


def _template(item: dict[str, Any], now: datetime) -> bool:
    """A template of ours whose text changed gets a new version; the old ones stay with what was made from them."""
    template, _ = Template.objects.update_or_create(
        key=item["key"],
        defaults={
            "name": item["name"],
            "description": item["description"],
            "incident_kind": item["kind"],
            "message_kind": item["message_kind"],
            "pre_approved": item["pre_approved"],
            "next_update_minutes": item["next_update_minutes"],
        },
    )
    content = Content.from_data({key: item[key] for key in item if key in Content.__dataclass_fields__}).as_data()
    last = template.versions.order_by("-number").first()
    if last is not None and last.content == content:
        return False
    TemplateVersion.objects.create(template=template, number=last.number + 1 if last else 1, content=content, at=now)
    return True
