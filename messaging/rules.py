"""What may stand in the policy of approvals."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from crisiscomms import policy
from crisiscomms.models import Role
from crisiscomms.policy import OneOf, RoleName, Rules, says
from incidents.models import Incident
from incidents.rules import Line, known_roles
from messaging.models import Message

ANY = "any"
ANYTHING = (ANY, "Any")


class Stage(Rules):
    label: Line = says("Name of the stage", "As approvers read it.")
    roles: Annotated[list[RoleName], Field(min_length=1, max_length=10)] = says(
        "Who is asked", "People with these roles."
    )
    quorum: Annotated[
        Literal["any", "all"], OneOf(lambda: [("any", "One person is enough"), ("all", "One person for each role")])
    ] = says("How many have to say yes", "For the stage to be done.")
    minutes: Annotated[int, Field(ge=1, le=60 * 24 * 7)] = says(
        "Time to answer (minutes)", "Then the deputy is asked, then the role below."
    )
    escalate_to_role: RoleName | None = Field(
        None, title="Asked when time is up", description="Empty: nobody but the deputy."
    )

    @model_validator(mode="after")
    def _fits(self) -> "Stage":
        known_roles(self.roles)
        known_roles([self.escalate_to_role] if self.escalate_to_role else [])
        if Role.SALES in self.roles or self.escalate_to_role == Role.SALES:
            raise ValueError("sales sees no drafts, so it cannot approve")
        return self


class Rule(Rules):
    name: Line = says("Name of the rule", "For whoever reads this page.")
    severity: Annotated[str, OneOf(lambda: [ANYTHING, *Incident.Severity.choices])] = says("Severity", "It matches.")
    kind: Annotated[str, OneOf(lambda: [ANYTHING, *Incident.Kind.choices])] = says("Kind of incident", "It matches.")
    message_kind: Annotated[str, OneOf(lambda: [ANYTHING, *Message.Kind.choices])] = says(
        "Kind of message", "It matches."
    )
    stages: Annotated[list[Stage], Field(min_length=1, max_length=10)] = says("Stages", "One after the other.")

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
    four_eyes: bool = says("Four eyes", "Nobody approves what they wrote or submitted.")
    expires_hours: Annotated[int, Field(ge=1, le=24 * 30)] = says(
        "A request ends after (hours)", "Unanswered links stop working then."
    )
    count_drift_percent: Annotated[int, Field(ge=0, le=50)] = says(
        "Recipients may change by (percent)", "More added or lost since the approval: it is asked for again."
    )
    fresh_code_for_severities: list[Annotated[str, OneOf(lambda: Incident.Severity.choices)]] = says(
        "A fresh code is needed for", "Here a decision also needs a code that was mailed at that moment."
    )
    show_content_without_proof: bool = says("The link alone shows the text", "Deciding is another step, with proof.")
    hold_seconds: Annotated[int, Field(ge=0, le=3600)] = says(
        "A sent message can be taken back for (seconds)", "Nothing leaves before this is over."
    )
    code_minutes: Annotated[int, Field(ge=1, le=60)] = says(
        "A code is valid for (minutes)", "Then a new one is asked for."
    )
    codes_per_hour: Annotated[int, Field(ge=1, le=20)] = says("Codes in an hour", "How many one approver can ask for.")

    @model_validator(mode="after")
    def _fits(self) -> "Settings":
        for severity in self.fresh_code_for_severities:
            if severity not in Incident.Severity.values:
                raise ValueError(f"“{severity}” is not a severity")
        return self


class MessagingRules(Rules):
    rules: Annotated[list[Rule], Field(min_length=1, max_length=50)] = says(
        "Who approves what", "The first rule that matches wins. Any matches everything."
    )
    settings: Settings = says("Settings", "They count for every rule.")

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
