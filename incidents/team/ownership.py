"""Roles in an incident, and which department owns which activity: the policy `ownership`, read."""

from dataclasses import dataclass
from typing import Any

from crisiscomms import policy
from crisiscomms.models import Role, User

LEAD = "incident_lead"
# In the words of the page, in the order of how much it is theirs.
PARTS = {"owns": "Owns it", "co_owns": "Shares it", "consulted": "Is asked", "informed": "Is told"}


@dataclass(frozen=True)
class RoleRule:
    """`departments` may hold it. `clocks` are the kinds of deadline that come to whoever does."""

    key: str
    label: str
    does: str
    departments: tuple[str, ...]
    clocks: tuple[str, ...]

    def may_hold(self, person: User) -> bool:
        return person.has_role(*self.departments)

    @property
    def departments_label(self) -> str:
        return ", ".join(str(Role(one).label) for one in self.departments if one in Role.values)


@dataclass(frozen=True)
class Activity:
    """`parts` says for each department what its part is, by a key of PARTS; the others have none."""

    key: str
    label: str
    role: str
    parts: dict[str, str]

    def departments(self, *parts: str) -> list[str]:
        return [one for one, part in self.parts.items() if part in parts]


def roles() -> list[RoleRule]:
    return [_role(item) for item in policy.current("ownership")["roles"]]


def role(key: str) -> RoleRule | None:
    return next((one for one in roles() if one.key == key), None)


def label_of(key: str, known: list[RoleRule] | None = None) -> str:
    """What a role is called, also one that the policy has no longer."""
    found = next((one.label for one in (roles() if known is None else known) if one.key == key), None)
    return found or key.replace("_", " ").capitalize()


def activities() -> list[Activity]:
    return [_activity(item) for item in policy.current("ownership")["activities"]]


def owners_of(activity: str) -> list[str]:
    """The departments that do this and answer for it, owners first. Raises LookupError for an unknown activity."""
    found = next((one for one in activities() if one.key == activity), None)
    if found is None:
        raise LookupError(f"There is no activity called {activity!r}.")
    return found.departments("owns") + found.departments("co_owns")


def _role(item: dict[str, Any]) -> RoleRule:
    return RoleRule(item["key"], item["label"], item["does"], tuple(item["departments"]), tuple(item["clocks"]))


def _activity(item: dict[str, Any]) -> Activity:
    parts = {department: part for part in PARTS for department in item[part]}
    return Activity(item["key"], item["label"], item["role"], parts)
