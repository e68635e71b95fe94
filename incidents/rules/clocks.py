"""What may stand in the policy of clocks and phases."""

from typing import Annotated

from pydantic import Field, model_validator

from crisiscomms import policy
from crisiscomms.models import Role
from crisiscomms.policy import OneOf, RoleName, Rules, says
from incidents import criteria
from incidents.models import Incident
from incidents.rules.words import OWN, WORDS, Line, Minutes, known_roles


class Severity(Rules):
    label: Line = says("Name", "As it stands on pages.")
    description: Line = says("What it means", "Read by whoever declares an incident.")
    acknowledge_minutes: Minutes = says("First word to customers within (minutes)", "Counted from discovery.")
    acknowledge_hard_limit_minutes: Minutes = says(
        "Hard limit for the first word (minutes)", "Counted from discovery; nobody may plan it later."
    )
    first_detailed_update_minutes: Minutes = says(
        "First detailed update within (minutes)", "Counted from when the incident is verified."
    )
    cadence_minutes: Minutes = says("An update at least every (minutes)", "While customers are affected.")
    cadence_remind_minutes: Minutes | None = says(
        "Earlier reminder of an update after (minutes)", "Counted from the last update. Empty: no earlier reminder."
    )
    comprehensive_explanation_days: Annotated[int, Field(ge=1, le=90)] = says(
        "Full explanation within (days)", "Counted from the resolution."
    )
    warn_minutes_before: Annotated[int, Field(ge=0, le=1440)] = says(
        "Warning ahead of each time (minutes)", "Whoever owes something hears of it so long before it is due."
    )
    told_at_declaration: list[RoleName] = says(
        "Who is told at once", "Everybody with these roles, when it is declared."
    )

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
    minutes: Annotated[int, Field(ge=0, le=60 * 24 * 7)] = says("After (minutes)", "Counted from when it was due.")
    roles: Annotated[list[Annotated[str, OneOf(lambda: [*OWN, *Role.choices])]], Field(min_length=1)] = says(
        "Who is told", "Everybody with these roles. Owner and deputy are those of the missed deadline."
    )

    @model_validator(mode="after")
    def _fits(self) -> "Step":
        known_roles(self.roles, also=WORDS)
        return self


class Criterion(Rules):
    key: Line
    text: Line = says("Criterion", "As it stands in the room.")
    check: Annotated[str, OneOf(lambda: [(name, name.replace("_", " ")) for name in sorted(criteria.names())])] = says(
        "Looked up by", "What the product itself looks at to know whether it is met."
    )

    @model_validator(mode="after")
    def _fits(self) -> "Criterion":
        if self.check not in criteria.names():
            raise ValueError(f"“{self.check}” is not a check. Checks are: {', '.join(sorted(criteria.names()))}")
        return self


class Phase(Rules):
    key: Line
    label: Line = says("Name", "As it stands on pages.")
    exit_criteria: list[Criterion] = says("Before it ends", "Each is met, or waived by name with a reason.")


class Kind(Rules):
    label: Line = says("Name", "As it stands on pages.")
    description: Line = says("What it means", "Read by whoever declares an incident.")


class IncidentRules(Rules):
    severities: dict[Annotated[str, OneOf(lambda: Incident.Severity.choices)], Severity] = says(
        "Clocks by severity", "How soon customers hear from us, and how often. A change counts for the next incident."
    )
    escalation_steps: Annotated[list[Step], Field(min_length=1, max_length=20)] = says(
        "When a time passes", "Who is told, step by step, until it is met or waived."
    )
    phases: list[Phase] = says("Phases", "In their order, with what has to be true before one ends.")
    kinds: dict[Annotated[str, OneOf(lambda: Incident.Kind.choices)], Kind] = says(
        "Kinds of incident", "What they are called, and what they mean."
    )

    @model_validator(mode="after")
    def _whole(self) -> "IncidentRules":
        for name, found, wanted in (
            ("severities", list(self.severities), Incident.Severity.values),
            ("kinds", list(self.kinds), Incident.Kind.values),
            # Policies from before watch items do not name the phase in which nothing has to be met.
            (
                "phases",
                sorted({Incident.Phase.PRE_CRISIS, *(phase.key for phase in self.phases)}),
                Incident.Phase.values,
            ),
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
