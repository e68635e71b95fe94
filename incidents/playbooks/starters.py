"""The response plans that the product ships, put together from what kinds and severities have in common."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from incidents.models import Incident

SHIPPED = Path(__file__).parents[1] / "data" / "playbooks.yaml"


@cache
def shipped() -> dict[tuple[str, str], dict[str, Any]]:
    """(kind, severity) → its sections, for each of the fifteen."""
    data = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    return {
        (kind, severity): _compose(data["kinds"][kind], data["severities"][severity], severity)
        for kind in Incident.Kind.values
        for severity in Incident.Severity.values
    }


def _compose(kind: dict[str, Any], common: dict[str, Any], severity: str) -> dict[str, Any]:
    phases = {phase: [*common["phases"].get(phase, []), *lines] for phase, lines in kind["phases"].items()}
    return {
        "people": {
            "roles": _lines(kind["roles"], severity),
            "notes": common["notes"] + _lines(kind["notes"], severity),
        },
        "facts": {"questions": _lines(kind["questions"], severity)},
        "tasks": {"tasks": [_task(one, severity) for one in kind["tasks"] if severity in one["minutes"]]},
        "documents": {"expected": _lines(kind["documents"], severity)},
        "halting": {"notes": _lines(kind["halt"], severity)},
        "phases": {phase: _lines(lines, severity) for phase, lines in phases.items()},
        "messages": {name: _lines(lines, severity) for name, lines in kind["messages"].items()},
        "sending": {name: _lines(lines, severity) for name, lines in kind["sending"].items()},
    }


def _task(one: dict[str, Any], severity: str) -> str:
    return f"{one['minutes'][severity]} | {one['role']} | {one['title']}"


def _lines(lines: list[Any], severity: str) -> list[str]:
    """Those that count for this severity."""
    whole = [{"text": line} if isinstance(line, str) else line for line in lines]
    return [line["text"] for line in whole if severity in line.get("only", [severity])]
