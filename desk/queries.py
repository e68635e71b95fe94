"""What home and the room show, read from every house below."""

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, F, Prefetch, Q
from django.urls import reverse
from django.utils import timezone

from crisiscomms.models import AuditEvent, User
from crisiscomms.wording import in_words
from delivery.models import Dispatch
from desk import kept
from incidents import deadlines, team
from incidents.criteria import exit_criteria
from incidents.models import (
    Component,
    Deadline,
    Decision,
    Fact,
    Incident,
    Milestone,
    PhaseSpan,
    SignalProposal,
)
from incidents.noticing import proposals
from incidents.outside import outward
from incidents.playbooks import room as plan_room
from incidents.record import documents
from messaging import facts
from messaging.cadence import UNFINISHED
from messaging.models import ApprovalSeat, Message


@dataclass(frozen=True)
class Need:
    """One thing that waits for this person: when, what, where to press."""

    due_at: datetime
    title: str
    detail: str
    ref: str
    url: str
    action: str
    # The page of its clock, for where `url` is the page that one reads already.
    clock: str = ""


def needs_of(user: User, incident: Incident | None = None, seats: list[ApprovalSeat] | None = None) -> list[Need]:
    """Everything that waits for this person, by due time: deadlines they own, approvals they are asked for.

    Of one incident alone where it is given. `seats` are their open ones, if they are at hand.
    """
    found = open_seats(user) if seats is None else seats
    needs = [need for need in map(_approval, found) if incident is None or need.ref == incident.ref]
    if incident is None:
        needs += [_proposal(one) for one in proposals.waiting_for(user)]
    asked = {need.url for need in needs}
    mine = Deadline.objects.visible_to(user).open().filter(owner=user).select_related("incident")
    mine = mine.filter(incident=incident) if incident else mine
    mine = mine.prefetch_related(UNFINISHED)
    for deadline in mine.order_by("due_at")[:50]:
        need = _deadline(deadline)
        if need.url not in asked:
            needs.append(need)
    return sorted(needs, key=lambda need: need.due_at)


def parts_of(user: User, needs: list[Need]) -> list[dict[str, Any]]:
    """My part in each live incident: my roles there, how much waits for me, and the first of it."""
    found = [(part, [need for need in needs if need.ref == part.incident.ref]) for part in team.parts_of(user)]
    return [
        {"incident": part.incident, "roles": part.roles, "count": len(mine), "first": mine[0] if mine else None}
        for part, mine in found
        if part.roles or mine
    ]


def open_seats(user: User) -> list[ApprovalSeat]:
    seats = ApprovalSeat.objects.filter(person=user, stage__state="open", stage__request__state="open")
    seats = seats.exclude(stage__request__decisions__person=user)
    return list(seats.select_related("stage__request__message__incident", "stage__request__requested_by")[:50])


def asked_about(seats: list[ApprovalSeat], incident: Incident) -> int | None:
    """The request about this incident that waits for whoever has these seats, if any: its key."""
    here = (seat for seat in seats if seat.stage.request.message.incident_id == incident.pk)
    return next((seat.stage.request_id for seat in here), None)


def _approval(seat: ApprovalSeat) -> Need:
    request = seat.stage.request
    message = request.message
    due = seat.stage.due_at
    assert due is not None
    url = reverse("messaging:approve", args=[request.pk])
    words = f"Asked by {request.requested_by}. {request.reach['contacts']} people by e-mail."
    return Need(
        due,
        f"Decide on {message.name.lower()}: {message.incident.title}",
        words,
        message.incident.ref,
        url,
        "Review and decide",
    )


def _proposal(one: SignalProposal) -> Need:
    return Need(
        one.proposed_at + proposals.DECIDE_WITHIN,
        f"Crisis protocol? {one.rule.name}",
        one.reason,
        one.incident.ref if one.incident else "Signals",
        reverse("incidents:signal_proposal", args=[one.pk]),
        "Decide",
    )


