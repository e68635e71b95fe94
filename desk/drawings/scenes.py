"""Reading an incident into rows to be drawn: whole, for the team; or only what is released, for anybody."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from crisiscomms import wording
from crisiscomms.models import AuditEvent
from crisiscomms.organisation import get_organisation
from delivery.models import Dispatch
from desk.drawings.rows import ComingRow, ImpactRow, MilestoneRow, PhaseRow, PromiseRow, Scene, SentRow
from incidents.criteria import exit_criteria
from incidents.models import ComponentState, Incident
from messaging import mail
from messaging.content import Content
from messaging.models import ApprovalRequest, Message

MOST_STATES, MOST_MESSAGES, MOST_DEADLINES = 300, 500, 1000
SOON = timedelta(minutes=5)


def to_the_minute(now: datetime) -> datetime:
    """So that a drawing changes once a minute, and a reader who has it already gets 304."""
    return now.replace(second=0, microsecond=0)


def team_scene(incident: Incident, now: datetime) -> Scene:
    """Everything, in the reader's zone. For those who may see the incident."""
    now = to_the_minute(now)
    is_over = incident.phase == Incident.Phase.CLOSED
    left_out: list[str] = []
    promises = _promises(incident, left_out)
    dispatches = _dispatches(incident, left_out)
    return Scene(
        f"Timeline of {incident.ref}",
        now,
        _readers_zone(),
        is_over=is_over,
        phases=phase_rows(incident),
        next_phase="" if is_over else _next_phase(incident),
        impacts=_impacts(incident.component_states.all(), left_out),
        found_at=incident.discovered_at,
        milestones=[MilestoneRow(one.get_kind_display().lower(), one.reached_at) for one in incident.milestones.all()],
        sent=_sent(dispatches),
        coming=[] if is_over else [*_on_hold(dispatches, now), *_in_the_making(incident, promises, now)],
        promises=promises,
        left_out=left_out,
    )


def public_scene(incident: Incident, now: datetime) -> Scene | None:
    """Only what is released: published messages, released states, entries that may be published, and the promise that
    the public has read. No phases, milestones, deadlines or figures of the team; None where nothing may be shown.
    """
    if not incident.may_be_public:
        return None
    published = list(
        Dispatch.objects.public(now)
        .filter(incident=incident)
        .select_related("message")
        .defer("message__working")
        .order_by("released_at", "pk")[:MOST_MESSAGES]
    )
    if not published:
        return None
    zone = get_organisation().time_zone
    contents = [Content.from_data(dispatch.content) for dispatch in published]
    titles = [mail.public_title(one, mail.incident_values(incident, one, zone)) for one in contents]
    is_over = incident.phase == Incident.Phase.CLOSED or published[-1].message.kind == Message.Kind.RESOLVED
    # What was published stands among the messages already.
    entries = AuditEvent.objects.filter(chain=incident.chain, publishable=True).exclude(verb__startswith="dispatch.")
    return Scene(
        titles[0],
        to_the_minute(now),
        ZoneInfo(zone),
        is_over=is_over,
        impacts=_impacts(ComponentState.objects.public().filter(incident=incident), []),
        milestones=[
            MilestoneRow(one.detail.text, one.at) for one in entries.select_related("detail").order_by("number")[:50]
        ],
        sent=[
            SentRow(number, title, dispatch.released_at)
            for number, (dispatch, title) in enumerate(zip(published, titles, strict=True), 1)
            if dispatch.released_at
        ],
        promises=[] if is_over else _public_promise(contents[-1], now),
        promises_name="Promised",
    )


def _public_promise(newest: Content, now: datetime) -> list[PromiseRow]:
    promise = newest.next_update
    return [PromiseRow("Next update", promise, "pending")] if promise and promise > now else []


def phase_rows(incident: Incident) -> list[PhaseRow]:
    """The phases that the incident has been in; being closed is no phase that lasts."""
    spans = incident.spans.exclude(phase=Incident.Phase.CLOSED).order_by("began_at", "pk")
    return [PhaseRow(one.get_phase_display(), one.began_at, one.ended_at) for one in spans[:MOST_STATES]]


def _next_phase(incident: Incident) -> str:
    order = list(Incident.Phase)
    following = order.index(Incident.Phase(incident.phase)) + 1
    if following >= len(order):
        return ""
    criteria = exit_criteria(incident)
    missing = sum(not item.is_met for item in criteria)
    words = f"{missing} of {len(criteria)} criteria to go" if missing else "may begin"
    if len(criteria) == missing == 1:
        words = "1 criterion to go"
    return f"{order[following].label}: {words}"


