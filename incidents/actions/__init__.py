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
from incidents.actions.record import add_document, note_fetched, start_export, waive_document
from incidents.actions.watching import open_watch_item

__all__ = [
    "TakenOver",
    "add_component",
    "add_document",
    "add_product",
    "change_component",
    "change_severity",
    "decide_disclosure",
    "declare_incident",
    "import_history",
    "let_see",
    "lock_incident",
    "move_phase",
    "note_decision",
    "note_fetched",
    "open_watch_item",
    "reach_milestone",
    "rename_product",
    "restore_component",
    "retire_component",
    "set_component_state",
    "stand_down",
    "start_export",
    "tick_criterion",
    "waive_document",
]
