"""What may stand in the policy of sending."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from crisiscomms import policy
from crisiscomms.policy import Rules
from incidents.models import Incident
from messaging.models import Message

Tier = Annotated[int, Field(ge=1, le=3)]
Unknown = Literal["resend", "hold"]


class Exemption(Rules):
    kind: str
    message_kind: str

    @model_validator(mode="after")
    def _fits(self) -> "Exemption":
        if self.kind not in Incident.Kind.values or self.message_kind not in Message.Kind.values:
            raise ValueError("this is no kind of incident, or no kind of message")
        return self


class CustomerFirst(Rules):
    exempt: list[Exemption]
    tiers: list[Tier]


class WhenUnknown(Rules):
    critical: Unknown
    major: Unknown
    minor: Unknown


class ByValue(Rules):
    strategic: Tier
    important: Tier
    standard: Tier


class DeliveryRules(Rules):
    retry_gaps_seconds: Annotated[list[Annotated[int, Field(ge=1, le=86_400)]], Field(min_length=1, max_length=20)]
    max_attempts: Annotated[int, Field(ge=1, le=20)]
    lease_seconds: Annotated[int, Field(ge=30, le=3600)]
    unknown: WhenUnknown
    batch: Annotated[int, Field(ge=1, le=5000)]
    # Until 0.1 the lots in which results were written stood here; installations of that time still hold it.
    write_back: int | None = None
    customer_first: CustomerFirst
    value_to_tier: ByValue


policy.describe(
    policy.Description(
        "delivery",
        "Sending",
        "How often a mail is tried, what happens when a server does not answer, and who is told before the public.",
        DeliveryRules,
        is_control=True,
    )
)
