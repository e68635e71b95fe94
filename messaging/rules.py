"""What may stand in the policy of approvals."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from crisiscomms import policy
from crisiscomms.models import Role
from crisiscomms.policy import Rules
from incidents.models import Incident
from incidents.rules import Line, known_roles
from messaging.models import Message

ANY = "any"


class Stage(Rules):
    label: Line
    roles: Annotated[list[str], Field(min_length=1, max_length=10)]
    quorum: Literal["any", "all"]
    minutes: Annotated[int, Field(ge=1, le=60 * 24 * 7)]
    escalate_to_role: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> "Stage":
        known_roles(self.roles)
        known_roles([self.escalate_to_role] if self.escalate_to_role else [])
        if Role.SALES in self.roles or self.escalate_to_role == Role.SALES:
            raise ValueError("sales sees no drafts, so it cannot approve")
        return self


class Rule(Rules):
    name: Line
    severity: str
    kind: str
    message_kind: str
    stages: Annotated[list[Stage], Field(min_length=1, max_length=10)]

    @model_validator(mode="after")
    def _fits(self) -> "Rule":
        for name, wanted in (
            ("severity", Incident.Severity.values),
            ("kind", Incident.Kind.values),
            ("message_kind", Message.Kind.values),
        ):
            if getattr(self, name) not in (ANY, *wanted):
                raise ValueError(f"{name} has to be any or one of: {', '.join(wanted)}")
        return self


class Settings(Rules):
    four_eyes: bool
    expires_hours: Annotated[int, Field(ge=1, le=24 * 30)]
    count_drift_percent: Annotated[int, Field(ge=0, le=50)]
    fresh_code_for_severities: list[str]
    show_content_without_proof: bool
    hold_seconds: Annotated[int, Field(ge=0, le=3600)]
    code_minutes: Annotated[int, Field(ge=1, le=60)]
    codes_per_hour: Annotated[int, Field(ge=1, le=20)]

    @model_validator(mode="after")
    def _fits(self) -> "Settings":
        for severity in self.fresh_code_for_severities:
            if severity not in Incident.Severity.values:
                raise ValueError(f"“{severity}” is not a severity")
        return self


class MessagingRules(Rules):
    rules: Annotated[list[Rule], Field(min_length=1, max_length=50)]
    settings: Settings

    @model_validator(mode="after")
    def _whole(self) -> "MessagingRules":
        last = self.rules[-1]
        if not last.severity == last.kind == last.message_kind == ANY:
            raise ValueError(
                "the last of the rules has to match everything (any, any, any), so that no message is stuck"
            )
        return self


policy.describe(
    policy.Description(
        "messaging",
        "Approvals",
        "Who approves what, in which order and how fast, and how they prove who they are.",
        MessagingRules,
        is_control=True,
    )
)
