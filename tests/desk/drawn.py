"""Scenes to be drawn: the one of the reference picture, a long one, a huge one, an empty one."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from desk.drawings.rows import (
    ComingRow,
    ImpactRow,
    MilestoneRow,
    PartRow,
    Parts,
    PhaseRow,
    PromiseRow,
    Scene,
    SentRow,
)

BERLIN = ZoneInfo("Europe/Berlin")


def at(hour: int, minute: int = 0, day: int = 17) -> datetime:
    """A wall clock in Berlin in November 2026, which is an hour ahead."""
    return datetime(2026, 11, day, hour - 1, minute, tzinfo=UTC)


def mock() -> Scene:
    """What the reference picture of the room shows."""
    return Scene(
        "Timeline of INC-12",
        at(14, 9),
        BERLIN,
        phases=[PhaseRow("Initial response", at(10, 58), at(11, 40)), PhaseRow("Management", at(11, 40))],
        next_phase="Resolution: 2 of 4 criteria to go",
        impacts=[
            ImpactRow("Card payments", "partial", "Partial outage", at(10, 41), at(12, 48)),
            ImpactRow("Card payments", "degraded", "Degraded", at(12, 48)),
        ],
        found_at=at(10, 52),
        milestones=[
            MilestoneRow("verified", at(11, 6)),
            MilestoneRow("root cause identified", at(12, 35)),
            MilestoneRow("mitigation in place", at(12, 48)),
        ],
        sent=[
            SentRow(1, "Acknowledgement", at(11, 30), "3 410 people"),
            SentRow(2, "Root cause", at(12, 26), "4 174 people"),
            SentRow(3, "Workaround", at(13, 24), "4 212 people"),
        ],
        coming=[ComingRow(4, "In approval", "2 of 3 have said yes", at(14, 30))],
        promises=[
            PromiseRow("Acknowledge", at(12, 22), "met", at(11, 30)),
            PromiseRow("Update 2", at(12, 30), "met", at(12, 26)),
            PromiseRow("Executive brief", at(13), "met", at(13, 11)),
            PromiseRow("Update 3", at(13, 30), "met", at(13, 24)),
            PromiseRow("Legal note", at(14), "waived"),
            PromiseRow("Update 4", at(14, 20), "pending"),
            PromiseRow("Tier 1 calls", at(14, 45), "pending"),
        ],
    )


def long() -> Scene:
    """Ninety days: a first day full of things, then a few, then the dates of the recovery programme."""
    begin = at(9)
    after = [timedelta(days=2, hours=3), timedelta(days=5), timedelta(days=30), timedelta(days=60)]
    return Scene(
        "Timeline of INC-3",
        begin + timedelta(days=34),
        BERLIN,
        phases=[
            PhaseRow("Initial response", begin, begin + timedelta(minutes=50)),
            PhaseRow("Management", begin + timedelta(minutes=50), begin + timedelta(hours=7)),
            PhaseRow("Resolution", begin + timedelta(hours=7), begin + timedelta(days=2)),
            PhaseRow("Recovery", begin + timedelta(days=2)),
        ],
        next_phase="Closed: 1 of 2 criteria to go",
        impacts=[
            ImpactRow("Payment notices", "outage", "Down", begin, begin + timedelta(hours=2)),
            ImpactRow("Payment notices", "degraded", "Degraded", begin + timedelta(hours=2), begin + timedelta(hours=7)),
            ImpactRow("Ledger notices", "degraded", "Degraded", begin + timedelta(hours=1), begin + timedelta(hours=3)),
        ],
        found_at=begin + timedelta(minutes=5),
        milestones=[
            MilestoneRow("acknowledged", begin + timedelta(minutes=40)),
            MilestoneRow("verified", begin + timedelta(minutes=44)),
            MilestoneRow("root cause identified", begin + timedelta(hours=3)),
            MilestoneRow("mitigation in place", begin + timedelta(hours=6, minutes=30)),
        ],
        sent=[SentRow(n + 1, "Update", begin + timedelta(minutes=40 + 70 * n), "2 100 people") for n in range(6)]
        + [SentRow(7, "Resolved", begin + after[0], "2 102 people")],
        promises=[
            PromiseRow("Next update", begin + timedelta(minutes=50 + 70 * n), "met", begin + timedelta(minutes=40 + 70 * n))
            for n in range(6)
        ]
        + [PromiseRow(f"Task {n}", begin + gap, "met" if n < 2 else "pending", begin + gap if n < 2 else None)
           for n, gap in enumerate(after)],
    )  # fmt: skip


def huge(messages: int = 500, components: int = 200, deadlines: int = 5000) -> Scene:
    begin, minute = at(1), timedelta(minutes=1)
    states = ("outage", "partial", "degraded", "maintenance")
    return Scene(
        "Timeline of INC-9",
        begin + timedelta(hours=40),
        BERLIN,
        phases=[PhaseRow("Management", begin)],
        impacts=[ImpactRow(f"Part {n}", states[n % 4], "Word", begin + n * minute) for n in range(components)],
        sent=[SentRow(n, f"Update {n}", begin + 4 * n * minute, "9 people") for n in range(messages)],
        promises=[PromiseRow(f"Clock {n}", begin + n * minute, "missed") for n in range(deadlines)],
    )


def quiet() -> Scene:
    """Just declared: a phase that begins now, and nothing else."""
    return Scene("Timeline of INC-1", at(14), BERLIN, phases=[PhaseRow("Initial response", at(14))])


def parts() -> Parts:
    """The reference picture of the components."""
    words = {"working": "Operational", "degraded": "Degraded", "partial": "Partial outage"}
    ranks = {"working": 0, "degraded": 1, "partial": 2}
    rows = [
        (1, "Checkout API", "degraded"), (2, "Dashboard", "working"), (3, "Ledger exports", "degraded"),
        (4, "Payments core", "degraded"), (5, "Ledger", "working"), (6, "EU database", "partial"),
        (7, "Card gateway", "working"), (8, "Job queue", "working"),
    ]  # fmt: skip
    return Parts(
        "Affected components of INC-12",
        [PartRow(key, name, "Payments", state, words[state], ranks[state], state != "working") for key, name, state in rows],
        [(1, 4), (2, 4), (3, 5), (4, 6), (4, 7), (5, 8), (2, 5)],
    )  # fmt: skip
