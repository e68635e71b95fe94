"""What may stand in the policy of what goes out by itself, of mentions and of competitors."""

from typing import Annotated

from pydantic import Field, model_validator

from crisiscomms import policy
from crisiscomms.policy import OneOf, RoleName, Rules, says
from incidents.models import Incident
from incidents.rules.words import Minutes, known_roles

CONCERNS = (
    ("all", "Everything on the list"),
    ("products", "What concerns an affected product, or the whole company"),
    ("none", "Nothing"),
)
Level = Annotated[str, OneOf(lambda: Incident.Severity.choices)]


class Halt(Rules):
    concerns: Annotated[str, OneOf(lambda: CONCERNS)] = says(
        "What is asked about", "When such an incident is declared."
    )
    check_minutes: Minutes = says("Halted or left running within (minutes)", "Counted from the declaration.")
    resume_minutes: Minutes = says("Resumed or kept off within (minutes)", "Counted from the resolution.")

    @model_validator(mode="after")
    def _fits(self) -> "Halt":
        if self.concerns not in dict(CONCERNS):
            raise ValueError(f"concerns has to be one of: {', '.join(dict(CONCERNS))}")
        return self


class Mentions(Rules):
    answer_minutes: Minutes = says(
        "Answered within (minutes)", "Counted from when it is noted that it needs an answer."
    )


class Competitors(Rules):
    decide_minutes: Minutes = says("Response decided within (minutes)", "Counted from when the reaction is noted.")
    decide_roles: Annotated[list[RoleName], Field(min_length=1)] = says(
        "Who decides", "How a competitor is answered; everybody with these roles may."
    )
    owner_role: RoleName = says("Who is asked to decide", "Somebody of the team with this role, else who leads.")
    legal_role: RoleName = says(
        "Who is asked about a false claim", "Somebody of the team with this role, else who leads."
    )
    legal_minutes: Minutes = says("Their answer within (minutes)", "Counted from when the claim is called false.")

    @model_validator(mode="after")
    def _fits(self) -> "Competitors":
        known_roles([*self.decide_roles, self.owner_role, self.legal_role])
        return self


class OutwardRules(Rules):
    halt: dict[Level, Halt] = says("Campaigns and posts by severity", "Which are asked about, and how soon.")
    mentions: dict[Level, Mentions] = says("Mentions by severity", "How soon one that needs an answer has it.")
    competitors: Competitors = says("Competitors", "Who decides how their reactions are answered, and how soon.")

    @model_validator(mode="after")
    def _whole(self) -> "OutwardRules":
        for name, found in (("halt", self.halt), ("mentions", self.mentions)):
            if sorted(found) != sorted(Incident.Severity.values):
                raise ValueError(f"{name} has to hold exactly: {', '.join(Incident.Severity.values)}")
        return self


policy.describe(
    policy.Description(
        "outward",
        "Campaigns, mentions and competitors",
        "What is halted when something happens and resumed after it, how soon mentions and competitors are answered.",
        OutwardRules,
    )
)
