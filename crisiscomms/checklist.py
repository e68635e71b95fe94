"""What an installation needs before its first message: each house says its steps, and whether they are done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from crisiscomms.models import User


@dataclass(frozen=True)
class Step:
    """`done` looks; it changes nothing. `attempt` is what a button on the set-up page does, named `press`: it returns
    a sentence for whoever pressed, or raises Refused.
    """

    position: int
    key: str
    title: str
    why: str
    url_name: str
    done: Callable[[], bool]
    press: str = ""
    attempt: Callable[[User, datetime], str] | None = None
    # Worth doing, and no message waits for it.
    optional: bool = False
    # What is under way, or nothing.
    so_far: Callable[[], str] = str


@dataclass(frozen=True)
class Seen:
    step: Step
    is_done: bool


_steps: dict[str, Step] = {}


def register(step: Step) -> None:
    _steps[step.key] = step


def look() -> list[Seen]:
    """Every step in order, with what is done."""
    return [Seen(step, step.done()) for step in _in_order()]


def following() -> Step | None:
    """The first step that a message waits for and that is not done."""
    return next((step for step in _in_order() if not step.optional and not step.done()), None)


def pages() -> set[str]:
    """The names of the pages on which steps are done."""
    return {step.url_name for step in _steps.values()}


def _in_order() -> list[Step]:
    return sorted(_steps.values(), key=lambda step: step.position)