def _impacts(states: QuerySet[ComponentState], left_out: list[str]) -> list[ImpactRow]:
    found = list(states.select_related("component").order_by("began_at", "pk")[: MOST_STATES + 1])
    if len(found) > MOST_STATES:
        left_out.append(f"Only the first {MOST_STATES} changes of components are drawn.")
    return [
        ImpactRow(one.component.name, one.state, one.get_state_display(), one.began_at, one.ended_at)
        for one in found[:MOST_STATES]
    ]


def _promises(incident: Incident, left_out: list[str]) -> list[PromiseRow]:
    """The latest ones where there are very many."""
    rows = incident.deadlines.order_by("-due_at", "-pk").values_list("title", "due_at", "state", "met_at")
    found = [PromiseRow(*row) for row in rows[: MOST_DEADLINES + 1]]
    if len(found) > MOST_DEADLINES:
        left_out.append(f"Only the latest {wording.thin(MOST_DEADLINES)} deadlines are drawn.")
    return found[:MOST_DEADLINES][::-1]


def _dispatches(incident: Incident, left_out: list[str]) -> list[Dispatch]:
    under_way = incident.dispatches.exclude(state=Dispatch.State.TAKEN_BACK).select_related("tally", "message")
    found = list(
        under_way.defer("content", "message__working").order_by("-message__number", "pk")[: 3 * MOST_MESSAGES + 1]
    )
    if len(found) > 3 * MOST_MESSAGES:
        left_out.append(f"Only the latest {MOST_MESSAGES} messages are drawn.")
    return found[: 3 * MOST_MESSAGES][::-1]


def _sent(dispatches: Iterable[Dispatch]) -> list[SentRow]:
    rows = []
    for message, group in groupby(dispatches, key=lambda one: one.message):
        left = [one for one in group if one.left_at]
        if left:
            first = min(one.left_at for one in left if one.left_at)
            rows.append(SentRow(message.number, message.get_kind_display(), first, _reach(left)))
    return rows


def _reach(left: list[Dispatch]) -> str:
    """How many people by mail; without a mail, where it stands."""
    mails = [one.tally.reached for one in left if one.channel == Dispatch.Channel.EMAIL]
    if mails:
        return f"{wording.thin(sum(mails))} {'person' if sum(mails) == 1 else 'people'}"
    return ", ".join(dict.fromkeys(one.get_channel_display().lower() for one in left))


def _on_hold(dispatches: Iterable[Dispatch], now: datetime) -> list[ComingRow]:
    held: dict[int, ComingRow] = {}
    for one in dispatches:
        if one.state == Dispatch.State.HELD and not one.left_at:
            local = one.hold_until.astimezone(_readers_zone())
            number, at = one.message.number, max(one.hold_until, now)
            held.setdefault(number, ComingRow(number, "On hold", f"leaves {local:%H:%M}", at))
    return list(held.values())


def _in_the_making(incident: Incident, promises: list[PromiseRow], now: datetime) -> list[ComingRow]:
    """Messages that have not left, where the next word to customers is due; where nothing is, soon."""
    open_ones = incident.messages.filter(state__in=["draft", "in_review", "approved"]).select_related("working_by")
    messages = list(open_ones.defer("working").order_by("number")[:MOST_MESSAGES])
    due = incident.deadlines.open().filter(kind__in=["acknowledge", "update"], due_at__gt=now).order_by("due_at")
    at = due.values_list("due_at", flat=True).first() if messages else None
    asked = _said_yes([one.pk for one in messages if one.state == Message.State.IN_REVIEW])
    rows = []
    for one in messages:
        detail = f"by {one.working_by}"
        if one.state == Message.State.APPROVED:
            detail = "ready to be sent"
        if one.pk in asked:
            detail = "{} of {} have said yes".format(*asked[one.pk])
        rows.append(ComingRow(one.number, one.get_state_display(), detail, at or now + SOON))
    return rows


def _said_yes(messages: list[int]) -> dict[int, tuple[int, int]]:
    requests = ApprovalRequest.objects.filter(message__in=messages, state=ApprovalRequest.State.OPEN).annotate(
        asked=Count("stages__seats__person", distinct=True),
        yes=Count("decisions", filter=Q(decisions__verdict="approved"), distinct=True),
    )
    return {one.message_id: (one.yes, one.asked) for one in requests} if messages else {}


def _readers_zone() -> ZoneInfo:
    found = timezone.get_current_timezone()
    return found if isinstance(found, ZoneInfo) else ZoneInfo("UTC")
