"""What people and higher houses may do to an incident."""

from incidents.actions.components import set_component_state
from incidents.actions.deciding import decide_disclosure, note_decision
from incidents.actions.declaring import declare_incident
from incidents.actions.facts import (
    add_fact,
    ask_for_fact,
    change_fact,
    confirm_fact,
    open_checklist,
    withdraw_fact,
)
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
from incidents.actions.watching import open_watch_item

__all__ = [
    "TakenOver",
    "add_component",
    "add_fact",
    "add_product",
    "ask_for_fact",
    "change_component",
    "change_fact",
    "change_severity",
    "confirm_fact",
    "decide_disclosure",
    "declare_incident",
    "import_history",
    "let_see",
    "lock_incident",
    "move_phase",
    "note_decision",
    "open_checklist",
    "open_watch_item",
    "reach_milestone",
    "rename_product",
    "restore_component",
    "retire_component",
    "set_component_state",
    "stand_down",
    "tick_criterion",
    "withdraw_fact",
]