def _deadline(deadline: Deadline) -> Need:
    kind = deadlines.kind_of(deadline)
    path, room = kind.path(deadline), reverse("desk:room", args=[deadline.incident.number])
    return Need(
        deadline.due_at,
        deadline.title,
        deadline.incident.title,
        deadline.incident.ref,
        path,
        "Open the room" if path == room else kind.action,
        reverse("incidents:deadline", args=[deadline.incident.number, deadline.pk]),
    )


def standing_down(incident: Incident) -> Decision | None:
    """Who stood it down and why: it ended without being resolved, and the room says so at once."""
    return incident.decisions.filter(kind=Decision.Kind.STAND_DOWN).select_related("by").first()


def active_incidents(user: User) -> list[Incident]:
    """Live incidents with how many people were reached, and their next clock."""
    clocks = Deadline.objects.open().filter(kind__in=["acknowledge", "update"]).order_by("due_at")
    incidents = (
        Incident.objects.visible_to(user)
        .live()
        .prefetch_related(Prefetch("deadlines", queryset=clocks, to_attr="clocks"))
        .order_by("-declared_at")[:20]
    )
    found = list(incidents)
    totals = reached_by_incident([incident.pk for incident in found])
    for incident in found:
        incident.reached, incident.planned = totals.get(incident.pk, (0, 0))  # type: ignore[attr-defined]
    return found


def watched_incidents(user: User) -> list[Incident]:
    """What smoulders: watch items, newest first."""
    return list(Incident.objects.visible_to(user).watched().select_related("lead").order_by("-opened_at")[:10])


def reached_by_incident(ids: list[int]) -> dict[int, tuple[int, int]]:
    """Incident → (handed over, planned) of its newest e-mail, from the kept counts."""
    latest = (
        Dispatch.objects.filter(incident__in=ids, channel=Dispatch.Channel.EMAIL, released_at__isnull=False)
        .order_by("incident", "-released_at")
        .distinct("incident")
        .select_related("tally")
    )
    return {
        dispatch.incident_id: (dispatch.tally.reached, dispatch.tally.planned - dispatch.tally.skipped)
        for dispatch in latest
    }


STILL_OPEN = (Message.State.DRAFT, Message.State.IN_REVIEW, Message.State.APPROVED)


def room(incident: Incident) -> dict[str, Any]:
    """What the part of the room shows that keeps itself up to date."""
    milestones = {one.kind: one for one in incident.milestones.select_related("by")}
    messages = list(
        incident.messages.select_related("working_by", "approval")
        .prefetch_related("dispatches__tally")
        .order_by("-number")
    )
    promises = incident.deadlines.filter(kind__in=["acknowledge", "update"]).aggregate(
        kept=Count("pk", filter=Q(state="met", met_at__lte=F("due_at"))),
        total=Count("pk", filter=~Q(state="pending") & ~Q(state="waived")),
    )
    clocks = list(incident.deadlines.open().select_related("owner").order_by("due_at"))
    stale = facts.out_of_date(messages, incident)
    acknowledged = milestones.get(Milestone.Kind.ACKNOWLEDGED)
    reached, planned = reached_by_incident([incident.pk]).get(incident.pk, (0, 0))
    return {
        "incident": incident,
        "milestones": milestones,
        "missing_milestones": _missing(milestones),
        "messages_written": [
            {"message": message, "cells": _cells(message, stale.get(message.pk, [])), **_where(message)}
            for message in messages
        ],
        "draft": next((message for message in messages if message.state in STILL_OPEN), None),
        "on_hold": next((one for one in messages if any(d.state == "held" for d in one.dispatches.all())), None),
        "clocks": clocks,
        "next_clock": next((clock for clock in clocks if clock.kind in ("acknowledge", "update")), None),
        "acknowledged_in": acknowledged.reached_at - incident.discovered_at if acknowledged else None,
        "acknowledge_target": deadlines.severity_policy(incident)["acknowledge_minutes"],
        "promises": promises,
        "reached": reached,
        "planned": planned,
        **_criteria(incident),
        "phases": _phases(incident),
        "decided": incident.decisions.count(),
        "next_phase": _next_phase(incident),
        "states": incident.component_states.open().select_related("component__product").order_by("component__name"),
        "may_fail_too": _may_fail_too(incident),
        "recovery": _recovery(incident),
        **_imported(incident),
    }


