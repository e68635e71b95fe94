"""How much is said to whom: the level that counts, and the channels that it closes.

Higher houses register their channels. They ask `closed_channels` when a text is sent for approval, and again before it
leaves.
"""

from dataclasses import dataclass
from typing import Any

from crisiscomms import policy
from incidents.models import Incident

# In the policy: no level counts by itself, so somebody has to decide.
NONE = "none"
_channels: dict[str, str] = {}


def register_channel(key: str, label: str) -> None:
    _channels[key] = label


def channels() -> dict[str, str]:
    """Key and name of every channel that there is."""
    return dict(_channels)


@dataclass(frozen=True)
class Level:
    """One level as the person who decides reads it: its trade-offs, and what it opens and closes."""

    key: str
    label: str
    what: str
    gains: str
    costs: str
    audiences: list[str]
    opens: list[str]
    closes: list[str]
    counts_now: bool


def _rules() -> dict[str, Any]:
    found: dict[str, Any] = policy.current("decisions")["disclosure"]
    return found


def counting(incident: Incident, rules: dict[str, Any] | None = None) -> str:
    """The level that counts: what was decided, else what the policy says for the kind. Empty: nothing counts yet."""
    if incident.disclosure:
        return incident.disclosure
    level = str((rules or _rules())["until_decided"][incident.kind])
    return "" if level == NONE else level


def closed_channels(incident: Incident) -> dict[str, str]:
    """Channel → a sentence that says why nothing may leave by it now. Open channels do not stand in it."""
    rules = _rules()
    level = counting(incident, rules)
    # Until somebody decides, those who are affected may be told directly: they must not wait for a meeting.
    open_ones = rules["levels"][level or str(Incident.Disclosure.MINIMAL)]["channels"]
    if level:
        label = Incident.Disclosure(level).label.lower()
        why = f"The disclosure level is {label}: it leaves this channel closed."
    else:
        why = "Nobody has decided the disclosure level yet. Until then only those affected are told, directly."
    return {key: why for key in _channels if key not in open_ones}


def levels(incident: Incident) -> list[Level]:
    rules = _rules()
    now_counts = counting(incident, rules)
    return [_level(key, rules["levels"][key], now_counts) for key in Incident.Disclosure.values]


def _level(key: str, data: dict[str, Any], now_counts: str) -> Level:
    return Level(
        key=key,
        label=str(Incident.Disclosure(key).label),
        what=data["what"],
        gains=data["gains"],
        costs=data["costs"],
        audiences=data["audiences"],
        opens=[label for channel, label in _channels.items() if channel in data["channels"]],
        closes=[label for channel, label in _channels.items() if channel not in data["channels"]],
        counts_now=key == now_counts,
    )
