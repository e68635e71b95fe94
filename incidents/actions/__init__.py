"""What people and higher houses may do to an incident."""

from incidents.actions.components import set_component_state
from incidents.actions.deciding import decide_disclosure, note_decision
from incidents.actions.declaring import declare_incident
from incidents.actions.history import TakenOver, import_history
from incidents.actions.lifecycle import (
    change_severity,
    let_see,
    lock_incident,
    move_phase,
    reach_milestone,
    stand_down,
    tick_criterion,
)
from incidents.actions.products import (
    add_component,
    add_product,
    change_component,
    rename_product,
    restore_component,
    retire_component,
)
from incidents.actions.proposals import accept_proposal, decline_proposal, raise_as_proposed
from incidents.actions.signal_sources import create_source, rotate_source, set_source_secret, switch_source
from incidents.actions.signals import attach_signal, detach_signal, end_signal, report_signal, watch_signal
from incidents.actions.threshold_rules import (
    add_threshold_rule,
    change_threshold_rule,
    load_threshold_rules,
    raise_threshold_rule,
    switch_threshold_rule,
)
from incidents.actions.watching import open_watch_item

__all__ = [
    "TakenOver",
    "accept_proposal",
    "add_component",
    "add_product",
    "add_threshold_rule",
    "attach_signal",
    "change_component",
    "change_severity",
    "change_threshold_rule",
    "create_source",
    "decide_disclosure",
    "declare_incident",
    "decline_proposal",
    "detach_signal",
    "end_signal",
    "import_history",
    "let_see",
    "load_threshold_rules",
    "lock_incident",
    "move_phase",
    "note_decision",
    "open_watch_item",
    "raise_as_proposed",
    "raise_threshold_rule",
    "reach_milestone",
    "rename_product",
    "report_signal",
    "restore_component",
    "retire_component",
    "rotate_source",
    "set_component_state",
    "set_source_secret",
    "stand_down",
    "switch_source",
    "switch_threshold_rule",
    "tick_criterion",
    "watch_signal",
]
