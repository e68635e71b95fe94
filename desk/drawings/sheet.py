"""What a timeline is drawn on: its scale, its layers, and how far down it has come."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from desk.drawings import scale, words
from desk.drawings.labels import Rows, Stretch
from desk.drawings.rows import PromiseRow, Scene
from desk.drawings.scale import Scale
from desk.drawings.shapes import Line, Shape, Text

WIDTH, LEFT, RIGHT = 1160, 92, 1138
MAX_MOMENTS = 2000
AHEAD = timedelta(hours=6)


class Sheet:
    """What is drawn so far, in layers: `back` lies behind the bands, `front` above everything."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.scale = _scale(scene)
        self.now = None if scene.is_over else self.scale.x(scene.now)
        self.y = 0.0
        self.top = 0.0
        self.notes = list(scene.left_out)
        self.back: list[Shape] = []
        self.bands: list[Shape] = []
        self.front: list[Shape] = []
        self.written: list[Text] = []

    @property
    def barred(self) -> list[Stretch]:
        """Where no label may stand: the now line. A fold may be written over, as there is nothing in it."""
        return [(self.now - 4, self.now + 4)] if self.now is not None else []

    def rows(self, most: int) -> Rows:
        return Rows(LEFT + 2, WIDTH, barred=self.barred, most=most)

    def lane(self, name: str, height: float, name_at: float) -> None:
        """Close a lane of this height and name it."""
        self.front.append(Text("t-mut", 0, self.y + name_at, name))
        self.y += height
        self.back.append(Line("axis", 0, self.y, RIGHT, self.y))


def _scale(scene: Scene) -> Scale:
    moments = [scene.now, *_moments(scene, near(scene)[0])]
    if not scene.is_over:
        # Some future, for what comes next: never so much that it were a silence to be folded.
        ahead = (scene.now - min(moments)) * 0.2
        moments.append(scene.now + min(max(ahead, timedelta(minutes=25)), scale.LONG * 0.8))
    elif len(moments) > 1:
        moments.remove(scene.now)
    return scale.make(moments[:1] + _thinned(moments[1:]), LEFT + 4, RIGHT)


def _moments(scene: Scene, promises: Sequence[PromiseRow]) -> list[datetime]:
    found: list[datetime | None] = [scene.found_at]
    for span in [*scene.phases, *scene.impacts]:
        found += [span.began_at, span.ended_at]
    found += [one.at for one in [*scene.milestones, *scene.sent, *scene.coming]]
    found += [words.stands_at(one, scene.now) for one in promises]
    return [one for one in found if one is not None]


def _thinned(moments: list[datetime]) -> list[datetime]:
    """Enough of them to know where the silences are; the first and the last always."""
    ordered = sorted(moments)
    step = -(-len(ordered) // MAX_MOMENTS)
    return [*ordered[::step], *ordered[-1:]] if ordered else []


def near(scene: Scene) -> tuple[list[PromiseRow], list[PromiseRow]]:
    """Deadlines to draw, and those too far ahead: they would take the room of what happens now. The next is drawn
    whenever it is due within two weeks.
    """
    ordered = sorted(scene.promises, key=lambda one: words.stands_at(one, scene.now))
    first = min([scene.now, *_moments(scene, ordered[:1])])
    horizon = scene.now + min(max((scene.now - first) * 0.25, AHEAD), timedelta(days=7))
    open_ones = [one for one in ordered if one.state in ("pending", "missed") and one.due_at >= scene.now]
    following = open_ones[0].due_at if open_ones else scene.now
    if following <= scene.now + timedelta(days=14):
        horizon = max(horizon, following)
    near = [one for one in ordered if words.stands_at(one, scene.now) <= horizon]
    return near, [one for one in open_ones if one.due_at > horizon]
