"""Exit criteria of the phases: what must be true before one ends. Higher houses register what only they know."""

from collections.abc import Callable
from dataclasses import dataclass

from crisiscomms import policy
from incidents.models import CriterionTick, Incident

Check = Callable[[Incident], bool]
# In the policy: the product cannot look it up. A person ticks it, and notes by what they know.
TICKED = "ticked"
_checks: dict[str, Check] = {}


@dataclass(frozen=True)
class Criterion:
    """`tick` is the person's word for it, where the criterion is one that is ticked."""

    key: str
    text: str
    is_met: bool
    is_ticked: bool = False
    tick: CriterionTick | None = None


def register(name: str, check: Check) -> None:
    _checks[name] = check


def names() -> set[str]:
    return {TICKED, *_checks}


def exit_criteria(incident: Incident) -> list[Criterion]:
    """The criteria of the phase that the incident is in, from the policy in force."""
    for phase in policy.current("incidents")["phases"]:
        if phase["key"] == incident.phase:
            ticks = _ticks(incident) if any(item["check"] == TICKED for item in phase["exit_criteria"]) else {}
            return [_look(incident, item, ticks) for item in phase["exit_criteria"]]
    return []


def _ticks(incident: Incident) -> dict[str, CriterionTick]:
    """Of this stay in the phase: what was ticked before a regression has to be looked at anew."""
    found = CriterionTick.objects.filter(span__incident=incident, span__ended_at=None).select_related("by")
    return {tick.key: tick for tick in found}


def _look(incident: Incident, item: dict[str, str], ticks: dict[str, CriterionTick]) -> Criterion:
    if item["check"] == TICKED:
        tick = ticks.get(item["key"])
        return Criterion(item["key"], item["text"], tick is not None, is_ticked=True, tick=tick)
    check = _checks.get(item["check"])
    # A check that nobody registered counts as not met: it has to be waived by name, never passed in silence.
    return Criterion(item["key"], item["text"], check(incident) if check else False)


def _milestone(kind: str) -> Check:
    return lambda incident: incident.milestones.filter(kind=kind).exists()


for _name in ("acknowledged", "verified", "mitigated", "analysis"):
    register(_name, _milestone(_name))
register("analysis_done", _milestone("analysis"))
register("resolved_message_sent", _milestone("resolved_told"))
