"""Lanes of marks: milestones, messages, and promises kept and missed."""

from dataclasses import dataclass
from datetime import datetime

from desk.drawings import labels, marks, shapes, texts, words
from desk.drawings.labels import Place, Rows, Want
from desk.drawings.marks import Mark
from desk.drawings.rows import ComingRow
from desk.drawings.shapes import Line, Text
from desk.drawings.sheet import LEFT, Sheet, near


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


def draw_milestones(sheet: Sheet) -> None:
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


def _draw_found(sheet: Sheet, rows: Rows, at: datetime, middle: float) -> list[_Note]:
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


def draw_updates(sheet: Sheet) -> None:
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


def draw_promises(sheet: Sheet) -> None:
    scene, rows, y = sheet.scene, sheet.rows(3), sheet.y
    shown, later = near(scene)
    due = [Mark(sheet.scale.x(words.stands_at(one, scene.now)), [one]) for one in shown]
    notes = []
    for mark in marks.merge(due, lambda mark: 9.5 if len(mark.things) == 1 else marks.reach_of(str(len(mark.things)))):
        sheet.front.append(Line("axis", mark.x, y + 4, mark.x, y + 12))
        sheet.front += marks.promise(mark, y + 21, scene.now)
        lines, look = words.promised(mark.things, scene.now)
        notes.append(_Note(mark.x, lines, 0, look, is_loud=look != "t-mut", short=lines[1][0]))
    used = _annotate(sheet, rows, notes, y + 49, 30)
    sheet.lane(scene.promises_name, 42 + 30 * max(1, used), 26)
    if later:
        sheet.notes.append(words.later(later, scene))


def _annotate(sheet: Sheet, rows: Rows, notes: list[_Note], middle: float, step: float) -> int:
    """Label marks, with a leader where a label had to go further away, and without one where nothing fits."""
    places, used = labels.place_all(rows, [note.want for note in notes])
    for note, placed in zip(notes, places, strict=True):
        if placed is not None:
            if placed.is_short:
                below = middle + (26 if note.beside else -3)
                sheet.front.append(Text("t-mut", note.x, below, note.short, "middle"))
            else:
                _draw_note(sheet, note, placed.place, middle, step)
    return used


def _draw_note(sheet: Sheet, note: _Note, place: Place, middle: float, step: float) -> None:
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
