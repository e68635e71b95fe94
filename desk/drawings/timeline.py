"""The drawn timeline: phases and impact as bands, milestones, messages, and promises kept and missed below them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from desk.drawings import labels, marks, scale, shapes, texts, words
from desk.drawings.labels import Place, Rows, Stretch, Want
from desk.drawings.marks import Mark
from desk.drawings.rows import ComingRow, ImpactRow, PromiseRow, Scene
from desk.drawings.scale import Scale
from desk.drawings.shapes import Box, Line, Path, Rect, Shape, Text

WIDTH, LEFT, RIGHT = 1160, 92, 1138
RANKS = {"outage": 3, "partial": 2, "degraded": 1, "maintenance": 0}
BANDS = {"outage": ("out", "t-crit"), "partial": ("out", "t-crit"), "degraded": ("deg", "t-warn")}
MAX_IMPACTS = 6
MAX_MOMENTS = 2000
AHEAD = timedelta(hours=6)


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


class _Sheet:
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


def draw(scene: Scene) -> Drawing:
    """The same scene makes the same picture, byte for byte."""
    sheet = _Sheet(scene)
    _draw_head(sheet)
    lanes: list[tuple[object, Callable[[_Sheet], None]]] = [
        (scene.phases, _draw_phases),
        (scene.impacts, _draw_impacts),
        (scene.milestones or scene.found_at, _draw_milestones),
        (scene.sent or scene.coming, _draw_updates),
        (scene.promises, _draw_promises),
    ]
    for there, lane in lanes:
        if there:
            lane(sheet)
    bottom = sheet.y
    if sheet.back and isinstance(sheet.back[-1], Line) and sheet.back[-1].look == "axis":
        sheet.back.pop()
    for note in sheet.notes:
        sheet.y += 18
        sheet.front.append(Text("t-mut", LEFT, sheet.y, texts.fit(note, RIGHT - LEFT)))
    under, over = _ground(sheet, bottom)
    every: list[Shape] = [*under, *sheet.back, *sheet.bands, *over, *sheet.front]
    boxes = [shape.box for shape in every if isinstance(shape, Text)]
    span = words.span(scene, sheet.scale)
    title = f"{texts.clean(scene.name)}, {span}"
    return Drawing(WIDTH, sheet.y + 8, title, words.description(scene), every, sheet.now, boxes, span)


def _scale(scene: Scene) -> Scale:
    moments = [scene.now, *_moments(scene, _near(scene)[0])]
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


# The head: round times, the now line, days and folds


def _draw_head(sheet: _Sheet) -> None:
    zone = sheet.scene.zone
    several = sheet.scale.needs_days(zone)
    line = 31.0 if several else 15.0
    sheet.top = sheet.y = line + 7
    head = Rows(0, WIDTH, barred=[], most=1)
    if sheet.now is not None:
        _draw_now(sheet, head, line)
    for fold in sheet.scale.folds:
        middle, label = (fold.left + fold.right) / 2, words.length(fold.length, units=1)
        if _head_label(head, middle, label):
            sheet.front.append(Text("t-mut", middle, line, label, "middle"))
    for tick in sheet.scale.ticks(zone):
        sheet.back.append(Line("hair", tick.x, sheet.top + (0 if tick.is_major else 6), tick.x, -1))
        if _head_label(head, tick.x, tick.label):
            sheet.front.append(Text("t-ink" if tick.is_major else "t-mut", tick.x, line, tick.label, "middle"))
    if several:
        _draw_days(sheet)


def _head_label(head: Rows, x: float, label: str) -> bool:
    """A time stands at its line or not at all."""
    half = texts.width(label) / 2
    if x - half < LEFT - 30 or x + half > WIDTH or not head.is_free(x - half - 4, x + half + 4):
        return False
    head.take(x - half - 4, x + half + 4)
    return True


def _draw_now(sheet: _Sheet, head: Rows, line: float) -> None:
    assert sheet.now is not None
    local = sheet.scene.now.astimezone(sheet.scene.zone)
    by_days = sheet.scale.piece_of(sheet.scene.now).shows_days
    label = f"{local.day} {local:%b}, now" if by_days else f"{local:%H:%M} now"
    width = texts.width(label) + 14
    x = min(max(sheet.now, width / 2), WIDTH - width / 2)
    head.take(x - width / 2 - 2, x + width / 2 + 2)
    sheet.front.append(Rect("now-f", x - width / 2, line - 14, width, 20, 3))
    sheet.front.append(Text("t-on", x, line + 0.4, label, "middle"))


def _draw_days(sheet: _Sheet) -> None:
    """Which day the times below belong to: where one begins, and at the left end of every piece."""
    zone, row = sheet.scene.zone, Rows(0, WIDTH, barred=[], most=1)
    begins, news = [], []
    for piece in sheet.scale.pieces:
        if piece.shows_days:
            continue
        begins.append((piece.left, piece.begin))
        news += [(piece.x(at), at) for at in scale.midnights(piece, zone)]
    for x, at in news + begins:
        local = at.astimezone(zone)
        label = f"{local:%a} {local.day} {local:%b}"
        width = texts.width(label)
        if x + width <= WIDTH and row.is_free(x, x + width):
            row.take(x - 4, x + width + 4)
            sheet.front.append(Text("t-ink", x, 14, label))


def _ground(sheet: _Sheet, bottom: float) -> tuple[list[Shape], list[Shape]]:
    """What lies under everything, the past as a shade; and what lies over the bands: folds and the now line."""
    top = sheet.top
    end = sheet.now if sheet.now is not None else RIGHT
    under: list[Shape] = [Rect("past", LEFT, top, max(0.0, end - LEFT), bottom - top)]
    for index, shape in enumerate(sheet.back):
        if isinstance(shape, Line) and shape.y2 < 0:
            sheet.back[index] = Line(shape.look, shape.x1, shape.y1, shape.x2, bottom)
    over: list[Shape] = [mark for fold in sheet.scale.folds for mark in _fold(fold, top, bottom)]
    if sheet.now is not None:
        over.append(Line("now", sheet.now, top - 2, sheet.now, bottom))
    return under, over


def _fold(fold: scale.Fold, top: float, bottom: float) -> list[Shape]:
    """A tear through the paper."""
    inset = 7
    teeth = max(2, int((bottom - top) // 12))
    step = (bottom - top) / teeth
    edges: list[Shape] = []
    for x in (fold.left + inset, fold.right - inset):
        zigzag = "".join(f"l{3 if tooth % 2 else -3} {shapes.number(step)}" for tooth in range(teeth))
        edges.append(Path("axis", f"M{shapes.number(x)} {shapes.number(top)}{zigzag}"))
    return [Rect("tear", fold.left + inset, top, fold.right - fold.left - 2 * inset, bottom - top), *edges]


# Bands


def _draw_phases(sheet: _Sheet) -> None:
    scene, y = sheet.scene, sheet.y
    for phase in scene.phases:
        begin, end = sheet.scale.x(phase.began_at), _end(sheet, phase.ended_at)
        here = phase.ended_at is None and not scene.is_over
        lasted = words.length((phase.ended_at or scene.now) - phase.began_at)
        said = f"{phase.label}, {lasted} so far" if here else f"{phase.label}, {lasted}"
        sheet.bands.append(Rect("band-here" if here else "band", begin, y + 15, max(2, end - begin), 26, 3))
        _say(sheet, begin, end, y + 32.5, "t-brand" if here else "t-ink", [said, phase.label])
    if scene.next_phase and sheet.now is not None and RIGHT - sheet.now > 20:
        sheet.bands.append(Rect("band-next", sheet.now, y + 15, RIGHT - sheet.now, 26, 3))
        _say(sheet, sheet.now, RIGHT, y + 32.5, "t-mut", [scene.next_phase, scene.next_phase.split(":")[0]])
    sheet.lane("Phase", 50, 32)


def _end(sheet: _Sheet, ended_at: datetime | None) -> float:
    if ended_at is not None:
        return sheet.scale.x(ended_at)
    return sheet.now if sheet.now is not None else RIGHT


def _say(sheet: _Sheet, begin: float, end: float, y: float, look: str, choices: Sequence[str]) -> None:
    """The first of these texts that fits into a band, else the beginning of the last."""
    left, right = max(_free_pieces(sheet, begin, end), key=lambda piece: piece[1] - piece[0])
    room = right - left - 14
    whole = next((choice for choice in choices if texts.width(choice) <= room), "")
    said = whole or texts.fit(choices[-1], room)
    if said:
        _write(sheet, Text(look, left + 8, y, said))


def _write(sheet: _Sheet, text: Text) -> None:
    """Into a band, unless something stands there: rows that overlap, as none should, stay readable."""
    if not any(one.y == text.y and one.box.meets(text.box) for one in sheet.written):
        sheet.written.append(text)
        sheet.front.append(text)


def _free_pieces(sheet: _Sheet, begin: float, end: float) -> list[Stretch]:
    pieces, left = [], begin
    for fold in sheet.scale.folds:
        if left < fold.right and fold.left < end:
            pieces.append((left, max(left, fold.left)))
            left = fold.right
    return [*pieces, (left, max(left, end))]


def _draw_impacts(sheet: _Sheet) -> None:
    parts = _parts(sheet.scene.impacts)
    shown, others = parts[:MAX_IMPACTS], parts[MAX_IMPACTS:]
    if others:
        sheet.notes.append(f"{len(others)} more components were affected; the table has them all.")
    for index, states in enumerate(shown):
        y = sheet.y + 8 + 24 * index
        for state, following in zip(states, [*states[1:], None], strict=True):
            _draw_impact(sheet, state, following, y)
    sheet.lane("Impact", 24 * len(shown) + 12, 22)


def _parts(impacts: Iterable[ImpactRow]) -> list[list[ImpactRow]]:
    """The states of each component in order of time; the worst component first."""
    ordered = sorted(impacts, key=lambda one: (one.component, one.began_at))
    parts = [list(states) for _, states in groupby(ordered, key=lambda one: one.component)]
    return sorted(parts, key=lambda one: (-max(RANKS.get(each.state, 0) for each in one), one[0].began_at))


def _draw_impact(sheet: _Sheet, state: ImpactRow, following: ImpactRow | None, y: float) -> None:
    begin, end = sheet.scale.x(state.began_at), _end(sheet, state.ended_at)
    band, look = BANDS.get(state.state, ("band", "t-ink"))
    sheet.bands.append(Rect(band, begin, y, max(2, end - begin), 20, 3))
    name = texts.clean(state.component)
    said = f"{name}: {state.word.lower()}"
    lasted = words.length((state.ended_at or sheet.scene.now) - state.began_at)
    choices = [f"{said}, {lasted}" if state.ended_at else said, said]
    widest = max(right - left for left, right in _free_pieces(sheet, begin, end)) - 14
    free_until = sheet.scale.x(following.began_at) - 6 if following else RIGHT + 18
    if not any(texts.width(choice) <= widest for choice in choices):
        for choice in choices:
            if _is_clear(sheet, end + 6, end + 6 + texts.width(choice), free_until):
                _write(sheet, Text(look, end + 6, y + 14.5, choice))
                return
        choices = [f"{state.word}: {name}"]
    _say(sheet, begin, end, y + 14.5, look, choices)


def _is_clear(sheet: _Sheet, begin: float, end: float, until: float) -> bool:
    return end <= until and not any(one < end and begin < two for one, two in sheet.barred)


# Marks


def _draw_milestones(sheet: _Sheet) -> None:
    scene, rows, middle = sheet.scene, sheet.rows(5), sheet.y + 21
    placed = [Mark(sheet.scale.x(one.at), [one]) for one in sorted(scene.milestones, key=lambda one: one.at)]
    merged = marks.merge(placed, lambda mark: 8.0)
    for mark in merged:
        rows.mark(mark.x, 8)
    notes = [] if scene.found_at is None else _draw_found(sheet, rows, scene.found_at, middle)
    for mark in merged:
        sheet.front.append(shapes.diamond("m-ink", mark.x, middle))
        count, label = len(mark.things), texts.clean(mark.things[0].label)
        said = label if count == 1 else f"{label} and {count - 1} more"
        notes.append(_Note(mark.x, [(words.clock(mark.things[0].at, scene), said)], 12, "t-ink"))
    used = _annotate(sheet, rows, notes, middle, 16)
    sheet.lane("Milestones", 42 + 16 * max(0, used - 1), 25)


def _draw_found(sheet: _Sheet, rows: Rows, at: datetime, middle: float) -> "list[_Note]":
    """When it was found: the clocks count from there. Said beside its line, or among the others where that is full."""
    x, time = sheet.scale.x(at), words.clock(at, sheet.scene)
    width = max(texts.width("found"), texts.width(time))
    sheet.front.append(Line("rule", x, middle - 9, x, middle + 9))
    for left, anchor in ((x - 6 - width, "end"), (x + 6, "start")):
        if left >= LEFT - 22 and rows.is_free(left, left + width):
            edge = x - 6 if anchor == "end" else x + 6
            # Its second line reaches into the second row.
            rows.take(left - 3, left + width + 3, 0)
            rows.take(left - 3, left + width + 3, 1)
            sheet.front.append(Text("t-mut", edge, middle - 3, "found", anchor))
            sheet.front.append(Text("t-ink", edge, middle + 11, time, anchor))
            rows.take(x - 3, x + 3)
            return []
    rows.mark(x, 3)
    return [_Note(x, [(time, "found")], 8, "t-ink")]


def _draw_updates(sheet: _Sheet) -> None:
    scene, rows, middle = sheet.scene, sheet.rows(4), sheet.y + 23
    sent = [Mark(sheet.scale.x(one.at), [one]) for one in sorted(scene.sent, key=lambda one: one.at)]
    coming = [Mark(sheet.scale.x(one.at), [one]) for one in sorted(scene.coming, key=lambda one: one.at)]
    notes = []
    for mark in marks.merge(sent + coming, lambda mark: marks.reach_of(marks.numbers(mark))):
        reach = marks.reach_of(marks.numbers(mark))
        rows.mark(mark.x, reach)
        last = mark.things[-1]
        is_coming = isinstance(last, ComingRow)
        sheet.front += marks.numbered(mark, middle, *(("m-open", "t-ink") if is_coming else ("m-sent", "t-surf")))
        if len(mark.things) == 1 and is_coming:
            lines = [(texts.clean(last.label, 40), ""), (texts.clean(last.detail, 40), "")]
            notes.append(_Note(mark.x, lines, reach + 5, "t-warn", is_loud=True))
        else:
            time = "" if is_coming else words.clock(mark.things[0].at, scene)
            notes.append(_Note(mark.x, words.sent(mark.things, scene), reach + 5, "t-ink", short=time))
    used = _annotate(sheet, rows, notes, middle, 30)
    sheet.lane("Updates", 46 + 30 * max(0, used - 1), 27)


def _draw_promises(sheet: _Sheet) -> None:
    scene, rows, y = sheet.scene, sheet.rows(3), sheet.y
    shown, later = _near(scene)
    due = [Mark(sheet.scale.x(words.stands_at(one, scene.now)), [one]) for one in shown]
    notes = []
    for mark in marks.merge(due, lambda mark: 9.5 if len(mark.things) == 1 else marks.reach_of(str(len(mark.things)))):
        sheet.front.append(Line("axis", mark.x, y + 4, mark.x, y + 12))
        sheet.front += marks.promise(mark, y + 21, scene.now)
        lines, look = words.promised(mark.things, scene.now)
        notes.append(_Note(mark.x, lines, 0, look, is_loud=look != "t-mut"))
    used = _annotate(sheet, rows, notes, y + 49, 30)
    sheet.lane(scene.promises_name, 42 + 30 * max(1, used), 26)
    if later:
        sheet.notes.append(words.later(later, scene))


def _near(scene: Scene) -> tuple[list[PromiseRow], list[PromiseRow]]:
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


@dataclass(frozen=True)
class _Note:
    """What a mark says: one or two lines of (words, what follows in plain). `look` is that of the first line beside a
    mark, and of the second below a deadline.
    """

    x: float
    lines: list[tuple[str, str]]
    beside: float
    look: str
    is_loud: bool = False
    short: str = ""

    @property
    def want(self) -> Want:
        width = max(texts.width(f"{first} {rest}".rstrip()) for first, rest in self.lines)
        return Want(self.x, width, self.beside, self.is_loud, texts.width(self.short))


def _annotate(sheet: _Sheet, rows: Rows, notes: list[_Note], middle: float, step: float) -> int:
    """Label marks, with a leader where a label had to go further away, and without one where nothing fits."""
    places, used = labels.place_all(rows, [note.want for note in notes])
    for note, placed in zip(notes, places, strict=True):
        if placed is not None:
            if placed.is_short:
                below = middle + (20.5 if step < 20 else 26)
                sheet.front.append(Text("t-mut", note.x, below, note.short, "middle"))
            else:
                _draw_note(sheet, note, placed.place, middle, step)
    return used


def _draw_note(sheet: _Sheet, note: _Note, place: Place, middle: float, step: float) -> None:
    row = middle + step * place.row
    if place.row:
        begin = middle + 10 if note.beside else middle - 18
        short = 9.0 if not note.beside else 4.0 if step > 16 else -4.0
        sheet.front.append(Line("axis", note.x, begin, note.x, row - short))
    alone = len(note.lines) == 1
    looks = [note.look, "t-mut"] if note.beside else ["", note.look]
    first = row + (4.5 if alone else -3)
    for index, (said, rest) in enumerate(note.lines):
        sheet.front.append(Text(looks[index], place.x, first + 14 * index, said, place.anchor, rest))
