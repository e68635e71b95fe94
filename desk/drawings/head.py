"""The head of a timeline, days, times and now; and the ground it stands on, the past and the folds."""

from desk.drawings import scale, shapes, texts, words
from desk.drawings.labels import Rows
from desk.drawings.shapes import Line, Path, Rect, Shape, Text
from desk.drawings.sheet import LEFT, RIGHT, WIDTH, Sheet


def draw_head(sheet: Sheet) -> None:
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


def _draw_now(sheet: Sheet, head: Rows, line: float) -> None:
    assert sheet.now is not None
    local = sheet.scene.now.astimezone(sheet.scene.zone)
    by_days = sheet.scale.piece_of(sheet.scene.now).shows_days
    label = f"{local.day} {local:%b}, now" if by_days else f"{local:%H:%M} now"
    width = texts.width(label) + 14
    x = min(max(sheet.now, width / 2), WIDTH - width / 2)
    head.take(x - width / 2 - 2, x + width / 2 + 2)
    sheet.front.append(Rect("now-f", x - width / 2, line - 14, width, 20, 3))
    sheet.front.append(Text("t-on", x, line + 0.4, label, "middle"))


def _draw_days(sheet: Sheet) -> None:
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


def ground(sheet: Sheet, bottom: float) -> tuple[list[Shape], list[Shape]]:
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
