"""Marks on a line, and what becomes of those that would stand on each other: one mark for all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from desk.drawings import shapes, texts
from desk.drawings.rows import PromiseRow
from desk.drawings.shapes import Circle, Rect, Shape, Text

AIR = 2.0
SOON_SECONDS = 900


@dataclass
class Mark:
    x: float
    things: list[Any]


def merge(marks: list[Mark], reach: Callable[[Mark], float]) -> list[Mark]:
    """Marks from left to right, those that would touch put together in their middle."""
    found: list[Mark] = []
    for mark in marks:
        found.append(mark)
        while len(found) > 1 and found[-1].x - found[-2].x < reach(found[-1]) + reach(found[-2]) + AIR:
            later, earlier = found.pop(), found.pop()
            count = len(earlier.things) + len(later.things)
            x = (earlier.x * len(earlier.things) + later.x * len(later.things)) / count
            earlier.things.extend(later.things)
            found.append(Mark(x, earlier.things))
    return found


def numbers(mark: Mark) -> str:
    """ "3", or "3–7" of several messages."""
    first, last = mark.things[0].number, mark.things[-1].number
    return str(first) if len(mark.things) == 1 else f"{min(first, last)}–{max(first, last)}"


@lru_cache(maxsize=4096)
def reach_of(label: str) -> float:
    """How far a mark with something written in it stands out to each side."""
    return max(10.0, texts.width(label) / 2 + 6)


def numbered(mark: Mark, middle: float, look: str, text_look: str) -> list[Shape]:
    label = numbers(mark)
    return [_round(label, mark.x, middle, 10, look), Text(text_look, mark.x, middle + 4.5, label, "middle")]


def _round(label: str, x: float, middle: float, radius: float, look: str) -> Shape:
    reach = reach_of(label)
    if reach <= 10:
        return Circle(look, x, middle, radius)
    return Rect(look, x - reach, middle - radius, 2 * reach, 2 * radius, radius)


def state_of(promise: PromiseRow, now: datetime) -> str:
    """met, late (met after its time), missed, waived, soon or due."""
    if promise.state == "met":
        return "late" if promise.met_at and promise.met_at > promise.due_at else "met"
    if promise.state == "waived":
        return "waived"
    if promise.state == "missed" or promise.due_at < now:
        return "missed"
    return "soon" if (promise.due_at - now).total_seconds() <= SOON_SECONDS else "due"


def promise(mark: Mark, middle: float, now: datetime) -> list[Shape]:
    """A tick kept, a square missed, a ring struck out, a clock to come; several: their number in the worst shape."""
    states = [state_of(one, now) for one in mark.things]
    worst = next(state for state in ("missed", "late", "soon", "due", "met", "waived") if state in states)
    x = mark.x
    if len(mark.things) > 1:
        return _several(str(len(mark.things)), x, middle, worst)
    if worst in ("missed", "late"):
        return [Rect("m-crit", x - 8, middle - 8, 16, 16, 2), shapes.cross(x, middle)]
    if worst == "met":
        return [Circle("m-good", x, middle, 8), shapes.tick(x, middle)]
    if worst == "waived":
        strike = f"M{shapes.number(x - 6)} {shapes.number(middle + 6)}l12-12"
        return [Circle("m-off", x, middle, 7.2), shapes.Path("m-strike", strike)]
    if worst == "soon":
        return [Circle("m-due", x, middle, 8), shapes.hands("m-on", x, middle)]
    return [Circle("m-open", x, middle, 8)]


def _several(label: str, x: float, middle: float, worst: str) -> list[Shape]:
    reach = reach_of(label)
    looks = {"missed": "m-crit", "late": "m-crit", "soon": "m-due", "met": "m-good", "waived": "m-off"}
    text = {"missed": "t-surf", "late": "t-surf", "met": "t-surf", "soon": "t-warn"}.get(worst, "t-ink")
    corner = 2 if worst in ("missed", "late") else 8
    body = Rect(looks.get(worst, "m-open"), x - reach, middle - 8, 2 * reach, 16, corner)
    return [body, Text(text, x, middle + 4.3, label, "middle")]
