"""What follows from what: one rule per kind of deadline that incidents plan by themselves.

Each is a pure function of the situation, so the order in which things happened does not matter. Higher houses register
kinds of their own beside these.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.urls import reverse

from incidents import deadlines
from incidents.clock.obligations import Rule, Situation, Wanted, minutes, register
from incidents.models import Deadline, Incident

Phase = Incident.Phase
WITH_CADENCE = (Phase.INITIAL_RESPONSE, Phase.MANAGEMENT, Phase.RESOLUTION)


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def acknowledge(look: Situation) -> Iterator[Wanted]:
    """The first word to customers, counted from discovery."""
    if not look.is_live:
        return
    due = look.incident.discovered_at + minutes(look.severity["acknowledge_minutes"])
    done = look.milestones.get("acknowledged")
    yield Wanted("acknowledge", "Acknowledge to customers", due, "discovered", done_at=done)


def update(look: Situation) -> Iterator[Wanted]:
    """The next word: what was promised, else the cadence counted from the last word that a person wrote."""
    due = _next_word(look) if look.is_live else None
    if due is None:
        return
    remind = look.severity.get("cadence_remind_minutes")
    remind_at = due - minutes(look.severity["cadence_minutes"]) + minutes(remind) if remind else None
    occasion, back = look.words.reference or "declared", look.incident.reopened_at
    if back is not None and _is_reopened(look):
        occasion += f" reopened {_moment(back)}"
    yield Wanted("update", "Next update to customers", due, occasion, remind_at=remind_at)


def _next_word(look: Situation) -> datetime | None:
    """By when customers hear again. None: they wait for nothing."""
    due, back = _as_said(look), look.incident.reopened_at
    if back is None or not _is_reopened(look) or look.incident.phase not in WITH_CADENCE:
        return due
    # It was not fixed: what had been said before holds if it still lay ahead, else the pace begins anew.
    return due if due is not None and due > back else back + minutes(look.severity["cadence_minutes"])


def _as_said(look: Situation) -> datetime | None:
    said, pace = look.words, minutes(look.severity["cadence_minutes"])
    if said.at is None:
        first = look.incident.discovered_at + minutes(look.severity["acknowledge_minutes"])
        return first + pace if look.incident.phase in WITH_CADENCE else None
    if said.promised_at is None and (said.says_resolved or look.incident.phase not in WITH_CADENCE):
        return None
    # More severe (or less) since then: the new pace counts from when that was decided.
    begins = max(said.at, look.incident.severity_since or said.at)
    if said.promised_at is None:
        return begins + pace
    # A promise counts as it was made. Later than the pace only if that was approved, and under this severity.
    was_approved = said.was_approved and begins == said.at
    return said.promised_at if was_approved else min(said.promised_at, begins + pace)


def _is_reopened(look: Situation) -> bool:
    back = look.incident.reopened_at
    return back is not None and (look.words.at is None or look.words.at < back)


def detailed(look: Situation) -> Iterator[Wanted]:
    """More than a holding statement, counted from when somebody confirmed what happened."""
    verified = look.milestones.get("verified")
    if verified is None or not look.is_live:
        return
    due = verified + minutes(look.severity["first_detailed_update_minutes"])
    done = _since(look.words.detailed_at, look.noted["verified"])
    yield Wanted("detailed", "First detailed update to customers", due, f"verified {_moment(verified)}", done_at=done)


def milestone_words(look: Situation) -> Iterator[Wanted]:
    """Each milestone is told. One word that says more than a holding statement does for all before it."""
    policy = look.more.get("milestones", {})
    reached = {**look.milestones, "resolved": look.incident.resolved_at}
    for kind, rule in policy.items():
        at = reached.get(kind)
        if at is None or not look.is_live:
            continue
        due = at + minutes(rule["minutes"][look.incident.severity])
        heard = look.words.resolved_at if kind == "resolved" else look.words.detailed_at
        done = _since(heard, look.noted.get(kind, at))
        if kind == "resolved":
            # Told a little before somebody moved the phase: it was told.
            done = look.milestones.get("resolved_told")
        yield Wanted("milestone", rule["title"], due, f"{kind} {_moment(at)}", subject=kind, done_at=done)


def _since(heard: datetime | None, at: datetime) -> datetime | None:
    return heard if heard is not None and heard >= at else None


def explanation(look: Situation) -> Iterator[Wanted]:
    at = look.incident.resolved_at
    if at is None or not look.is_live:
        return
    due = at + timedelta(days=look.severity["comprehensive_explanation_days"])
    yield Wanted("explanation", "Comprehensive explanation to customers", due, f"resolved {_moment(at)}")


def analysis(look: Situation) -> Iterator[Wanted]:
    at = look.incident.resolved_at
    hours = look.more.get("analysis_hours", {}).get(look.incident.severity)
    if at is None or hours is None or not look.is_live:
        return
    done = look.milestones.get("analysis")
    due = at + timedelta(hours=hours)
    yield Wanted("analysis", "Publish the incident analysis", due, f"resolved {_moment(at)}", done_at=done)


def regulatory(look: Situation) -> Iterator[Wanted]:
    """By kind and region. A default of the policy, to be checked with counsel, and whoever owns it decides.

    What a regulator is owed does not end with our work on it: only a false alarm takes it away.
    """
    if look.incident.phase == "pre_crisis" or look.incident.stood_down:
        return
    regions = set(look.incident.regions or look.more.get("home_regions", []))
    for rule in look.more.get("regulatory", []):
        if rule["region"] in regions and look.incident.kind in rule["kinds"]:
            due = look.incident.discovered_at + timedelta(hours=rule["hours"])
            yield Wanted(
                "regulatory", rule["title"], due, "discovered", subject=rule["key"], owner_role=rule["owner_role"]
            )


def review(look: Situation) -> Iterator[Wanted]:
    """A watch item comes back to whoever leads it, counted from when somebody last looked."""
    hours = look.more.get("review_hours", {}).get(look.incident.severity)
    if look.incident.phase != "pre_crisis" or hours is None:
        return
    looked = look.incident.deadlines.filter(kind="review", state="met").order_by("-met_at").first()
    began = looked.met_at if looked and looked.met_at else look.incident.phase_since
    due = began + timedelta(hours=hours)
    yield Wanted("review", "Look at this watch item again", due, f"looked {_moment(began)}")


def _gone(words: str) -> Callable[[Situation], str]:
    """Why an open one of this kind is wanted no longer."""

    def why(look: Situation) -> str:
        incident = look.incident
        if incident.stood_down:
            return "The incident was stood down."
        if incident.phase == Phase.CLOSED:
            return "The incident was closed."
        if incident.phase == Phase.MANAGEMENT and incident.reopened_at is not None:
            return "The incident went back to management."
        return words

    return why


def _room(deadline: Deadline) -> str:
    return reverse("desk:room", args=[deadline.incident.number])


deadlines.register(deadlines.Kind("verify", "Verify what happened", _room, action="Open the room"))
deadlines.register(
    deadlines.Kind(
        "explanation", "Comprehensive explanation", _room, action="Open the room", warn_minutes=24 * 60, by_hand=True
    )
)
deadlines.register(
    deadlines.Kind("analysis", "Publish the analysis", _room, action="Open the room", warn_minutes=12 * 60)
)
deadlines.register(
    deadlines.Kind(
        "regulatory", "Duty to a regulator", _room, action="Open the room", warn_minutes=12 * 60, by_hand=True,
        may_be_put_off=False, outlives_close=True,
    )
)  # fmt: skip
deadlines.register(
    deadlines.Kind("review", "Look at the watch item", _room, action="Open the room", warn_minutes=30, by_hand=True)
)

register(Rule("acknowledge", acknowledge, _gone("Customers are not waiting for a first word.")))
register(
    Rule("update", update, _gone("Customers wait for no further update."), ends_with_a_word=True, begins_again=True)
)
register(Rule("detailed", detailed, _gone("It does not follow any more.")))
register(Rule("milestone", milestone_words, _gone("The milestone does not stand any more.")))
register(Rule("explanation", explanation, _gone("It is not resolved any more.")))
register(Rule("analysis", analysis, _gone("It is not resolved any more.")))
register(Rule("regulatory", regulatory, _gone("The region or the kind of the incident changed.")))
register(Rule("review", review, _gone("It is not a watch item any more.")))