def rest_of_room(incident: Incident, person: User, now: datetime) -> dict[str, Any]:
    """What the room shows below that, as it stood when the page was opened."""
    return {
        "record": kept.as_it_stands("record", incident, now, lambda: documents.for_room(incident)),
        **outward.for_room(incident),
        **plan_room.for_room(incident, person, now),
    }


def _criteria(incident: Incident) -> dict[str, Any]:
    found = exit_criteria(incident)
    return {
        "criteria": found,
        "criteria_met": sum(item.is_met for item in found),
        "to_tick": [item for item in found if item.is_ticked and not item.is_met],
    }


def _missing(milestones: dict[str, Milestone]) -> list[tuple[str, str]]:
    """What somebody may note as reached; the others are noted by themselves when a message has left."""
    by_itself = (Milestone.Kind.ACKNOWLEDGED, Milestone.Kind.RESOLVED_TOLD)
    return [(kind, label) for kind, label in Milestone.Kind.choices if kind not in milestones and kind not in by_itself]


def _imported(incident: Incident) -> dict[str, Any]:
    """Of the time before: where it comes from, and what it did to which component from when to when."""
    states = incident.component_states.exclude(ended_at=None).select_related("component")
    return {
        "imported": getattr(incident, "imported", None),
        "past_states": states.order_by("began_at"),
    }


def _where(message: Message) -> dict[str, Any]:
    """Where a message stands, and since when: what has left says when it left, not when it was written."""
    under_way = [one for one in message.dispatches.all() if one.state != Dispatch.State.TAKEN_BACK]
    left = [one.left_at for one in under_way if one.left_at]
    if message.state != Message.State.SENT:
        return {"word": message.get_state_display(), "at": message.working_at}
    if any(one.state == Dispatch.State.STOPPED for one in under_way):
        return {"word": "Stopped", "at": min(left, default=message.working_at)}
    if left:
        return {"word": "Sent", "at": min(left)}
    return {"word": "On hold", "at": min((one.ordered_at for one in under_way), default=message.working_at)}


def _may_fail_too(incident: Incident) -> Any:
    """Parts that need one which is affected, and are not marked themselves."""
    affected = list(incident.component_states.open().values_list("component", flat=True))
    needing = Component.objects.in_use().filter(needs__on__in=affected).exclude(pk__in=affected)
    return needing.select_related("product").distinct() if affected else []


def _cells(message: Message, stale: list[Fact]) -> list[dict[str, Any]]:
    """One cell per channel: its state as a glyph, a word and a figure."""
    newest: dict[str, Dispatch] = {}
    for dispatch in sorted(message.dispatches.all(), key=lambda one: one.pk):
        if dispatch.state != Dispatch.State.TAKEN_BACK:
            newest[dispatch.channel] = dispatch
    return [_cell(message, channel, label, newest.get(channel), stale) for channel, label in Dispatch.Channel.choices]


DISPATCH_LOOKS = {
    "held": ("hold", "is-run", "On hold"),
    "locked": ("locked", "is-locked", "Locked"),
    "running": ("run", "is-run", "Sending"),
    "done": ("sent", "is-sent", "Sent"),
    "stopped": ("withdrawn", "is-bad", "Stopped"),
}
MESSAGE_LOOKS = {
    "draft": ("draft", "is-draft", "Draft"),
    "in_review": ("review", "is-wait", "In approval"),
    "approved": ("ready", "is-ready", "Approved"),
    "rejected": ("withdrawn", "is-locked", "Rejected"),
    "sent": ("todo", "is-none", ""),
}


