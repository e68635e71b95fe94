"""Time along a line: long silences are folded, and ticks fall on round times of the reader's own clock."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo

FOLD_WIDTH = 28
MIN_PIECE = 78
MAX_PIECES = 7
LONG = timedelta(hours=3)
# A silence longer than this share of what is not folded yet is folded, and than that share of the whole.
SHARE, LEAST = 0.15, 0.02
MINUTE, HOUR, DAY = 60, 3600, 86400
STEPS = [m * MINUTE for m in (1, 2, 5, 10, 15, 30)] + [h * HOUR for h in (1, 2, 3, 6, 12)]
DAY_STEPS = [1, 2, 7, 14, 31, 92, 366]
TICK_ROOM, DAY_ROOM = 60, 78


@dataclass(frozen=True)
class Piece:
    """A stretch of time drawn at one scale."""

    begin: datetime
    end: datetime
    left: float
    right: float

    @cached_property
    def pixels_per_second(self) -> float:
        return (self.right - self.left) / max(1.0, (self.end - self.begin).total_seconds())

    @property
    def shows_days(self) -> bool:
        """Too long for times of day: its ticks are days."""
        return STEPS[-1] * self.pixels_per_second < TICK_ROOM

    def x(self, at: datetime) -> float:
        return self.left + (at - self.begin).total_seconds() * self.pixels_per_second


@dataclass(frozen=True)
class Fold:
    left: float
    right: float
    length: timedelta


@dataclass(frozen=True)
class Tick:
    x: float
    at: datetime
    label: str
    is_major: bool
    is_day: bool


class Scale:
    """Where a moment stands: never left of an earlier one, whatever is folded between them."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = list(pieces)
        self._begins = [piece.begin for piece in self.pieces]
        self.folds = [Fold(one.right, two.left, two.begin - one.end) for one, two in pairwise(self.pieces)]

    @property
    def left(self) -> float:
        return self.pieces[0].left

    @property
    def right(self) -> float:
        return self.pieces[-1].right

    def x(self, at: datetime) -> float:
        index = max(0, bisect_right(self._begins, at) - 1)
        piece = self.pieces[index]
        if at <= piece.end:
            return max(piece.left, piece.x(at))
        if index + 1 == len(self.pieces):
            return piece.right
        following = self.pieces[index + 1]
        share = (at - piece.end) / (following.begin - piece.end)
        return piece.right + share * (following.left - piece.right)

    def ticks(self, zone: ZoneInfo) -> list[Tick]:
        return [tick for piece in self.pieces for tick in _ticks(piece, zone)]

    def piece_of(self, at: datetime) -> Piece:
        return self.pieces[max(0, bisect_right(self._begins, at) - 1)]

    def needs_days(self, zone: ZoneInfo) -> bool:
        """Whether its times of day belong to more than one day."""
        if all(piece.shows_days for piece in self.pieces):
            return False
        ends = {moment.astimezone(zone).date() for piece in self.pieces for moment in (piece.begin, piece.end)}
        return len(ends) > 1


def make(moments: Sequence[datetime], left: float, right: float) -> Scale:
    """A scale over all of these moments."""
    clusters = _clusters(sorted(moments))
    widths = _widths(clusters, right - left)
    pieces, x = [], left
    for index, (cluster, width) in enumerate(zip(clusters, widths, strict=True)):
        before = clusters[index - 1][-1] if index else None
        after = clusters[index + 1][0] if index + 1 < len(clusters) else None
        begin, end = _padded(cluster[0], cluster[-1], before, after)
        pieces.append(Piece(begin, end, x, x + width))
        x += width + FOLD_WIDTH
    return Scale(pieces)


