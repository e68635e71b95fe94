"""Where labels go: beside or below their mark, in the first row with room, never over another."""

from collections.abc import Sequence
from dataclasses import dataclass

Stretch = tuple[float, float]
GAP = 6
LEADER = 3


@dataclass(frozen=True)
class Want:
    """A label for the mark at `x`. `beside` is how far from the mark's middle it stands in the first row; 0: it stands
    below, centred. What waits for somebody is said first. `short` is the width of what is said where there is no room.
    """

    x: float
    width: float
    beside: float = 0
    is_loud: bool = False
    short: float = 0


@dataclass(frozen=True)
class Place:
    """`x` with its anchor, and the row: 0 is nearest to the mark."""

    x: float
    anchor: str
    row: int


class Rows:
    """Rows of labels near one line of marks. What is `barred` (the now line, folds) is so in every row."""

    def __init__(self, left: float, right: float, *, barred: Sequence[Stretch] = (), most: int = 1) -> None:
        self.left, self.right, self.barred, self.most = left, right, barred, most
        self._taken: list[list[Stretch]] = [list(barred) for _ in range(most)]
        self._marks: dict[float, Stretch] = {}
        self.used = 0

    def copy(self) -> "Rows":
        other = Rows(self.left, self.right, barred=self.barred, most=self.most)
        other._taken = [list(row) for row in self._taken]
        other._marks = self._marks
        return other

    def mark(self, x: float, reach: float) -> None:
        """A mark stands in the first row, this far to both sides."""
        self._marks[x] = (x - reach, x + reach)
        self.take(x - reach, x + reach)

    def take(self, begin: float, end: float, row: int = 0) -> None:
        self._taken[row].append((begin, end))

    def is_free(self, begin: float, end: float, row: int = 0) -> bool:
        return _free(self._taken[row], begin, end)

    def place(self, want: Want, first: str = "start") -> Place | None:
        """A place for this label, or None when every row is full there. `first` is the anchor that is tried first."""
        for row in range(self.most):
            for place, begin in _choices(want, row, first):
                if self._may_stand(begin, begin + want.width, row, want.x):
                    self._reserve(begin, begin + want.width, row, want.x)
                    self.used = max(self.used, row + 1)
                    return place
        return None

    def place_short(self, want: Want) -> Place | None:
        """Right below the mark, or not at all."""
        begin, row = want.x - want.short / 2, 1 if want.beside else 0
        if row >= self.most or not self._may_stand(begin, begin + want.short, row, want.x):
            return None
        self._reserve(begin, begin + want.short, row, want.x)
        self.used = max(self.used, row + 1)
        return Place(want.x, "middle", row)

    def _may_stand(self, begin: float, end: float, row: int, x: float) -> bool:
        if begin < self.left or end > self.right:
            return False
        # A leader may leave its own mark.
        own = self._marks.get(x)
        above = all(_free(self._taken[each], x - LEADER, x + LEADER, own) for each in range(row))
        return above and _free(self._taken[row], begin - GAP / 2, end + GAP / 2)

    def _reserve(self, begin: float, end: float, row: int, x: float) -> None:
        for each in range(row):
            self.take(x - LEADER, x + LEADER, each)
        self.take(begin - GAP / 2, end + GAP / 2, row)


@dataclass(frozen=True)
class Placed:
    place: Place
    is_short: bool = False


def place_all(rows: Rows, wants: Sequence[Want]) -> tuple[list[Placed | None], int]:
    """Places for all of these labels, and how many rows they take. Of several ways to go about it the one that says
    most wins, then the flattest: what is crowded may be said in short.
    """
    ways = [
        _one_way(rows.copy(), wants, first, turned, short)
        for first in ("start", "end")
        for turned in (False, True)
        for short in (False, True)
    ]
    return min(ways, key=lambda way: (-_said(wants, way[0]), way[1]))


def _one_way(
    rows: Rows, wants: Sequence[Want], first: str, turned: bool, short: bool
) -> tuple[list[Placed | None], int]:
    places: list[Placed | None] = [None] * len(wants)
    order = sorted(range(len(wants)), key=lambda index: wants[index].x, reverse=turned)
    order.sort(key=lambda index: not wants[index].is_loud)
    for index in order:
        want = wants[index]
        if short and want.beside and want.short and not want.is_loud and any(_near(wants, index)):
            continue
        place = rows.place(want, _lean(wants, index) or first)
        places[index] = Placed(place) if place else None
    for index in order:
        if places[index] is None and wants[index].short:
            place = rows.place_short(wants[index])
            places[index] = Placed(place, is_short=True) if place else None
    return places, rows.used


def _near(wants: Sequence[Want], index: int) -> list[bool]:
    """Whether the mark before and the mark after are so near that their labels may meet."""
    here = wants[index]
    return [
        0 <= each < len(wants)
        and abs(wants[each].x - here.x) < (wants[each].width + here.width) / 2 + here.beside + GAP
        for each in (index - 1, index + 1)
    ]


def _lean(wants: Sequence[Want], index: int) -> str:
    """Away from the only near neighbour, or over the middle when there is none; "" between two."""
    if wants[index].beside:
        return ""
    before, after = _near(wants, index)
    return {(False, False): "middle", (True, False): "start", (False, True): "end"}.get((before, after), "")


def _said(wants: Sequence[Want], places: Sequence[Placed | None]) -> float:
    return sum((1.5 if one.is_short else 2) + 6 * want.is_loud for want, one in zip(wants, places, strict=True) if one)


def _choices(want: Want, row: int, first: str) -> list[tuple[Place, float]]:
    """Candidates in order, each with its left end."""
    x, width = want.x, want.width
    if want.beside and row == 0:
        aside = want.beside
        return [(Place(x + aside, "start", 0), x + aside), (Place(x - aside, "end", 0), x - aside - width)]
    inset = -5 if want.beside else 8
    start = Place(x - inset, "start", row), x - inset
    end = Place(x + inset, "end", row), x + inset - width
    ends = [end, start] if first == "end" else [start, end]
    if want.beside:
        return ends
    middle = Place(x, "middle", row), x - width / 2
    return [middle, *ends] if first == "middle" else [ends[0], middle, ends[1]]


def _free(taken: list[Stretch], begin: float, end: float, own: Stretch | None = None) -> bool:
    return not any(one < end and begin < two for one, two in taken if (one, two) != own)
