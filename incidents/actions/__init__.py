"""What people and higher houses may do to an incident."""

from incidents.actions.clocks import (
    hand_over_deadline,
    meet_deadline,
    replan_clocks,
    set_regions,
    snooze_deadline,
    take_deadline,
    waive_deadline,
)
from incidents.actions.components import set_component_state
from incidents.actions.deciding import decide_disclosure, note_decision
from incidents.actions.declaring import declare_incident
from incidents.actions.duty import add_duty_hours, add_duty_shift, remove_duty_hours, remove_duty_shift
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
from incidents.actions.roles import assume_role, hand_over_role, release_role
from incidents.actions.team import add_to_team, remove_from_team
from incidents.actions.watching import open_watch_item
from incidents.actions.words import note_word

__all__ = [
    "TakenOver",
    "add_component",
    "add_duty_hours",
    "add_duty_shift",
    "add_fact",
    "add_product",
    "add_to_team",
    "ask_for_fact",
    "assume_role",
    "change_component",
    "change_fact",
    "change_severity",
    "confirm_fact",
    "decide_disclosure",
    "declare_incident",
    "hand_over_deadline",
    "hand_over_role",
    "import_history",
    "let_see",
    "lock_incident",
    "meet_deadline",
    "move_phase",
    "note_decision",
    "note_word",
    "open_checklist",
    "open_watch_item",
    "reach_milestone",
    "release_role",
    "remove_duty_hours",
    "remove_duty_shift",
    "remove_from_team",
    "rename_product",
    "replan_clocks",
    "restore_component",
    "retire_component",
    "set_component_state",
    "set_regions",
    "snooze_deadline",
    "stand_down",
    "take_deadline",
    "tick_criterion",
    "waive_deadline",
    "withdraw_fact",
]
