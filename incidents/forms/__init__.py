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
from incidents.forms.products import ComponentSetUpForm, NewComponentForm, ProductForm
from incidents.forms.team import DutyHoursForm, DutyShiftForm, HandOverForm, MemberForm, RoleForm

__all__ = [
    "AskForm",
    "ChangeFactForm",
    "ComponentForm",
    "ComponentSetUpForm",
    "DeclareForm",
    "DoneForm",
    "DutyHoursForm",
    "DutyShiftForm",
    "HandDeadlineOverForm",
    "HandOverForm",
    "MemberForm",
    "MilestoneForm",
    "MoveForm",
    "NewComponentForm",
    "NewFactForm",
    "ProductForm",
    "ReasonForm",
    "RegionsForm",
    "ReplanForm",
    "RoleForm",
    "SeenForm",
    "SeverityForm",
    "SnoozeForm",
    "StandDownForm",
    "TickForm",
    "WithdrawForm",
]
