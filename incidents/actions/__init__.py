"""What people and higher houses may do to an incident."""

from incidents.actions.competitors import (
    add_response_task,
    decide_response,
    end_response_task,
    hand_over_response,
    judge_claim,
    note_reaction,
)
from incidents.actions.components import set_component_state
from incidents.actions.deciding import decide_disclosure, note_decision
from incidents.actions.declaring import declare_incident
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
from incidents.actions.watching import open_watch_item

__all__ = [
    "TakenOver",
    "add_activity",
    "add_component",
    "add_item",
    "add_product",
    "add_response_task",
    "agree_to_playbook",
    "answer_mention",
    "ask_for_answer",
    "attach_mention",
    "change_activity",
    "change_component",
    "change_severity",
    "check_again",
    "complete_plan_task",
    "decide_disclosure",
    "decide_response",
    "declare_incident",
    "end_response_task",
    "halt_item",
    "hand_over_item",
    "hand_over_plan_task",
    "hand_over_response",
    "import_history",
    "judge_claim",
    "keep_off",
    "leave_running",
    "leave_unanswered",
    "let_see",
    "lock_incident",
    "move_phase",
    "note_decision",
    "note_mention",
    "note_reaction",
    "open_watch_item",
    "reach_milestone",
    "rename_product",
    "restore_component",
    "resume_item",
    "retire_component",
    "set_component_state",
    "stand_down",
    "switch_playbook",
    "tick_criterion",
    "waive_plan_task",
    "write_playbook",
]
