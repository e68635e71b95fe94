"""What may stand in the policy of contacts."""

from typing import Annotated

from pydantic import Field

from crisiscomms import policy
from crisiscomms.policy import Rules


class StakeholderRules(Rules):
    undo_days: Annotated[int, Field(ge=1, le=90)] = policy.says(
        "An import can be undone for (days)", "Until then its staged rows, which are personal data, are kept."
    )


policy.describe(
    policy.Description(
        "stakeholders",
        "Contacts",
        "How long an import can be undone. Its rows, which are personal data, are kept for as long.",
        StakeholderRules,
    )
)
