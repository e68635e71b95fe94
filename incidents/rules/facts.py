"""What may stand in the policy of facts: per kind of incident, what has to be found out."""

from typing import Annotated

from pydantic import Field, model_validator

from crisiscomms import policy
from crisiscomms.models import Role
from crisiscomms.policy import OneOf, Rules, says
from incidents.models import Fact, Incident
from incidents.models.incident import WORKSHOP_ROLES
from incidents.rules.words import Line, Minutes

NOT_FIRST = "none"
RESERVED = ("size", "first", "last")


class Item(Rules):
    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    label: Annotated[str, Field(min_length=1, max_length=120)] = says("Question", "As it stands on the fact sheet.")
    why: Line = says("Why it matters to customers", "Read by whoever looks for the answer.")
    role: Annotated[str, OneOf(lambda: [(role, Role(role).label) for role in WORKSHOP_ROLES])] = says(
        "Who usually knows", "People with this role are asked."
    )
    before: Annotated[str, OneOf(lambda: [*Fact.Before.choices, (NOT_FIRST, "neither")])] = says(
        "Needed before", "A message of this sort waits for it."
    )

    @model_validator(mode="after")
    def _fits(self) -> "Item":
        if self.key in RESERVED:
            raise ValueError(f"“{self.key}” means something else in merge fields. Choose another key")
        if self.role not in WORKSHOP_ROLES:
            raise ValueError(f"“{self.role}” is not a role of the workshop: {', '.join(WORKSHOP_ROLES)}")
        if self.before not in (*Fact.Before.values, NOT_FIRST):
            raise ValueError(f"before has to be one of: {', '.join([*Fact.Before.values, NOT_FIRST])}")
        return self


class FactRules(Rules):
    answer_minutes: dict[Annotated[str, OneOf(lambda: Incident.Severity.choices)], Minutes] = says(
        "Time to answer (minutes)", "When somebody is asked for a fact, by severity."
    )
    kinds: dict[Annotated[str, OneOf(lambda: Incident.Kind.choices)], Annotated[list[Item], Field(max_length=30)]] = (
        says("What to find out", "By kind of incident. A change counts for the next incident.")
    )

    @model_validator(mode="after")
    def _whole(self) -> "FactRules":
        for name, found, wanted in (
            ("answer_minutes", list(self.answer_minutes), Incident.Severity.values),
            ("kinds", list(self.kinds), Incident.Kind.values),
        ):
            if sorted(found) != sorted(wanted):
                raise ValueError(f"{name} has to hold exactly: {', '.join(wanted)}")
        for kind, items in self.kinds.items():
            keys = [item.key for item in items]
            twice = next((key for key in keys if keys.count(key) > 1), None)
            if twice:
                raise ValueError(f"“{twice}” stands twice under {kind}")
        return self


policy.describe(
    policy.Description(
        "facts",
        "Facts to find out",
        "What has to be found out in each kind of incident, why customers need it, and who is asked.",
        FactRules,
    )
)
