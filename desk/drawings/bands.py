"""Bands of a timeline: phases, and what each component did."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from desk.drawings import texts, words
from desk.drawings.labels import Stretch
from desk.drawings.rows import ImpactRow
from desk.drawings.shapes import Rect, Text
from desk.drawings.sheet import RIGHT, Sheet

RANKS = {"outage": 3, "partial": 2, "degraded": 1, "maintenance": 0}
BANDS = {"outage": ("out", "t-crit"), "partial": ("out", "t-crit"), "degraded": ("deg", "t-warn")}
MAX_IMPACTS = 6


def draw_phases(sheet: Sheet) -> None:
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


def _end(sheet: Sheet, ended_at: datetime | None) -> float:
    if ended_at is not None:
        return sheet.scale.x(ended_at)
    return sheet.now if sheet.now is not None else RIGHT


def _say(sheet: Sheet, begin: float, end: float, y: float, look: str, choices: Sequence[str]) -> None:
    """The first of these texts that fits into a band, else the beginning of the last."""
    left, right = max(_free_pieces(sheet, begin, end), key=lambda piece: piece[1] - piece[0])
    room = right - left - 14
    whole = next((choice for choice in choices if texts.width(choice) <= room), "")
    said = whole or texts.fit(choices[-1], room)
    if said:
        _write(sheet, Text(look, left + 8, y, said))


def _write(sheet: Sheet, text: Text) -> None:
    """Into a band, unless something stands there: rows that overlap, as none should, stay readable."""
    if not any(one.y == text.y and one.box.meets(text.box) for one in sheet.written):
        sheet.written.append(text)
        sheet.front.append(text)


def _free_pieces(sheet: Sheet, begin: float, end: float) -> list[Stretch]:
    pieces, left = [], begin
    for fold in sheet.scale.folds:
        if left < fold.right and fold.left < end:
            pieces.append((left, max(left, fold.left)))
            left = fold.right
    return [*pieces, (left, max(left, end))]


def draw_impacts(sheet: Sheet) -> None:
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


def _draw_impact(sheet: Sheet, state: ImpactRow, following: ImpactRow | None, y: float) -> None:
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


def _is_clear(sheet: Sheet, begin: float, end: float, until: float) -> bool:
    return end <= until and not any(one < end and begin < two for one, two in sheet.barred)
