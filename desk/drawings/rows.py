"""What a drawing is made from. Whoever fills these rows decides what a reader may know; the drawing adds nothing."""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class PhaseRow:
    label: str
    began_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True)
class ImpactRow:
    """`state` is one of the component states; `word` is what it is called."""

    component: str
    state: str
    word: str
    began_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True)
class MilestoneRow:
    label: str
    at: datetime


@dataclass(frozen=True)
class SentRow:
    """A message that left. `reach` says to how many or where: "3 410 people", "status page"."""

    number: int
    label: str
    at: datetime
    reach: str = ""


@dataclass(frozen=True)
class ComingRow:
    """A message that is being made: its state as a word, a second line, and when it is promised."""

    number: int
    label: str
    detail: str
    at: datetime


@dataclass(frozen=True)
class PromiseRow:
    """A deadline. `state` is pending, met, missed or waived; one that passed unmet counts as missed."""

    label: str
    due_at: datetime
    state: str
    met_at: datetime | None = None


@dataclass(frozen=True)
class Scene:
    """Everything that one timeline shows, at `now`, in the reader's zone."""

    name: str
    now: datetime
    zone: ZoneInfo
    is_over: bool = False
    phases: list[PhaseRow] = field(default_factory=list)
    next_phase: str = ""
    impacts: list[ImpactRow] = field(default_factory=list)
    found_at: datetime | None = None
    milestones: list[MilestoneRow] = field(default_factory=list)
    sent: list[SentRow] = field(default_factory=list)
    coming: list[ComingRow] = field(default_factory=list)
    promises: list[PromiseRow] = field(default_factory=list)
    promises_name: str = "Deadlines"
    # What could not be read into the rows because there is too much of it, in words.
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class PartRow:
    """One component. `state` is a component state or "working"; `rank` is how bad, 0 is working."""

    key: int
    name: str
    product: str
    state: str
    word: str
    rank: int
    is_affected: bool


@dataclass(frozen=True)
class Parts:
    """`needs` are pairs: the first needs the second."""

    name: str
    parts: list[PartRow]
    needs: list[tuple[int, int]]
