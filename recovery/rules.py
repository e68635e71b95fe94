"""What may stand in the 30-60-90 plan."""

from typing import Annotated

from pydantic import Field, model_validator

from crisiscomms import policy
from crisiscomms.policy import Rules
from incidents.rules import known_roles
from recovery.models import RecoveryTask

Text = Annotated[str, Field(min_length=1, max_length=2000)]


class Task(Rules):
    key: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    title: Annotated[str, Field(min_length=1, max_length=160)] = policy.says("Task", "Its name on the board.")
    phase: Annotated[str, policy.OneOf(lambda: RecoveryTask.Phase.choices)] = policy.says(
        "Part of the plan", "The column of the board in which it stands."
    )
    what: Text = policy.says("What is done", "For the person who takes it over.")
    evidence: Text = policy.says("What shows that it is done", "Asked for when the task is closed.")
    owner_role: policy.RoleName = policy.says("Who owns it", "Somebody with this role gets it when the plan opens.")
    due_days: Annotated[int, Field(ge=0, le=365)] = policy.says("Due after (days)", "Whole days from the resolution.")

    @model_validator(mode="after")
    def _fits(self) -> "Task":
        known_roles([self.owner_role])
        if self.phase not in RecoveryTask.Phase.values:
            raise ValueError(f"phase has to be one of: {', '.join(RecoveryTask.Phase.values)}")
        return self


class RecoveryRules(Rules):
    tasks: Annotated[list[Task], Field(min_length=1, max_length=60)] = policy.says(
        "Tasks", "They open when an incident is resolved. A change counts for the next plan, not for one that is open."
    )

    @model_validator(mode="after")
    def _whole(self) -> "RecoveryRules":
        keys = [task.key for task in self.tasks]
        if len(set(keys)) < len(keys):
            raise ValueError("each task needs a key of its own")
        return self


policy.describe(
    policy.Description(
        "recovery",
        "The 90 days after",
        "The tasks that open when an incident is resolved, who owns each and when it is due.",
        RecoveryRules,
    )
)
