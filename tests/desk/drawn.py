"""Scenes to be drawn: one under way, one over weeks, a huge one, and one that has just begun."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from desk.drawings import examples
from desk.drawings.rows import ImpactRow, PartRow, Parts, PhaseRow, PromiseRow, Scene, SentRow

BERLIN = ZoneInfo("Europe/Berlin")
# 14:09 in Berlin.
NOW = datetime(2026, 11, 17, 13, 9, tzinfo=UTC)


def under_way() -> Scene:
    return examples.under_way(NOW, BERLIN)


def over_weeks() -> Scene:
    return examples.over_weeks(NOW, BERLIN)


def quiet() -> Scene:
    """Just declared: a phase that begins now, and nothing else."""
    return Scene("Timeline of INC-1", NOW, BERLIN, phases=[PhaseRow("Initial response", NOW)])


def huge(messages: int = 500, components: int = 200, deadlines: int = 5000) -> Scene:
    begin, minute = NOW - timedelta(hours=40), timedelta(minutes=1)
    states = ("outage", "partial", "degraded", "maintenance")
    return Scene(
        "Timeline of INC-9",
        NOW,
        BERLIN,
        phases=[PhaseRow("Management", begin)],
        impacts=[
            ImpactRow(f"Part {turn}", states[turn % 4], "Word", begin + turn * minute) for turn in range(components)
        ],
        sent=[SentRow(turn + 1, f"Update {turn}", begin + 4 * turn * minute, "9 people") for turn in range(messages)],
        promises=[PromiseRow(f"Clock {turn}", begin + turn * minute, "missed") for turn in range(deadlines)],
    )


def many_parts(count: int = 200) -> Parts:
    """Each needs the next two, and every third is down."""
    rows = [
        PartRow(key, f"Part {key}", "Product", "outage" if key % 3 == 0 else "working", "Word", 4 * (key % 3 == 0), key % 3 == 0)
        for key in range(count)
    ]  # fmt: skip
    return Parts("Affected components", rows, [(key, key + gap) for key in range(count - 2) for gap in (1, 2)])
