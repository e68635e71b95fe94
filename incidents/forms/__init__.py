"""What a person types about incidents, one module per concept."""

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
    "ComponentForm",
    "ComponentSetUpForm",
    "DeclareForm",
    "DutyHoursForm",
    "DutyShiftForm",
    "HandOverForm",
    "MemberForm",
    "MilestoneForm",
    "MoveForm",
    "NewComponentForm",
    "ProductForm",
    "ReasonForm",
    "RoleForm",
    "SeverityForm",
    "StandDownForm",
    "TickForm",
]
