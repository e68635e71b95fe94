"""What a person types about incidents, one module per concept."""

from incidents.forms.clocks import DoneForm, HandOverForm, RegionsForm, ReplanForm, SnoozeForm
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

__all__ = [
    "AskForm",
    "ChangeFactForm",
    "ComponentForm",
    "ComponentSetUpForm",
    "DeclareForm",
    "DoneForm",
    "HandOverForm",
    "MilestoneForm",
    "MoveForm",
    "NewComponentForm",
    "NewFactForm",
    "ProductForm",
    "ReasonForm",
    "RegionsForm",
    "ReplanForm",
    "SeenForm",
    "SeverityForm",
    "SnoozeForm",
    "StandDownForm",
    "TickForm",
    "WithdrawForm",
]
