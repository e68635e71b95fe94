"""Exit criteria of the phases: what must be true before one ends. Higher houses register what only they know."""

from collections.abc import Callable
from dataclasses import dataclass

from crisiscomms import policy
from incidents.models import Incident

Check = Callable[[Incident], bool]
_checks: dict[str, Check] = {}


@dataclass(frozen=True)
class Criterion:
    key: str
    text: str
    is_met: bool


def register(name: str, check: Check) -> None:
    _checks[name] = check


def names() -> set[str]:
    return set(_checks)


def exit_criteria(incident: Incident) -> list[Criterion]:
    """The criteria of the phase that the incident is in, from the policy in force."""
    for phase in policy.current("incidents")["phases"]:
        if phase["key"] == incident.phase:
            return [_look(incident, item) for item in phase["exit_criteria"]]
    return []


def _look(incident: Incident, item: dict[str, str]) -> Criterion:
    check = _checks.get(item["check"])
    # A check that nobody registered counts as not met: it has to be waived by name, never passed in silence.
    return Criterion(item["key"], item["text"], check(incident) if check else False)


def _milestone(kind: str) -> Check:
    return lambda incident: incident.milestones.filter(kind=kind).exists()


for _name in ("acknowledged", "verified", "mitigated", "analysis"):
    register(_name, _milestone(_name))
register("analysis_done", _milestone("analysis"))
register("resolved_message_sent", _milestone("resolved_told"))
