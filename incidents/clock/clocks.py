"""What pages show of clocks."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse

from crisiscomms import digest
from crisiscomms.models import Role, User
from incidents import access, deadlines
from incidents.models import Deadline, Incident


def for_room(incident: Incident, person: User, now: datetime) -> dict[str, Any]:
    """The open clocks of an incident, the nearest first, and what this person may do about them."""
    rows = incident.deadlines.open().select_related("owner", "taken_by", "snoozed_by").order_by("due_at", "pk")
    clocks = list(rows)
    for clock in clocks:
        clock.incident = incident
        clock.may_be_taken = may_be_taken(clock, now)  # type: ignore[attr-defined]
    return {"room_clocks": clocks, "may_change_clocks": access.may(person, "work", incident)}


def may_be_taken(clock: Deadline, now: datetime) -> bool:
    is_open = clock.state in (Deadline.State.PENDING, Deadline.State.MISSED)
    return is_open and clock.due_at <= now and clock.taken_by_id is None


def regulatory_basis(deadline: Deadline) -> str:
    """Where a duty to a regulator comes from, and that it is a default to be checked."""
    if deadline.kind != "regulatory":
        return ""
    rules = deadlines.obligation_policy(deadline.incident).get("regulatory", [])
    return next((str(rule["basis"]) for rule in rules if rule["key"] == deadline.subject), "")


def steps_in_words(deadline: Deadline) -> list[str]:
    """Who is told when it passes: “after 10 min deputy, product marketing (by mail and in the chat)”."""
    names = {key: str(label).lower() for key, label in Role.choices} | {"owner": "its owner", "deputy": "their deputy"}
    lines = []
    for step in deadlines.steps_of(deadline):
        when = f"after {step['minutes']} min" if step["minutes"] else "at once"
        ways = " (by mail and in the chat)" if step["ways"] == "both" else ""
        lines.append(f"{when} {', '.join(names.get(role, role) for role in step['roles'])}{ways}")
    return lines


def _next_day(person: User, now: datetime) -> list[tuple[str, str]]:
    """For the digest: what this person owes within a day, and what is late."""
    mine = Deadline.objects.visible_to(person).open().filter(owner=person, due_at__lt=now + timedelta(hours=24))
    lines = []
    for clock in mine.select_related("incident").order_by("due_at")[:50]:
        what = deadlines.kind_of(clock).label if clock.incident.restricted else clock.title
        due = clock.due_at.astimezone(ZoneInfo(person.time_zone))
        when = f"{due:%-d %B %H:%M %Z}" + (", late" if clock.due_at <= now else "")
        lines.append(
            (
                f"{when}: {clock.incident.ref} {what}",
                settings.BASE_URL + reverse("desk:room", args=[clock.incident.number]),
            )
        )
    return lines


digest.register(digest.Section("Due within a day", _next_day, "Nothing is due within the next 24 hours."))
