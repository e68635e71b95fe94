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
from incidents.actions.proposals import accept_proposal, decline_proposal, raise_as_proposed
from incidents.actions.roles import assume_role, hand_over_role, release_role
from incidents.actions.signal_sources import create_source, rotate_source, set_source_secret, switch_source
from incidents.actions.signals import attach_signal, detach_signal, end_signal, report_signal, watch_signal
from incidents.actions.team import add_to_team, remove_from_team
from incidents.actions.threshold_rules import (
    add_threshold_rule,
    change_threshold_rule,
    load_threshold_rules,
    raise_threshold_rule,
    switch_threshold_rule,
)
from incidents.actions.watching import open_watch_item
from incidents.actions.words import note_word

__all__ = [
    "TakenOver",
    "accept_proposal",
    "add_component",
    "add_duty_hours",
    "add_duty_shift",
    "add_fact",
    "add_product",
    "add_threshold_rule",
    "add_to_team",
    "ask_for_fact",
    "assume_role",
    "attach_signal",
    "change_component",
    "change_fact",
    "change_severity",
    "change_threshold_rule",
    "confirm_fact",
    "create_source",
    "decide_disclosure",
    "declare_incident",
    "decline_proposal",
    "detach_signal",
    "end_signal",
    "hand_over_deadline",
    "hand_over_role",
    "import_history",
    "let_see",
    "load_threshold_rules",
    "lock_incident",
    "meet_deadline",
    "move_phase",
    "note_decision",
    "note_word",
    "open_checklist",
    "open_watch_item",
    "raise_as_proposed",
    "raise_threshold_rule",
    "reach_milestone",
    "release_role",
    "remove_duty_hours",
    "remove_duty_shift",
    "remove_from_team",
    "rename_product",
    "replan_clocks",
    "report_signal",
    "restore_component",
    "retire_component",
    "rotate_source",
    "set_component_state",
    "set_regions",
    "set_source_secret",
    "snooze_deadline",
    "stand_down",
    "switch_source",
    "switch_threshold_rule",
    "take_deadline",
    "tick_criterion",
    "waive_deadline",
    "watch_signal",
    "withdraw_fact",
]
