"""What may stand in the policy of sending."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from crisiscomms import policy
from crisiscomms.policy import Rules
from incidents.models import Incident
from messaging.models import Message

Tier = Annotated[int, Field(ge=1, le=3)]
Unknown = Annotated[
    Literal["resend", "hold"],
    policy.OneOf(lambda: [("resend", "Send again: better twice than not at all"), ("hold", "Hold: a person decides")]),
]


class Exemption(Rules):
    kind: Annotated[str, policy.OneOf(lambda: Incident.Kind.choices)] = policy.says(
        "Kind of incident", "For which the public may be told first."
    )
    message_kind: Annotated[str, policy.OneOf(lambda: Message.Kind.choices)] = policy.says(
        "Kind of message", "Which of its messages is exempt."
    )

    @model_validator(mode="after")
    def _fits(self) -> "Exemption":
        if self.kind not in Incident.Kind.values or self.message_kind not in Message.Kind.values:
            raise ValueError("this is no kind of incident, or no kind of message")
        return self


class CustomerFirst(Rules):
    exempt: list[Exemption] = policy.says("Exempt", "What may be public before customers have it.")
    tiers: list[Tier] = policy.says(
        "Tiers that come first",
        "From 1 to 3, with commas between them. Their affected customers are told before the public.",
    )


class WhenUnknown(Rules):
    critical: Unknown = policy.says("Critical", "In a critical incident.")
    major: Unknown = policy.says("Major", "In a major incident.")
    minor: Unknown = policy.says("Minor", "In a minor incident.")


class ByValue(Rules):
    strategic: Tier = policy.says("Strategic", "Tier of a strategic account, from 1 to 3.")
    important: Tier = policy.says("Important", "Tier of an important account, from 1 to 3.")
    standard: Tier = policy.says("Standard", "Tier of every other account, from 1 to 3.")


class DeliveryRules(Rules):
    retry_gaps_seconds: Annotated[list[Annotated[int, Field(ge=1, le=86_400)]], Field(min_length=1, max_length=20)] = (
        policy.says("Waiting before each new try (seconds)", "One number for each try after the first, with commas.")
    )
    max_attempts: Annotated[int, Field(ge=1, le=20)] = policy.says(
        "Tries for one mail", "Then it counts as failed, and a person sees it in a queue."
    )
    lease_seconds: Annotated[int, Field(ge=30, le=3600)] = policy.says(
        "A worker may hold a mail for (seconds)", "Then another worker takes it over, because the first may be dead."
    )
    unknown: WhenUnknown = policy.says(
        "When a server does not answer", "What happens to a mail that may or may not have been handed over."
    )
    batch: Annotated[int, Field(ge=1, le=5000)] = policy.says(
        "Mails a worker takes at once", "More is faster, and rougher."
    )
    # Until 0.1 the lots in which results were written stood here; installations of that time still hold it.
    write_back: int | None = None
    customer_first: CustomerFirst = policy.says(
        "Customers first", "Public channels stay locked until affected customers of these tiers have their mail."
    )
    value_to_tier: ByValue = policy.says(
        "Tier by the value of an account", "Until the impact on the account is assessed."
    )


policy.describe(
    policy.Description(
        "delivery",
        "Sending",
        "How often a mail is tried, what happens when a server does not answer, and who is told before the public.",
        DeliveryRules,
        is_control=True,
    )
)
