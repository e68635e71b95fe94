"""The one clock: planning, meeting and waiving deadlines, and what happens as time passes.

Kinds are registered by the house that owns their meaning. The periodic task claims the due rows by index.
"""

from incidents.deadlines.kinds import Kind, action_for, kind_of, labels, path_for, register, registered
from incidents.deadlines.planning import (
    clock_policy,
    meet,
    newest_obligations,
    obligation_policy,
    plan,
    severity_policy,
    waive,
    waive_all,
)
from incidents.deadlines.ticking import steps_of, tick, told_key

__all__ = [
    "Kind",
    "action_for",
    "clock_policy",
    "kind_of",
    "labels",
    "meet",
    "newest_obligations",
    "obligation_policy",
    "path_for",
    "plan",
    "register",
    "registered",
    "severity_policy",
    "steps_of",
    "tick",
    "told_key",
    "waive",
    "waive_all",
]
