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
from incidents.forms.monitoring import (
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

__all__ = [
    "ActivityForm",
    "ComponentForm",
    "ComponentSetUpForm",
    "DeclareForm",
    "EndTaskForm",
    "HaltActForm",
    "JudgeForm",
    "MentionActForm",
    "MentionForm",
    "MilestoneForm",
    "MoveForm",
    "NewComponentForm",
    "OutwardForm",
    "PlanTaskForm",
    "PlaybookForm",
    "ProductForm",
    "ReactionForm",
    "ReasonForm",
    "ResponseForm",
    "ResponseTaskForm",
    "SeverityForm",
    "StandDownForm",
    "TickForm",
    "owners",
]
