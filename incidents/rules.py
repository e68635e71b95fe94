"""What may stand in the policy of incidents."""

from typing import Annotated

from pydantic import Field, model_validator

from crisiscomms import policy
from crisiscomms.models import Role
from crisiscomms.policy import Rules
from incidents import criteria
from incidents.models import Incident

Line = Annotated[str, Field(min_length=1, max_length=300)]
Minutes = Annotated[int, Field(ge=1, le=60 * 24 * 30)]
WORDS = ("owner", "deputy")


def known_roles(roles: list[str], *, also: tuple[str, ...] = ()) -> None:
    """Raises ValueError for the first word that is no role."""
    for role in roles:
        if role not in Role.values and role not in also:
            raise ValueError(f"“{role}” is not a role. Roles are: {', '.join([*also, *Role.values])}")


class Severity(Rules):
    label: Line
    description: Line
    acknowledge_minutes: Minutes
    acknowledge_hard_limit_minutes: Minutes
    first_detailed_update_minutes: Minutes
    cadence_minutes: Minutes
    cadence_remind_minutes: Minutes | None
    comprehensive_explanation_days: Annotated[int, Field(ge=1, le=90)]
    warn_minutes_before: Annotated[int, Field(ge=0, le=1440)]
    told_at_declaration: list[str]

    @model_validator(mode="after")
    def _fits(self) -> "Severity":
        known_roles(self.told_at_declaration)
        if self.acknowledge_minutes > self.acknowledge_hard_limit_minutes:
            raise ValueError("acknowledge_minutes is past the hard limit")
        if self.warn_minutes_before >= min(self.acknowledge_minutes, self.cadence_minutes):
            raise ValueError("warn_minutes_before has to be shorter than what it warns of")
        if self.cadence_remind_minutes is not None and self.cadence_remind_minutes >= self.cadence_minutes:
            raise ValueError("cadence_remind_minutes has to be shorter than cadence_minutes")
        return self


class Step(Rules):
    minutes: Annotated[int, Field(ge=0, le=60 * 24 * 7)]
    roles: Annotated[list[str], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits(self) -> "Step":
        known_roles(self.roles, also=WORDS)
        return self


class Criterion(Rules):
    key: Line
    text: Line
    check: str

    @model_validator(mode="after")
    def _fits(self) -> "Criterion":
        if self.check not in criteria.names():
            raise ValueError(f"“{self.check}” is not a check. Checks are: {', '.join(sorted(criteria.names()))}")
        return self


class Phase(Rules):
    key: Line
    label: Line
    exit_criteria: list[Criterion]


class Kind(Rules):
    label: Line
    description: Line


class IncidentRules(Rules):
    severities: dict[str, Severity]
    escalation_steps: Annotated[list[Step], Field(min_length=1, max_length=20)]
    phases: list[Phase]
    kinds: dict[str, Kind]

    @model_validator(mode="after")
    def _whole(self) -> "IncidentRules":
        for name, found, wanted in (
            ("severities", list(self.severities), Incident.Severity.values),
            ("kinds", list(self.kinds), Incident.Kind.values),
            ("phases", [phase.key for phase in self.phases], Incident.Phase.values),
        ):
            if sorted(found) != sorted(wanted):
                raise ValueError(f"{name} has to hold exactly: {', '.join(wanted)}")
        minutes = [step.minutes for step in self.escalation_steps]
        if minutes != sorted(set(minutes)):
            raise ValueError("escalation_steps have to come in order of their minutes, each once")
        return self


policy.describe(
    policy.Description(
        "incidents",
        "Clocks and phases",
        "How soon customers hear from us, how often, who is told when a time passes, and when a phase may end.",
        IncidentRules,
    )
)
