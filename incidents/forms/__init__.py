"""What a person types about incidents, one module per concept."""

from incidents.forms.clocks import DoneForm, HandDeadlineOverForm, RegionsForm, ReplanForm, SnoozeForm
from incidents.forms.facts import AskForm, ChangeFactForm, NewFactForm, SeenForm, WithdrawForm
from incidents.forms.lifecycle import (
    ComponentForm,
    DeclareForm,
    MilestoneForm,
    MoveForm,
    ReasonForm,
    SeverityForm,
    StandDownForm,
    TickForm,
)
from incidents.forms.monitoring import (
    CorrectMentionForm,
    CorrectReactionForm,
    EndTaskForm,
    JudgeForm,
    MentionActForm,
    MentionForm,
    ReactionForm,
    ResponseForm,
    ResponseTaskForm,
)
from incidents.forms.outward import ActivityForm, HaltActForm, OutwardForm, owners
from incidents.forms.playbooks import PlanTaskForm, PlaybookForm
from incidents.forms.products import ComponentSetUpForm, NewComponentForm, ProductForm
from incidents.forms.team import DutyHoursForm, DutyShiftForm, HandOverForm, MemberForm, RoleForm

__all__ = [
    "ActivityForm",
    "AskForm",
    "ChangeFactForm",
    "ComponentForm",
    "ComponentSetUpForm",
    "CorrectMentionForm",
    "CorrectReactionForm",
    "DeclareForm",
    "DoneForm",
    "DutyHoursForm",
    "DutyShiftForm",
    "EndTaskForm",
    "HaltActForm",
    "HandDeadlineOverForm",
    "HandOverForm",
    "JudgeForm",
    "MemberForm",
    "MentionActForm",
    "MentionForm",
    "MilestoneForm",
    "MoveForm",
    "NewComponentForm",
    "NewFactForm",
    "OutwardForm",
    "PlanTaskForm",
    "PlaybookForm",
    "ProductForm",
    "ReactionForm",
    "ReasonForm",
    "RegionsForm",
    "ReplanForm",
    "ResponseForm",
    "ResponseTaskForm",
    "RoleForm",
    "SeenForm",
    "SeverityForm",
    "SnoozeForm",
    "StandDownForm",
    "TickForm",
    "WithdrawForm",
    "owners",
]
