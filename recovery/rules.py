"""What may stand in the 30-60-90 plan."""

from typing import Annotated

from pydantic import Field, model_validator

from crisiscomms import policy
from crisiscomms.policy import Rules
from incidents.rules import Line, known_roles
from recovery.models import RecoveryTask

Text = Annotated[str, Field(min_length=1, max_length=2000)]


class Task(Rules):
    key: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    phase: str
    title: Annotated[str, Field(min_length=1, max_length=160)]
    what: Text
    evidence: Text
    owner_role: Line
    due_days: Annotated[int, Field(ge=0, le=365)]

    @model_validator(mode="after")
    def _fits(self) -> "Task":
        known_roles([self.owner_role])
        if self.phase not in RecoveryTask.Phase.values:
            raise ValueError(f"phase has to be one of: {', '.join(RecoveryTask.Phase.values)}")
        return self


class RecoveryRules(Rules):
    tasks: Annotated[list[Task], Field(min_length=1, max_length=60)]

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
