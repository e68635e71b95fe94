"""The few shapes that drawings are made of, and their markup: classes and numbers only, every text escaped."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from desk.drawings import texts


class Shape(Protocol):
    def markup(self) -> str: ...


def number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


@dataclass(frozen=True)
class Rect:
    look: str
    x: float
    y: float
    width: float
    height: float
    round: float = 0

    def markup(self) -> str:
        corner = f' rx="{number(self.round)}"' if self.round else ""
        place = f'x="{number(self.x)}" y="{number(self.y)}" width="{number(self.width)}" height="{number(self.height)}"'
        return f'<rect class="{self.look}" {place}{corner}/>'


@dataclass(frozen=True)
class Line:
    look: str
    x1: float
    y1: float
    x2: float
    y2: float

    def markup(self) -> str:
        ends = f'x1="{number(self.x1)}" y1="{number(self.y1)}" x2="{number(self.x2)}" y2="{number(self.y2)}"'
        return f'<line class="{self.look}" {ends}/>'


@dataclass(frozen=True)
class Circle:
    look: str
    x: float
    y: float
    radius: float

    def markup(self) -> str:
        return f'<circle class="{self.look}" cx="{number(self.x)}" cy="{number(self.y)}" r="{number(self.radius)}"/>'


@dataclass(frozen=True)
class Path:
    look: str
    d: str

    def markup(self) -> str:
        return f'<path class="{self.look}" d="{self.d}"/>'


@dataclass(frozen=True)
class Box:
    """What a label covers."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


@dataclass(frozen=True)
class Text:
    """One line. `rest` follows in the second look, after a space. `anchor`: start, middle, end."""

    look: str
    x: float
    y: float
    words: str
    anchor: str = "start"
    rest: str = ""

    @property
    def width(self) -> float:
        return texts.width(f"{self.words} {self.rest}" if self.rest else self.words)

    @property
    def box(self) -> Box:
        left = self.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor] * self.width
        return Box(left, self.y - 10, left + self.width, self.y + 3)

    def markup(self) -> str:
        look = f' class="{self.look}"' if self.look and not self.rest else ""
        anchor = f' text-anchor="{self.anchor}"' if self.anchor != "start" else ""
        words: str = escape(texts.drawable(self.words))
        if self.rest:
            words = f'<tspan class="{self.look}">{words}</tspan> {escape(texts.drawable(self.rest))}'
        return f'<text{look} x="{number(self.x)}" y="{number(self.y)}"{anchor}>{words}</text>'


def markup(shapes: Iterable[Shape]) -> SafeString:
    """Safe, as each shape escapes its words."""
    return mark_safe("".join(shape.markup() for shape in shapes))


def diamond(look: str, x: float, y: float, radius: float = 7) -> Path:
    r = number(radius)
    return Path(look, f"M{number(x)} {number(y - radius)}l{r} {r}-{r} {r}-{r}-{r}z")


def tick(x: float, y: float) -> Path:
    return Path("m-ko", f"M{number(x - 3.6)} {number(y + 0.4)}l2.5 2.5 4.8-5.2")


def cross(x: float, y: float) -> Path:
    return Path("m-ko", f"M{number(x - 3.4)} {number(y - 3.4)}l6.8 6.8M{number(x + 3.4)} {number(y - 3.4)}l-6.8 6.8")


def hands(look: str, x: float, y: float) -> Path:
    """Of a clock."""
    return Path(look, f"M{number(x)} {number(y - 4.4)}v4.6l3 2")
