"""What people and higher houses may do to an incident."""

from incidents.actions.components import set_component_state
from incidents.actions.deciding import decide_disclosure, note_decision
from incidents.actions.declaring import declare_incident
from incidents.actions.duty import add_duty_hours, add_duty_shift, remove_duty_hours, remove_duty_shift
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
from incidents.actions.roles import assume_role, hand_over_role, release_role
from incidents.actions.team import add_to_team, remove_from_team
from incidents.actions.watching import open_watch_item

__all__ = [
    "TakenOver",
    "add_component",
    "add_duty_hours",
    "add_duty_shift",
    "add_product",
    "add_to_team",
    "assume_role",
    "change_component",
    "change_severity",
    "decide_disclosure",
    "declare_incident",
    "hand_over_role",
    "import_history",
    "let_see",
    "lock_incident",
    "move_phase",
    "note_decision",
    "open_watch_item",
    "reach_milestone",
    "release_role",
    "remove_duty_hours",
    "remove_duty_shift",
    "remove_from_team",
    "rename_product",
    "restore_component",
    "retire_component",
    "set_component_state",
    "stand_down",
    "tick_criterion",
]
