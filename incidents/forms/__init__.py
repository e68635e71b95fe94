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

__all__ = [
    "ComponentForm",
    "ComponentSetUpForm",
    "DeclareForm",
    "MilestoneForm",
    "MoveForm",
    "NewComponentForm",
    "ProductForm",
    "ReasonForm",
    "SeverityForm",
    "StandDownForm",
    "TickForm",
]
