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
from incidents.actions.competitors import (
    add_response_task,
    decide_response,
    end_response_task,
    hand_over_response,
    judge_claim,
    note_reaction,
)
from incidents.actions.components import set_component_state
from incidents.actions.correcting import correct_mention, correct_reaction, move_mention, strike_mention
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
from incidents.actions.halting import (
    add_item,
    check_again,
    halt_item,
    hand_over_item,
    keep_off,
    leave_running,
    resume_item,
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
from incidents.actions.mentions import (
    answer_mention,
    ask_for_answer,
    attach_mention,
    leave_unanswered,
    note_mention,
)
from incidents.actions.outward import add_activity, change_activity
from incidents.actions.plans import (
    agree_to_playbook,
    complete_plan_task,
    hand_over_plan_task,
    switch_playbook,
    waive_plan_task,
    write_playbook,
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
from incidents.actions.record import add_document, note_fetched, start_export, waive_document
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
    "add_activity",
    "add_component",
    "add_document",
    "add_duty_hours",
    "add_duty_shift",
    "add_fact",
    "add_item",
    "add_product",
    "add_response_task",
    "add_threshold_rule",
    "add_to_team",
    "agree_to_playbook",
    "answer_mention",
    "ask_for_answer",
    "ask_for_fact",
    "assume_role",
    "attach_mention",
    "attach_signal",
    "change_activity",
    "change_component",
    "change_fact",
    "change_severity",
    "change_threshold_rule",
    "check_again",
    "complete_plan_task",
    "confirm_fact",
    "correct_mention",
    "correct_reaction",
    "create_source",
    "decide_disclosure",
    "decide_response",
    "declare_incident",
    "decline_proposal",
    "detach_signal",
    "end_response_task",
    "end_signal",
    "halt_item",
    "hand_over_deadline",
    "hand_over_item",
    "hand_over_plan_task",
    "hand_over_response",
    "hand_over_role",
    "import_history",
    "judge_claim",
    "keep_off",
    "leave_running",
    "leave_unanswered",
    "let_see",
    "load_threshold_rules",
    "lock_incident",
    "meet_deadline",
    "move_mention",
    "move_phase",
    "note_decision",
    "note_fetched",
    "note_mention",
    "note_reaction",
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
    "resume_item",
    "retire_component",
    "rotate_source",
    "set_component_state",
    "set_regions",
    "set_source_secret",
    "snooze_deadline",
    "stand_down",
    "start_export",
    "strike_mention",
    "switch_playbook",
    "switch_source",
    "switch_threshold_rule",
    "take_deadline",
    "tick_criterion",
    "waive_deadline",
    "waive_document",
    "waive_plan_task",
    "watch_signal",
    "withdraw_fact",
    "write_playbook",
]
