"""Trying a rule against what came in before, so that it is known what it would have done before it is switched on."""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from django.db.models import Sum

from crisiscomms.models import User
from incidents.models import Signal, SignalMinute, ThresholdRule
from incidents.noticing import thresholds
from incidents.noticing.intake import minute_of
from incidents.noticing.thresholds import Windows

DAYS = (1, 7, 30, 90)
MOST_TRIED = 1_000


@dataclass(frozen=True)
class Would:
    """A signal at which the rule would have held, the first moment of that, and why."""

    signal: Signal
    at: datetime
    why: str


@dataclass(frozen=True)
class Trial:
    days: int
    tried: int
    would: list[Would]
    # The oldest were left out, because there are too many.
    is_cut: bool


def trial(rule: ThresholdRule, *, days: int, by: User, now: datetime) -> Trial:
    """The newest signals of the last days that this person may see, each as it stands, when it came first and last."""
    since = now - timedelta(days=days)
    found = Signal.objects.visible_to(by).filter(received_at__gte=since).select_related("source", "by")
    signals = list(found.prefetch_related("components").order_by("-received_at", "-pk")[: MOST_TRIED + 1])
    said, windows = thresholds.read(rule.data), _Past(since - timedelta(days=7), now)
    would = [one for signal in signals[:MOST_TRIED] if (one := _would(signal, said, windows)) is not None]
    return Trial(days, min(len(signals), MOST_TRIED), would, len(signals) > MOST_TRIED)


def _would(signal: Signal, rule: thresholds.Rule, windows: Windows) -> Would | None:
    for moment in (signal.received_at, signal.last_seen_at):
        why = thresholds.verdict(rule, thresholds.facts_of(signal, moment, windows))
        if why:
            return Would(signal, moment, why)
    return None


class _Past(Windows):
    """All minutes of a stretch of time, read once for each name, added up so that any window is two look-ups."""

    def __init__(self, since: datetime, until: datetime) -> None:
        super().__init__()
        self.since, self.until = since, until
        self._sums: dict[tuple[str, str], tuple[list[datetime], list[float]]] = {}

    def _ask(self, name: str, kind: str, minutes: int, end: datetime) -> float:
        if (name, kind) not in self._sums:
            self._sums[name, kind] = self._read(name, kind)
        moments, sums = self._sums[name, kind]
        first, last = bisect_right(moments, end - timedelta(minutes=minutes)), bisect_right(moments, end)
        return sums[last] - sums[first]

    def _read(self, name: str, kind: str) -> tuple[list[datetime], list[float]]:
        found = SignalMinute.objects.filter(name=name, minute__gte=minute_of(self.since), minute__lte=self.until)
        if kind:
            found = found.filter(kind=kind)
        amounts: dict[datetime, float] = defaultdict(float)
        for minute, total in found.values_list("minute").annotate(total=Sum("amount")).order_by("minute"):
            amounts[minute] = total
        return list(amounts), [0.0, *accumulate(amounts.values())]
