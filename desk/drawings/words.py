"""What drawings say: times and lengths, the title and the description, and the table of the same data."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from crisiscomms import wording
from desk.drawings import marks, texts
from desk.drawings.rows import PromiseRow, Scene, SentRow
from desk.drawings.scale import Scale

Row = TypeVar("Row")
NAMED = 12
SHOWN_ROWS = 1000
KEPT = {"met": "kept", "late": "late", "missed": "missed", "waived": "waived", "soon": "due", "due": "due"}


def length(delta: timedelta, units: int = 2) -> str:
    """A length of time as drawings write it, with plain spaces: "2 h 29 min", or "2 d" with one unit."""
    said = wording.in_words(delta)
    return " ".join(said.split(" ")[:units]).replace("\xa0", " ")


def clock(at: datetime, scene: Scene) -> str:
    return f"{at.astimezone(scene.zone):%H:%M}"


def day_clock(at: datetime, scene: Scene) -> str:
    """ "14:30", with its day where that is not today's."""
    local, today = at.astimezone(scene.zone), scene.now.astimezone(scene.zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {local:%b}{year}, {local:%H:%M}"


def zone_name(at: datetime, scene: Scene) -> str:
    name = at.astimezone(scene.zone).tzname() or ""
    return f"UTC{name}" if name[:1] in "+-" else name


def zone_names(scene: Scene, scale: Scale) -> str:
    """ "CET", or "CEST and CET" where the clocks change within the drawing."""
    ends = [scale.pieces[0].begin, *(piece.end for piece in scale.pieces)]
    return " and ".join(dict.fromkeys(zone_name(at, scene) for at in ends))


def span(scene: Scene, scale: Scale) -> str:
    """ "17 Nov 2026, 10:30 to 15:30 CET"; both days where it goes from one to another."""
    begin, end = (at.astimezone(scene.zone) for at in (scale.pieces[0].begin, scale.pieces[-1].end))
    first, last = (f"{at.day} {at:%b}" for at in (begin, end))
    first += f" {begin.year}" if begin.year != end.year else ""
    last += f" {end.year}"
    said = f"{last}, {begin:%H:%M} to {end:%H:%M}" if begin.date() == end.date() else f"{first} to {last}, in"
    return f"{said} {zone_names(scene, scale)}"


def sent(messages: Sequence[SentRow], scene: Scene) -> list[tuple[str, str]]:
    """Two lines beside the mark of one message, or of several."""
    first, last = messages[0], messages[-1]
    if len(messages) > 1:
        return [(f"{len(messages)} messages", ""), (f"{clock(first.at, scene)} to {clock(last.at, scene)}", "")]
    second = f"{clock(first.at, scene)}, {first.reach}" if first.reach else clock(first.at, scene)
    return [(texts.clean(first.label, 60), ""), (texts.clean(second, 60), "")]


def promised(promises: Sequence[PromiseRow], now: datetime) -> tuple[list[tuple[str, str]], str]:
    """Two lines below the mark of one deadline, or of several, and how the second looks."""
    states = Counter(marks.state_of(one, now) for one in promises)
    bad = states["missed"] + states["late"]
    if len(promises) > 1:
        counts = Counter(KEPT[marks.state_of(one, now)] for one in promises)
        said = ", ".join(
            f"{counts[word]} {word}" for word in ("missed", "late", "due", "kept", "waived") if counts[word]
        )
        return [(f"{len(promises)} deadlines", ""), (said, "")], "t-crit" if bad else "t-mut"
    one = promises[0]
    return [(texts.clean(one.label, 30), ""), (how(one, now), "")], _look(marks.state_of(one, now))


def _look(state: str) -> str:
    return {"missed": "t-crit", "late": "t-crit", "soon": "t-warn"}.get(state, "t-mut")


def stands_at(promise: PromiseRow, now: datetime) -> datetime:
    """When it was due; one that was kept before a time still to come stands where it was kept."""
    if promise.state == "met" and promise.met_at and promise.due_at > now:
        return min(promise.met_at, now)
    return promise.due_at


def later(promises: Sequence[PromiseRow], scene: Scene) -> str:
    """Deadlines too far ahead to be drawn, in order of time."""
    first, last = promises[0], promises[-1]
    if len(promises) == 1:
        return f"Later: {texts.clean(first.label, 60)}, due {day_clock(first.due_at, scene)}."
    ends = f"the next {day_clock(first.due_at, scene)}, the last {day_clock(last.due_at, scene)}"
    return f"Later: {len(promises)} deadlines, {ends}."


def how(promise: PromiseRow, now: datetime) -> str:
    """How a deadline stands: "4 min early", "11 min late", "due in 21 min", "waived"."""
    state = marks.state_of(promise, now)
    if state in ("met", "late"):
        if promise.met_at is None or abs(promise.met_at - promise.due_at) < timedelta(minutes=1):
            return "kept on time" if state == "met" else "late"
        gap = length(promise.met_at - promise.due_at)
        return f"{gap} early" if state == "met" else f"{gap} late"
    if state == "missed":
        return f"{length(max(now - promise.due_at, timedelta()))} late"
    return "waived" if state == "waived" else f"due in {length(promise.due_at - now)}"


def description(scene: Scene) -> str:
    """The drawing in sentences, for who does not see it; much of a kind is counted instead of named."""
    parts = [
        _named("Phases", scene.phases, lambda one: _span(one.label, one.began_at, one.ended_at, scene)),
        _named(
            "Affected",
            scene.impacts,
            lambda one: _span(f"{one.component}, {one.word.lower()}", one.began_at, one.ended_at, scene),
        ),
        _named("Reached", scene.milestones, lambda one: f"{one.label} {day_clock(one.at, scene)}"),
        _named("Sent", scene.sent, lambda one: f"{one.number} {one.label} {day_clock(one.at, scene)}"),
        _named("In preparation", scene.coming, lambda one: f"{one.number} {one.label.lower()}"),
        *_promises(scene),
    ]
    return texts.clean(" ".join(part for part in parts if part), 2400)


def _promises(scene: Scene) -> list[str]:
    groups: dict[str, list[PromiseRow]] = {}
    words = {"met": "Kept", "waived": "Waived", "soon": "Due", "due": "Due"}
    for one in scene.promises:
        groups.setdefault(words.get(marks.state_of(one, scene.now), "Missed"), []).append(one)

    def say(one: PromiseRow) -> str:
        return f"{one.label} {day_clock(one.due_at, scene)}, {how(one, scene.now)}"

    return [_named(word, groups.get(word, []), say) for word in ("Missed", "Due", "Kept", "Waived")]


def _span(label: str, began_at: datetime, ended_at: datetime | None, scene: Scene) -> str:
    begin = day_clock(began_at, scene)
    return f"{label} {begin} to {day_clock(ended_at, scene)}" if ended_at else f"{label} since {begin}"


def _named(word: str, rows: Sequence[Row], say: Callable[[Row], str]) -> str:
    if not rows:
        return ""
    more = f"; and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    return f"{word}: {'; '.join(say(row) for row in rows[:NAMED])}{more}."


@dataclass(frozen=True)
class Line:
    """A row of the table: when, what kind of thing, what, and how it stands."""

    at: datetime
    kind: str
    what: str
    how: str


def table(scene: Scene) -> list[Line]:
    """All that the drawing shows, oldest first."""
    lines = [Line(scene.found_at, "Milestone", "Found", "")] if scene.found_at else []
    lines += [Line(one.began_at, "Phase", one.label, _until(one.ended_at, scene)) for one in scene.phases]
    lines += [
        Line(one.began_at, "Impact", f"{one.component}: {one.word.lower()}", _until(one.ended_at, scene))
        for one in scene.impacts
    ]
    lines += [Line(one.at, "Milestone", one.label, "") for one in scene.milestones]
    lines += [Line(one.at, "Message", f"{one.number} {one.label}", one.reach) for one in scene.sent]
    lines += [Line(one.at, "Message to come", f"{one.number} {one.label}", one.detail) for one in scene.coming]
    lines += [Line(one.due_at, "Deadline", one.label, how(one, scene.now)) for one in scene.promises]
    return sorted(lines, key=lambda line: (line.at, line.kind, line.what))


def _until(ended_at: datetime | None, scene: Scene) -> str:
    return f"until {day_clock(ended_at, scene)}" if ended_at else "goes on"
