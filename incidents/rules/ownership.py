"""What may stand in the policy of roles and ownership."""

from typing import Annotated

from pydantic import Field, model_validator

from crisiscomms import policy
from crisiscomms.policy import OneOf, RoleName, Rules, says
from incidents import deadlines
from incidents.rules.words import Line, known_roles

Key = Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,29}$")]
Departments = list[RoleName]
PARTS = ("owns", "co_owns", "consulted", "informed")


class IncidentRole(Rules):
    key: Key
    label: Line = says("Name", "As it stands on pages.")
    does: Line = says("What it does", "Read by whoever thinks about taking it.")
    departments: Annotated[Departments, Field(min_length=1)] = says(
        "Who may hold it", "Only people of these departments may take this role in an incident."
    )
    clocks: list[Annotated[Key, OneOf(lambda: deadlines.labels())]] = says(
        "Its clocks", "Who holds the role has these kinds of clock, as long as nobody hands one over."
    )

    @model_validator(mode="after")
    def _fits(self) -> "IncidentRole":
        known_roles(self.departments)
        return self


class Activity(Rules):
    key: Key
    label: Line = says("Name", "As it stands on pages.")
    role: Key = says("Role in an incident", "Who holds it does this there. Its key, as in the text above.")
    owns: Annotated[Departments, Field(min_length=1)] = says("Owns it", "Does it, and answers for it.")
    co_owns: Departments = says("Shares it", "Does it together with the owner.")
    consulted: Departments = says("Is asked", "Is heard before it is done.")
    informed: Departments = says("Is told", "Hears of it when it is done.")

    @model_validator(mode="after")
    def _fits(self) -> "Activity":
        named = [department for part in PARTS for department in getattr(self, part)]
        known_roles(named)
        twice = next((one for one in named if named.count(one) > 1), None)
        if twice is not None:
            raise ValueError(f"“{twice}” stands twice in “{self.key}”: a department has one part in an activity")
        return self


class OwnershipRules(Rules):
    roles: Annotated[list[IncidentRole], Field(min_length=1, max_length=20)] = says(
        "Roles in an incident", "One person at a time holds each. Open incidents follow a change at once."
    )
    always_on_duty: Departments = says(
        "Always on duty", "Departments that should have somebody at every hour. Hours with nobody are shown."
    )
    activities: Annotated[list[Activity], Field(max_length=60)] = says(
        "Who owns what", "Each activity has at least one department that owns it."
    )

    @model_validator(mode="after")
    def _whole(self) -> "OwnershipRules":
        known_roles(self.always_on_duty)
        keys = [role.key for role in self.roles]
        _once(keys, "roles")
        _once([one.key for one in self.activities], "activities")
        _once([clock for role in self.roles for clock in role.clocks], "clocks")
        if "incident_lead" not in keys:
            raise ValueError("roles has to hold incident_lead: every incident has somebody who leads it")
        for activity in self.activities:
            if activity.role not in keys:
                raise ValueError(f"“{activity.role}” of “{activity.key}” is no role in an incident. Name one of them")
        return self


def _once(keys: list[str], where: str) -> None:
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise ValueError(f"“{twice}” stands twice in {where}")


policy.describe(
    policy.Description(
        "ownership",
        "Roles and ownership",
        "Which roles an incident has and who may hold them, who has to be on duty, and which department owns what.",
        OwnershipRules,
    )
)
