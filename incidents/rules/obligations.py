"""What may stand in the policy of obligations: what follows from an incident beyond the clocks of its severity."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from crisiscomms import policy
from crisiscomms.policy import OneOf, RoleName, Rules, says
from incidents import deadlines
from incidents.models import Incident
from incidents.rules.clocks import Step
from incidents.rules.words import Line, Minutes, known_roles

Hours = Annotated[int, Field(ge=1, le=24 * 365)]
Word = Annotated[str, Field(min_length=1, max_length=20, pattern=r"^[A-Za-z0-9_-]+$")]
WAYS = (("own", "As each person chose"), ("both", "By mail and in the chat"))


class MinutesEach(Rules):
    critical: Minutes = says("Critical (minutes)", "For critical incidents.")
    major: Minutes = says("Major (minutes)", "For major incidents.")
    minor: Minutes = says("Minor (minutes)", "For minor incidents.")


class HoursEach(Rules):
    critical: Hours = says("Critical (hours)", "For critical incidents.")
    major: Hours = says("Major (hours)", "For major incidents.")
    minor: Hours = says("Minor (hours)", "For minor incidents.")


class MilestoneWord(Rules):
    title: Line = says("What has to be done", "As it stands in lists.")
    minutes: MinutesEach = says("Within", "Counted from when the milestone was reached.")


class Milestones(Rules):
    root_cause: MilestoneWord = says("Root cause identified", "Once the cause is known.")
    mitigated: MilestoneWord = says("Mitigation in place", "Once something eases the effect.")
    resolved: MilestoneWord = says("Resolved", "Once it is resolved.")
    analysis: MilestoneWord = says("Analysis complete", "Once the analysis is written.")


class Regulatory(Rules):
    key: Word
    region: Word = says("Region", "Whose law it is, such as EU.")
    kinds: Annotated[list[Annotated[str, OneOf(lambda: Incident.Kind.choices)]], Field(min_length=1)] = says(
        "Kinds of incident", "For which kinds it is planned."
    )
    title: Line = says("What has to be done", "As it stands in lists.")
    hours: Hours = says("Within (hours)", "Counted from discovery. Check it with your counsel.")
    owner_role: RoleName = says("Whose it is", "The role that owns it.")
    basis: Line = says("Where it comes from", "The law, and that it is a default to be checked.")

    @model_validator(mode="after")
    def _fits(self) -> "Regulatory":
        known_roles([self.owner_role])
        unknown = set(self.kinds) - set(Incident.Kind.values)
        if unknown:
            raise ValueError(f"“{min(unknown)}” is not a kind of incident")
        return self


class WayStep(Step):
    ways: Annotated[Literal["own", "both"], OneOf(lambda: WAYS)] = says(
        "How they are told", "Both: by mail and in the chat, whatever each person chose, where a chat is connected."
    )


class ObligationRules(Rules):
    milestones: Milestones = says("Milestones", "Each opens the duty to tell customers.")
    analysis_hours: HoursEach = says("Analysis published within", "Counted from the resolution.")
    review_hours: HoursEach = says("A watch item is looked at every", "Counted from when somebody last did.")
    home_regions: list[Word] = says("Regions", "Whose law applies where an incident does not say otherwise.")
    regulatory: Annotated[list[Regulatory], Field(max_length=100)] = says(
        "Duties to regulators", "Defaults to be checked with your counsel."
    )
    escalations: dict[
        Annotated[str, OneOf(deadlines.labels)], Annotated[list[WayStep], Field(min_length=1, max_length=20)]
    ] = says("Other chains", "By kind of clock, where another chain than that of “Clocks and phases” counts.")
    both_ways_from_step: Annotated[int, Field(ge=1, le=21)] = says(
        "By both ways from step", "In the chain of all other kinds: later steps are said by mail and in the chat."
    )
    take_minutes: Minutes = says("“I have it” holds for (minutes)", "So long nobody else is told.")
    take_times: Annotated[int, Field(ge=1, le=20)] = says("“I have it” at most (times)", "For one clock.")
    snooze_hours: Hours = says("Put off by at most (hours)", "At once, and with a reason.")

    @model_validator(mode="after")
    def _whole(self) -> "ObligationRules":
        keys = [one.key for one in self.regulatory]
        if len(keys) != len(set(keys)):
            raise ValueError("each regulatory duty needs a key of its own")
        for kind, steps in self.escalations.items():
            minutes = [step.minutes for step in steps]
            if minutes != sorted(set(minutes)):
                raise ValueError(f"the steps of {kind} have to come in order of their minutes, each once")
        return self


policy.describe(
    policy.Description(
        "clocks",
        "Obligations",
        "What has to be said or reported by when beyond the severity’s clocks, who is told, and how far one may put off.",
        ObligationRules,
    )
)