def _cell(message: Message, channel: str, label: str, dispatch: Dispatch | None, stale: list[Fact]) -> dict[str, Any]:
    if dispatch is None:
        planned = channel in message.working.get("channels", [])
        glyph, tone, word = MESSAGE_LOOKS[message.state] if planned else ("", "is-none", "")
        detail = ""
        if planned and stale:
            glyph, tone, word, detail = "stale", "is-wait", "Out of date", stale[0].label
        url = reverse("messaging:compose", args=[message.pk])
        url = url if word else ""
        return {"channel": label, "glyph": glyph, "tone": tone, "word": word, "detail": detail, "url": url}
    glyph, tone, word = DISPATCH_LOOKS[dispatch.state]
    tally = dispatch.tally
    detail = ""
    if channel == Dispatch.Channel.EMAIL:
        detail = f"{tally.reached} of {tally.planned - tally.skipped}"
        if dispatch.state == Dispatch.State.DONE and tally.failed + tally.unknown:
            glyph, tone, word = "failed", "is-bad", f"{tally.failed + tally.unknown} not reached"
    elif dispatch.state == Dispatch.State.DONE:
        word = "Published" if channel == Dispatch.Channel.STATUS else "Released"
    url = reverse("delivery:send_plan", args=[message.pk])
    return {
        "channel": label,
        "glyph": glyph,
        "tone": tone,
        "word": word,
        "detail": detail,
        "url": url,
        "at": dispatch.released_at,
    }


def _phases(incident: Incident) -> list[dict[str, Any]]:
    """The way from first to last. A phase that it never was in is skipped, and says so."""
    order = list(Incident.Phase)
    here = order.index(Incident.Phase(incident.phase))
    spans: dict[str, Any] = {span.phase: span for span in incident.spans.all()}
    return [_phase(phase, index - here, spans.get(phase)) for index, phase in enumerate(order)]


def _phase(phase: Incident.Phase, from_here: int, span: PhaseSpan | None) -> dict[str, Any]:
    look = "is-here" if from_here == 0 else "is-next" if from_here > 0 else "is-done" if span else "is-next"
    words = ""
    if from_here == 0 and span:
        words = f"since {timezone.localtime(span.began_at):%H:%M, %-d %b}"
    elif from_here < 0:
        words = in_words(span.ended_at - span.began_at) if span and span.ended_at else "skipped"
    return {
        "label": phase.label,
        "look": look,
        "is_here": from_here == 0,
        "is_skipped": from_here < 0 and span is None,
        "words": words,
    }


def _next_phase(incident: Incident) -> tuple[str, str] | None:
    """None for a watch item: it goes on by being declared."""
    if incident.is_watched:
        return None
    order = list(Incident.Phase)
    index = order.index(Incident.Phase(incident.phase))
    return (str(order[index + 1]), order[index + 1].label) if index + 1 < len(order) else None


# What the verbs of the record begin with, by what the reader wants to see; other verbs stand under All only.
ENTRY_KINDS = {
    "messages": ("Messages", ("message.", "approval.", "dispatch.", "notification.")),
    "decisions": ("Decisions", ("decision.", "incident.", "watch.", "criteria.", "criterion.", "disclosure.")),
    "facts": ("Facts", ("fact.", "component.", "milestone.", "signal.", "history.")),
    "clocks": ("Clocks", ("deadline.", "clocks.")),
}


@dataclass(frozen=True)
class Entries:
    """Some of the timeline. `older` is the number from which the next page goes back; None at its beginning."""

    rows: list[AuditEvent]
    kind: str
    before: int | None
    older: int | None


def entries(incident: Incident, limit: int, *, kind: str = "", before: int | None = None) -> Entries:
    """The timeline: a view of the record, newest first, by kind of verb, a page by key."""
    events = AuditEvent.objects.filter(chain=incident.chain).select_related("detail", "actor")
    if kind in ENTRY_KINDS:
        events = events.filter(reduce(or_, (Q(verb__startswith=one) for one in ENTRY_KINDS[kind][1])))
    if before is not None:
        events = events.filter(number__lt=before)
    found = list(events.order_by("-number")[: limit + 1])
    rows = found[:limit]
    return Entries(rows, kind, before, rows[-1].number if len(found) > limit else None)


def _recovery(incident: Incident) -> dict[str, int] | None:
    counts: dict[str, int] = incident.recovery_tasks.aggregate(
        total=Count("pk"), done=Count("pk", filter=Q(state="done"))
    )  # type: ignore[attr-defined]
    return counts if counts["total"] else None
