"""What a person types about incidents, one module per concept."""

from incidents.forms.clocks import DoneForm, HandOverForm, RegionsForm, ReplanForm, SnoozeForm
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

__all__ = [
    "ComponentForm",
    "ComponentSetUpForm",
    "DeclareForm",
    "DoneForm",
    "HandOverForm",
    "MilestoneForm",
    "MoveForm",
    "NewComponentForm",
    "ProductForm",
    "ReasonForm",
    "RegionsForm",
    "ReplanForm",
    "SeverityForm",
    "SnoozeForm",
    "StandDownForm",
    "TickForm",
]
