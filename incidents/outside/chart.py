"""Mentions over time, drawn: a stack per hour or day, the negative ones at the bottom."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, QuerySet
from django.db.models.functions import TruncDay, TruncHour
from django.utils import timezone

from incidents.models import Mention

WIDTH, HEIGHT, LEFT, FOOT, TOP = 720, 180, 34, 24, 12
MOST_STACKS = 60
# Bottom up, each with its class in the drawing.
SHADES = (("negative", "m-crit"), ("neutral", "m-sent"), ("positive", "m-good"))


@dataclass(frozen=True)
class Stack:
    at: datetime
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def in_order(self) -> list[int]:
        return [self.counts.get(key, 0) for key, _ in SHADES]


def drawn(mentions: QuerySet[Mention]) -> dict[str, Any] | None:
    """What the template draws; None when there is nothing. By the hour within two days, else by the day, the last 60."""
    mentions = mentions.filter(struck_at=None)
    ends = mentions.aggregate(first=Min("seen_at"), last=Max("seen_at"))
    if ends["first"] is None:
        return None
    by_hour = ends["last"] - ends["first"] <= timedelta(hours=48)
    trunc = TruncHour if by_hour else TruncDay
    counts = mentions.annotate(slot=trunc("seen_at", tzinfo=timezone.get_current_timezone()))
    found: dict[datetime, dict[str, int]] = {}
    for slot, sentiment, count in counts.values_list("slot", "sentiment").annotate(n=Count("pk")).order_by("slot"):
        found.setdefault(slot, {})[sentiment] = count
    stacks = [Stack(at, found[at]) for at in sorted(found)][-MOST_STACKS:]
    top = max(stack.total for stack in stacks)
    return {
        "stacks": stacks, "by_hour": by_hour, "top": top, "bars": _bars(stacks, by_hour, top),
        "width": WIDTH, "height": HEIGHT, "left": LEFT, "base": HEIGHT - FOOT, "right": WIDTH - 8,
        "first": stacks[0].at, "last": stacks[-1].at,
    }  # fmt: skip


def _bars(stacks: list[Stack], by_hour: bool, top: int) -> list[dict[str, Any]]:
    """Rectangles where they stand in time: a quiet hour is a gap."""
    step = timedelta(hours=1) if by_hour else timedelta(days=1)
    slots = max(1, round((stacks[-1].at - stacks[0].at) / step)) + 1
    room = (WIDTH - LEFT - 8) / slots
    bars = []
    for stack in stacks:
        x = LEFT + room * round((stack.at - stacks[0].at) / step)
        y = float(HEIGHT - FOOT)
        for key, shade in SHADES:
            tall = (HEIGHT - FOOT - TOP) * stack.counts.get(key, 0) / top
            if tall:
                y -= tall
                width = max(2.0, min(room - 1, 40))
                bars.append({"shade": shade, "x": f"{x:.1f}", "y": f"{y:.1f}", "w": f"{width:.1f}", "h": f"{tall:.1f}"})
    return bars
