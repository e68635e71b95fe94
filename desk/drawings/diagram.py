"""The affected components and what stands next to them: left is what customers touch, right is what that needs."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from desk.drawings import shapes, texts
from desk.drawings.drawing import Drawing
from desk.drawings.rows import PartRow, Parts
from desk.drawings.shapes import Circle, Path, Rect, Shape, Text

MOST = 24
LOOSE = 3
NARROWEST, WIDEST, NODE_HEIGHT = 144, 214, 42
BETWEEN, ROW = 62, 60
TURNS = 12
NODES = {"outage": "node-bad", "partial": "node-bad", "degraded": "node-warn", "maintenance": "node-rest"}
TEXTS = {"outage": "t-crit", "partial": "t-crit", "degraded": "t-warn"}
EDGES = {"outage": "edge-bad", "partial": "edge-bad", "degraded": "edge-warn"}

Edge = tuple[int, int]


@dataclass
class _Spot:
    """A node in its column, or where a long edge passes by one."""

    column: int
    width: float
    y: float = 0
    # Where its long edges pass by, by the node at their end.
    passing: dict[int, list["_Spot"]] = field(default_factory=dict)


def draw(parts: Parts) -> Drawing:
    """The same rows make the same picture, in whatever order they come."""
    shown, left_out = choose(parts)
    keys = {part.key for part in shown}
    edges = _without_cycles(sorted(pair for pair in set(parts.needs) if keys.issuperset(pair)), keys)
    width = _node_width(shown)
    tied = {key for edge in edges for key in edge}
    columns = _columns(tied, edges)
    spots = {part.key: _Spot(columns[part.key], width) for part in shown if part.key in tied}
    hops = _hops(spots, edges)
    height = _set_heights(_order(spots, hops), spots)
    _lay_below([part for part in shown if part.key not in tied], spots, height, width)
    return _picture(parts, shown, left_out, spots, edges)


def _node_width(shown: list[PartRow]) -> float:
    """One width for all, so that most names stand in full."""
    longest = max((texts.width(texts.clean(part.name)) for part in shown), default=0)
    return min(max(longest + 22, NARROWEST), WIDEST)


def choose(parts: Parts) -> tuple[list[PartRow], list[PartRow]]:
    """What is drawn, and what is only named: the worst first, then their neighbours, by how many of them they meet."""
    affected = {part.key for part in parts.parts if part.is_affected}
    meets: dict[int, int] = defaultdict(int)
    for one, two in set(parts.needs):
        meets[one] += two in affected
        meets[two] += one in affected
    wanted = [part for part in parts.parts if part.is_affected or meets[part.key]]
    wanted.sort(
        key=lambda part: (not part.is_affected, -part.rank, -meets[part.key], part.product, part.name, part.key)
    )
    return wanted[:MOST], wanted[MOST:]


def _without_cycles(edges: list[Edge], keys: Iterable[int]) -> list[Edge]:
    """The needs without those that lead back to where one came from."""
    following: dict[int, list[int]] = defaultdict(list)
    for one, two in edges:
        following[one].append(two)
    kept: list[Edge] = []
    state: dict[int, int] = {}

    def visit(key: int) -> None:
        state[key] = 1
        for other in following[key]:
            if state.get(other) == 1:
                continue
            kept.append((key, other))
            if other not in state:
                visit(other)
        state[key] = 2

    for key in sorted(keys):
        if key not in state:
            visit(key)
    return sorted(kept)


def _columns(keys: set[int], edges: list[Edge]) -> dict[int, int]:
    """The longest way from the left; then everything as far right as what needs it allows no gap."""
    needs: dict[int, list[int]] = defaultdict(list)
    needed: dict[int, list[int]] = defaultdict(list)
    for one, two in edges:
        needs[one].append(two)
        needed[two].append(one)
    found: dict[int, int] = {}

    def column(key: int) -> int:
        if key not in found:
            found[key] = max((column(other) + 1 for other in needed[key]), default=0)
        return found[key]

    for key in sorted(keys):
        column(key)
    for key in sorted(keys, key=lambda key: -found[key]):
        # What nobody needs stands next to what it needs, not at the far left.
        if not needed[key] and needs[key]:
            found[key] = min(found[other] for other in needs[key]) - 1
    return found


def _hops(spots: dict[int, _Spot], edges: list[Edge]) -> list[Edge]:
    """The edges from column to column: a longer one passes by spots of its own, with keys below zero."""
    hops: list[Edge] = []
    for one, two in edges:
        last = one
        for column in range(spots[one].column + 1, spots[two].column):
            passing = -len(spots) - 1
            spots[passing] = _Spot(column, spots[one].width)
            spots[one].passing.setdefault(two, []).append(spots[passing])
            hops.append((last, passing))
            last = passing
        hops.append((last, two))
    return hops


def _order(spots: dict[int, _Spot], hops: list[Edge]) -> list[list[int]]:
    """Columns from top to bottom, turned over by barycenter until fewest edges cross."""
    count = max((spot.column for spot in spots.values()), default=-1) + 1
    columns = [[key for key, spot in spots.items() if spot.column == each] for each in range(count)]
    best, fewest = [list(column) for column in columns], crossings(columns, hops)
    for turn in range(TURNS):
        leftwards = bool(turn % 2)
        for index in range(count - 2, -1, -1) if leftwards else range(1, count):
            beside = columns[index + 1] if leftwards else columns[index - 1]
            _by_barycenter(columns[index], beside, hops)
        now = crossings(columns, hops)
        if now < fewest:
            best, fewest = [list(column) for column in columns], now
    return best


def _by_barycenter(column: list[int], beside: list[int], hops: list[Edge]) -> None:
    place = {key: index for index, key in enumerate(beside)}
    met: dict[int, list[int]] = defaultdict(list)
    for one, two in hops:
        if two in place:
            met[one].append(place[two])
        if one in place:
            met[two].append(place[one])
    own = {key: index for index, key in enumerate(column)}
    column.sort(key=lambda key: (sum(met[key]) / len(met[key]) if met[key] else own[key], own[key]))


def crossings(columns: list[list[int]], hops: list[Edge]) -> int:
    """How many pairs of edges cross."""
    place = {key: (column, row) for column, keys in enumerate(columns) for row, key in enumerate(keys)}
    found = 0
    for index, (one, two) in enumerate(hops):
        for three, four in hops[:index]:
            if place[one][0] == place[three][0]:
                found += (place[one][1] - place[three][1]) * (place[two][1] - place[four][1]) < 0
    return found


def _set_heights(columns: list[list[int]], spots: dict[int, _Spot]) -> float:
    """Each column about the middle of the tallest, whose height is returned."""
    tallest = max((len(column) for column in columns), default=0)
    for column in columns:
        top = (tallest - len(column)) * ROW / 2
        for row, key in enumerate(column):
            spots[key].y = 29 + top + row * ROW
    return tallest * ROW


def _lay_below(loose: list[PartRow], spots: dict[int, _Spot], top: float, width: float) -> None:
    """What is tied to nothing, in lines."""
    wide = max([LOOSE - 1, *(spot.column for spot in spots.values())]) + 1
    for index, part in enumerate(loose):
        spots[part.key] = _Spot(index % wide, width, 29 + top + index // wide * ROW)


def _picture(
    parts: Parts, shown: list[PartRow], left_out: list[PartRow], spots: dict[int, _Spot], edges: list[Edge]
) -> Drawing:
    drawn: list[Shape] = []
    states = {part.key: part.state for part in shown}
    # What fails is drawn over what does not.
    for one, two in sorted(edges, key=lambda edge: (_edge_look(states, edge) != "edge", edge)):
        drawn.append(_edge(spots, one, two, _edge_look(states, (one, two))))
    for part in shown:
        drawn += _node(part, spots[part.key])
    height = max((spot.y for spot in spots.values()), default=0) + NODE_HEIGHT / 2 + 8
    width = max((_x(spot) + spot.width for spot in spots.values()), default=0) + 2
    if left_out:
        height, width = height + 22, max(width, 300.0)
        said = texts.fit(f"and {len(left_out)} more: {_names(left_out)}", width - 4)
        drawn.append(Text("t-mut", 1, height - 8, said))
    boxes = [shape.box for shape in drawn if isinstance(shape, Text)]
    return Drawing(width, height, texts.clean(parts.name), describe(parts, shown, left_out), drawn, None, boxes)


def _x(spot: _Spot) -> float:
    return 1 + (spot.width + BETWEEN) * spot.column


def _edge_look(states: dict[int, str], edge: Edge) -> str:
    """To what fails it is dashed red; amber is how trouble got from one to the other."""
    look = EDGES.get(states[edge[1]], "edge")
    return "edge" if look == "edge-warn" and states[edge[0]] not in EDGES else look


def _edge(spots: dict[int, _Spot], one: int, two: int, look: str) -> Path:
    """A curve from the right side of one to the left side of the other, by the spots that were kept free for it."""
    first, last = spots[one], spots[two]
    stops = [(_x(first) + first.width, first.y)]
    for spot in first.passing.get(two, []):
        stops += [(_x(spot), spot.y), (_x(spot) + spot.width, spot.y)]
    stops.append((_x(last), last.y))
    number = shapes.number
    d = f"M{number(stops[0][0])} {number(stops[0][1])}"
    for (x1, y1), (x2, y2) in zip(stops[::2], stops[1::2], strict=True):
        bend = (x2 - x1) / 2
        d += f"C{number(x1 + bend)} {number(y1)} {number(x2 - bend)} {number(y2)} {number(x2)} {number(y2)}"
        if (x2, y2) != stops[-1]:
            d += f"H{number(x2 + first.width)}"
    return Path(look, d)


def _node(part: PartRow, spot: _Spot) -> list[Shape]:
    x, top, width = _x(spot), spot.y - NODE_HEIGHT / 2, spot.width
    name = texts.fit(texts.clean(part.name), width - 22)
    return [
        Rect(NODES.get(part.state, "node"), x, top, width, NODE_HEIGHT, 4),
        Text("t-ink", x + 11, top + 18, name),
        _mark(part.state, x + 16, top + 30),
        Text(TEXTS.get(part.state, "t-mut"), x + 26, top + 34, texts.fit(texts.clean(part.word), width - 34)),
    ]


def _mark(state: str, x: float, y: float) -> Shape:
    """Each state has a shape: down and partly failing are squares, full and half; degraded a diamond."""
    if state == "outage":
        return Rect("d-out", x - 4.5, y - 4.5, 9, 9, 1.5)
    if state == "partial":
        left, top = shapes.number(x - 4.5), shapes.number(y - 4.5)
        return Path("d-half", f"M{left} {top}h9v9h-9zm1.5 1.5h6v3h-6z")
    if state == "degraded":
        return shapes.diamond("d-deg", x, y, 5.4)
    if state == "maintenance":
        return Rect("d-rest", x - 4.5, y - 4.5, 9, 9, 1.5)
    return Circle("d-ok", x, y, 4)


def describe(parts: Parts, shown: list[PartRow], left_out: list[PartRow]) -> str:
    """The diagram in sentences: what is affected, what needs it, and what works."""
    names = {part.key: part.name for part in shown}
    said = []
    for part in shown:
        if part.is_affected:
            users = sorted(names[one] for one, two in set(parts.needs) if two == part.key and one in names)
            needed = f"; needed by {', '.join(users)}" if users else ""
            said.append(f"{part.name}: {part.word.lower()}{needed}.")
    beside = [part for part in shown if not part.is_affected]
    if beside:
        said.append(f"Beside them: {', '.join(f'{part.name} ({part.word.lower()})' for part in beside)}.")
    if left_out:
        said.append(f"Not drawn: {len(left_out)} more.")
    return texts.clean(" ".join(said), 2400)


def _names(parts: list[PartRow]) -> str:
    return ", ".join(texts.clean(part.name) for part in parts[:20])
