"""What may stand in the policy of decision rights and disclosure."""

from typing import Annotated

from pydantic import Field, model_validator

from crisiscomms import policy
from crisiscomms.models import Role
from crisiscomms.policy import OneOf, RoleName, Rules, says
from incidents import disclosure
from incidents.models import Decision, Incident
from incidents.rules.words import Line, known_roles

Roles = Annotated[list[RoleName], Field(min_length=1, max_length=10)]


class Right(Rules):
    critical: Roles = says("Critical", "Who may decide it in a critical incident.")
    major: Roles = says("Major", "Who may decide it in a major incident.")
    minor: Roles = says("Minor", "Who may decide it in a minor incident.")

    @model_validator(mode="after")
    def _fits(self) -> "Right":
        for roles in (self.critical, self.major, self.minor):
            known_roles(roles)
            if Role.SALES in roles:
                raise ValueError("sales sees no incidents, so it cannot decide about one")
        return self


class Level(Rules):
    what: Line = says("What it means", "Read by whoever decides.")
    gains: Line = says("What it gains", "Read by whoever decides.")
    costs: Line = says("What it costs", "Read by whoever decides.")
    audiences: Annotated[list[Line], Field(min_length=1, max_length=12)] = says("Who hears of it", "In words.")
    channels: Annotated[
        list[Annotated[str, OneOf(lambda: sorted(disclosure.channels().items()))]], Field(min_length=1)
    ] = says("Open channels", "Every other channel is closed while the level counts.")

    @model_validator(mode="after")
    def _fits(self) -> "Level":
        known = disclosure.channels()
        for channel in self.channels:
            if channel not in known:
                raise ValueError(f"“{channel}” is not a channel. Channels are: {', '.join(sorted(known))}")
        return self


Counting = Annotated[
    str, OneOf(lambda: [(disclosure.NONE, "None: it has to be decided"), *Incident.Disclosure.choices])
]


class Disclosure(Rules):
    levels: dict[Annotated[str, OneOf(lambda: Incident.Disclosure.choices)], Level] = says(
        "Levels", "From least to most that is said."
    )
    until_decided: dict[Annotated[str, OneOf(lambda: Incident.Kind.choices)], Counting] = says(
        "Until somebody decides", "The level that counts for each kind of incident."
    )

    @model_validator(mode="after")
    def _whole(self) -> "Disclosure":
        _exactly("levels", list(self.levels), Incident.Disclosure.values)
        _exactly("until_decided", list(self.until_decided), Incident.Kind.values)
        for level in self.until_decided.values():
            if level not in (disclosure.NONE, *Incident.Disclosure.values):
                raise ValueError(f"“{level}” is not a level")
        return self


class DecisionRules(Rules):
    rights: dict[Annotated[str, OneOf(lambda: Decision.Kind.choices)], Right] = says(
        "Who decides", "For each decision and severity, the roles that may take it."
    )
    disclosure: Disclosure = says("How much is said", "The levels, and what each opens and closes.")

    @model_validator(mode="after")
    def _whole(self) -> "DecisionRules":
        _exactly("rights", list(self.rights), Decision.Kind.values)
        return self


def _exactly(name: str, found: list[str], wanted: list[str]) -> None:
    if sorted(found) != sorted(wanted):
        raise ValueError(f"{name} has to hold exactly: {', '.join(wanted)}")


policy.describe(
    policy.Description(
        "decisions",
        "Decisions and disclosure",
        "Who may decide what at which severity, and what each level of disclosure opens and closes.",
        DecisionRules,
        is_control=True,
    )
)
