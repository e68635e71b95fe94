"""The drawn timeline: phases and impact as bands, milestones, messages, and promises kept and missed below them."""

from collections.abc import Callable

from desk.drawings import texts, words
from desk.drawings.bands import draw_impacts, draw_phases
from desk.drawings.drawing import Drawing
from desk.drawings.head import draw_head, ground
from desk.drawings.lanes import draw_milestones, draw_promises, draw_updates
from desk.drawings.rows import Scene
from desk.drawings.shapes import Line, Shape, Text
from desk.drawings.sheet import LEFT, RIGHT, WIDTH, Sheet


def draw(scene: Scene) -> Drawing:
    """The same scene makes the same picture, byte for byte."""
    sheet = Sheet(scene)
    draw_head(sheet)
    lanes: list[tuple[object, Callable[[Sheet], None]]] = [
        (scene.phases, draw_phases),
        (scene.impacts, draw_impacts),
        (scene.milestones or scene.found_at, draw_milestones),
        (scene.sent or scene.coming, draw_updates),
        (scene.promises, draw_promises),
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
    under, over = ground(sheet, bottom)
    every: list[Shape] = [*under, *sheet.back, *sheet.bands, *over, *sheet.front]
    boxes = [shape.box for shape in every if isinstance(shape, Text)]
    span = words.span(scene, sheet.scale)
    title = f"{texts.clean(scene.name)}, {span}"
    return Drawing(WIDTH, sheet.y + 8, title, words.description(scene), every, sheet.now, boxes, span)
