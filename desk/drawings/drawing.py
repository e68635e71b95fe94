"""A finished picture, whatever it shows."""

from dataclasses import dataclass, field

from desk.drawings import shapes
from desk.drawings.shapes import Box, Shape


@dataclass
class Drawing:
    """A finished picture. `boxes` are what its labels cover."""

    width: float
    height: float
    title: str
    description: str
    shapes: list[Shape]
    now_x: float | None = None
    boxes: list[Box] = field(default_factory=list)
    # From when to when, and by which clock.
    span: str = ""

    @property
    def alt(self) -> str:
        """For a picture of it, in one text."""
        return f"{self.title}. {self.description}"

    @property
    def body(self) -> str:
        return shapes.markup(self.shapes)

    @property
    def now_share(self) -> str | None:
        """How far to the right *now* is: where a region that scrolls should begin."""
        return None if self.now_x is None else f"{self.now_x / self.width:.3f}"

    @property
    def width_px(self) -> str:
        return shapes.number(self.width)

    @property
    def height_px(self) -> str:
        return shapes.number(self.height)

    @property
    def view_box(self) -> str:
        return f"0 0 {shapes.number(self.width)} {shapes.number(self.height)}"
