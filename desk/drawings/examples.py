"""Invented rows, for the page of the kit: an incident under way with every mark in it, and its components."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from desk.drawings import diagram, neighbours, timeline
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

WORDS = {"working": "Working", "maintenance": "Maintenance", "degraded": "Degraded", "partial": "Partly failing",
         "outage": "Down"}  # fmt: skip


def under_way(now: datetime, zone: ZoneInfo) -> Scene:
    """Three and a half hours into it: bands, milestones, three messages and one to come, and each kind of deadline."""

    def ago(minutes: int) -> datetime:
        return now - timedelta(minutes=minutes)

    return Scene(
        "Timeline of INC-12",
        now,
        zone,
        phases=[PhaseRow("Initial response", ago(191), ago(149)), PhaseRow("Management", ago(149))],
        next_phase="Resolution: 2 of 4 criteria to go",
        impacts=[
            ImpactRow("Card payments", "partial", "Partial outage", ago(208), ago(81)),
            ImpactRow("Card payments", "degraded", "Degraded", ago(81)),
        ],
        found_at=ago(197),
        milestones=[
            MilestoneRow("verified", ago(183)),
            MilestoneRow("root cause identified", ago(94)),
            MilestoneRow("mitigation in place", ago(81)),
        ],
        sent=[
            SentRow(1, "Acknowledgement", ago(159), "3 410 people"),
            SentRow(2, "Root cause", ago(103), "4 174 people"),
            SentRow(3, "Workaround", ago(45), "4 212 people"),
        ],
        coming=[ComingRow(4, "In approval", "2 of 3 have said yes", ago(-21))],
        promises=[
            PromiseRow("Acknowledge", ago(107), "met", ago(159)),
            PromiseRow("Update 2", ago(99), "met", ago(103)),
            PromiseRow("Executive brief", ago(69), "met", ago(58)),
            PromiseRow("Update 3", ago(39), "met", ago(45)),
            PromiseRow("Legal note", ago(9), "waived"),
            PromiseRow("Update 4", ago(-11), "pending"),
            PromiseRow("Tier 1 calls", ago(-36), "pending"),
        ],
    )


def over_weeks(now: datetime, zone: ZoneInfo) -> Scene:
    """Thirty-four days: a first day full of things, then a few, the silences between them folded."""
    begin = now - timedelta(days=34)

    def after(days: int = 0, minutes: int = 0) -> datetime:
        return begin + timedelta(days=days, minutes=minutes)

    updates = [40 + 70 * turn for turn in range(6)]
    return Scene(
        "Timeline of INC-3",
        now,
        zone,
        phases=[
            PhaseRow("Initial response", begin, after(0, 50)),
            PhaseRow("Management", after(0, 50), after(0, 420)),
            PhaseRow("Resolution", after(0, 420), after(2)),
            PhaseRow("Recovery", after(2)),
        ],
        next_phase="Closed: 1 of 2 criteria to go",
        impacts=[
            ImpactRow("Payment notices", "outage", "Down", begin, after(0, 120)),
            ImpactRow("Payment notices", "degraded", "Degraded", after(0, 120), after(0, 420)),
            ImpactRow("Ledger notices", "degraded", "Degraded", after(0, 60), after(0, 180)),
        ],
        found_at=after(0, 5),
        milestones=[
            MilestoneRow("acknowledged", after(0, 40)),
            MilestoneRow("verified", after(0, 44)),
            MilestoneRow("root cause identified", after(0, 180)),
            MilestoneRow("mitigation in place", after(0, 390)),
        ],
        sent=[SentRow(turn + 1, "Update", after(0, minutes), "2 100 people") for turn, minutes in enumerate(updates)]
        + [SentRow(7, "Resolved", after(2, 180), "2 102 people")],
        promises=[PromiseRow("Next update", after(0, each + 10), "met", after(0, each)) for each in updates]
        + [
            PromiseRow("Explanation", after(2, 180), "met", after(2, 180)),
            PromiseRow("Safeguards", after(5), "met", after(5)),
            PromiseRow("Compensation", after(30), "pending"),
            PromiseRow("Technical deep-dive", after(60), "pending"),
        ],
    )


def components() -> Parts:
    """Every state a component may be in, and one that is tied to nothing."""
    states = [
        (1, "Checkout API", "degraded"), (2, "Dashboard", "working"), (3, "Ledger exports", "maintenance"),
        (4, "Payments core", "partial"), (5, "Ledger", "working"), (6, "EU database", "outage"),
        (7, "Card gateway", "working"), (8, "Help pages", "degraded"),
    ]  # fmt: skip
    ranks = list(WORDS)
    rows = [
        PartRow(key, name, "Payments API", state, WORDS[state], ranks.index(state), state != "working")
        for key, name, state in states
    ]
    return Parts("Affected components of INC-12", rows, [(1, 4), (2, 4), (3, 5), (4, 6), (4, 7), (2, 5)])


def for_kit(now: datetime) -> dict[str, object]:
    """Every drawing for the page of the kit."""
    now = now.replace()
    zone = ZoneInfo("Europe/Berlin")
    declared = Scene("Timeline of INC-13", now, zone, phases=[PhaseRow("Initial response", now)])
    return {
        "under_way": timeline.draw(under_way(now, zone)),
        "over_weeks": timeline.draw(over_weeks(now, zone)),
        "declared": timeline.draw(declared),
        "components": diagram.draw(components()),
        "parts": neighbours.listed(components()),
    }