def _clusters(moments: list[datetime]) -> list[list[datetime]]:
    """The moments, cut at the silences that are folded."""
    gaps = sorted(((later - earlier, index) for index, (earlier, later) in enumerate(pairwise(moments))), reverse=True)
    unfolded = moments[-1] - moments[0]
    least = max(LONG, unfolded * LEAST)
    cuts: list[int] = []
    for gap, index in gaps:
        if len(cuts) + 1 == MAX_PIECES or gap < least or gap <= unfolded * SHARE:
            break
        cuts.append(index + 1)
        unfolded -= gap
    bounds = [0, *sorted(cuts), len(moments)]
    return [moments[one:two] for one, two in pairwise(bounds)]


def _widths(clusters: list[list[datetime]], room: float) -> list[float]:
    """Room for what lasts long, and more for what has much to tell."""
    free = room - FOLD_WIDTH * (len(clusters) - 1) - MIN_PIECE * len(clusters)
    lengths = [max(1.0, (one[-1] - one[0]).total_seconds()) for one in clusters]
    counts = [len(set(one)) for one in clusters]
    shares = [
        0.35 * length / sum(lengths) + 0.65 * count / sum(counts) for length, count in zip(lengths, counts, strict=True)
    ]
    return [MIN_PIECE + share * free for share in shares]


def _padded(
    begin: datetime, end: datetime, before: datetime | None, after: datetime | None
) -> tuple[datetime, datetime]:
    """Some air on both sides, of which a folded silence keeps most."""
    air = max((end - begin) * 0.05, timedelta(minutes=8))
    earlier = min(air, (begin - before) * 0.3) if before else air
    later = min(air, (after - end) * 0.3) if after else air
    return begin - earlier, end + later


def _ticks(piece: Piece, zone: ZoneInfo) -> Iterator[Tick]:
    for step in STEPS:
        if step * piece.pixels_per_second >= TICK_ROOM:
            yield from _clock_ticks(piece, zone, step)
            return
    wanted = (days for days in DAY_STEPS if days * DAY * piece.pixels_per_second >= DAY_ROOM)
    yield from _day_ticks(piece, zone, next(wanted, DAY_STEPS[-1]))


def _clock_ticks(piece: Piece, zone: ZoneInfo, step: int) -> Iterator[Tick]:
    """Round times of the wall clock. Walked in real time: an hour that is skipped has no tick, one that comes twice
    has two. Zones differ by quarters of an hour.
    """
    grain = min(step, 15 * MINUTE)
    stamp = -(-int(piece.begin.timestamp()) // grain) * grain
    while stamp <= piece.end.timestamp():
        at = datetime.fromtimestamp(stamp, UTC)
        local = at.astimezone(zone)
        seconds = local.hour * HOUR + local.minute * MINUTE + local.second
        if seconds % step == 0:
            major = seconds % HOUR == 0 if step < HOUR else seconds == 0
            yield Tick(piece.x(at), at, f"{local:%H:%M}", major, False)
        stamp += grain


def _day_ticks(piece: Piece, zone: ZoneInfo, days: int) -> Iterator[Tick]:
    day = piece.begin.astimezone(zone).date()
    last = piece.end.astimezone(zone).date()
    while day <= last:
        at = begin_of(day, zone)
        if _is_round(day, days) and piece.begin <= at <= piece.end:
            label = f"{day.day} {day:%b}" + (f" {day.year}" if (day.month, day.day) == (1, 1) else "")
            yield Tick(piece.x(at), at, label, day.weekday() == 0 if days == 1 else day.day == 1, True)
        day += timedelta(days=1)


def _is_round(day: date, days: int) -> bool:
    if days >= 366:
        return (day.month, day.day) == (1, 1)
    if days >= 31:
        return day.day == 1 and (day.month - 1) % (days // 30) == 0
    if days >= 7:
        return day.weekday() == 0 and (day.toordinal() // 7) % (days // 7) == 0
    return day.toordinal() % days == 0


def begin_of(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a local day, also of one that begins at one o'clock."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def midnights(piece: Piece, zone: ZoneInfo) -> Iterator[datetime]:
    """Where a new day begins within a piece."""
    day = piece.begin.astimezone(zone).date() + timedelta(days=1)
    while (at := begin_of(day, zone)) <= piece.end:
        yield at
        day += timedelta(days=1)
