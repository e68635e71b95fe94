"""The promises of the next update, held by the one clock: planned, warned with a draft ready, met by sending."""

from datetime import datetime

from django.db.models import Prefetch
from django.urls import reverse

from crisiscomms import notices
from crisiscomms.models import User
from incidents import actions as incident_actions
from incidents import deadlines
from incidents.models import Deadline, Incident
from messaging.actions import approvals, drafts
from messaging.content import Content
from messaging.models import ApprovalSeat, ApprovalStage, Message

# For lists of deadlines: one query for the drafts of all of them.
UNFINISHED = Prefetch(
    "incident__messages", queryset=Message.objects.unfinished().order_by("-number"), to_attr="unfinished"
)


def _prepare_draft(deadline: Deadline, now: datetime) -> None:
    """Before it is due a draft stands ready, unless somebody is writing one. It is never sent by itself."""
    incident = deadline.incident
    if incident.messages.unfinished().exists() or incident.phase == Incident.Phase.CLOSED:  # type: ignore[attr-defined]
        return
    kind = Message.Kind.HOLDING if deadline.kind == "acknowledge" else Message.Kind.UPDATE
    if incident.resolved_at is not None:
        kind = Message.Kind.RESOLVED
    drafts.start_message(incident_id=incident.pk, kind=kind, now=now, by=None, owner=deadline.owner)


def _message_path(deadline: Deadline) -> str:
    """The open draft where there is one, else the room. A list brings the drafts along (UNFINISHED)."""
    drafts = getattr(deadline.incident, "unfinished", None)
    if drafts is None:
        drafts = deadline.incident.messages.unfinished().order_by("-number")[:1]  # type: ignore[attr-defined]
    message = next(iter(drafts), None)
    if message is not None:
        return reverse("messaging:compose", args=[message.pk])
    return reverse("desk:room", args=[deadline.incident.number])


def _approval_path(deadline: Deadline) -> str:
    stage = ApprovalStage.objects.get(pk=int(deadline.subject.removeprefix("stage:")))
    return reverse("messaging:approve", args=[stage.request_id])


def _asked_about_path(deadline: Deadline) -> str:
    """For whoever waits for the decision: the message, where the request can be withdrawn."""
    stage = ApprovalStage.objects.select_related("request").get(pk=int(deadline.subject.removeprefix("stage:")))
    return reverse("messaging:compose", args=[stage.request.message_id])


def _sits_there(deadline: Deadline, person: User) -> bool:
    return ApprovalSeat.objects.filter(stage=int(deadline.subject.removeprefix("stage:")), person=person).exists()


def _remind(deadline: Deadline, now: datetime) -> None:
    """Before the time limit: everybody who is asked and has not decided, not only whoever stands first."""
    stage = ApprovalStage.objects.get(pk=int(deadline.subject.removeprefix("stage:")))
    waiting = User.objects.active().filter(seats__stage=stage).exclude(decisions__request=stage.request_id)
    notices.tell(waiting, kind="deadline_soon", key=deadlines.told_key(deadline), now=now, deadline=deadline.pk)


def _ask_others(deadline: Deadline, now: datetime) -> None:
    """The time limit passed: whoever can still be asked is asked too."""
    stage = ApprovalStage.objects.select_related("request__version", "request__message__incident").get(
        pk=int(deadline.subject.removeprefix("stage:"))
    )
    for person, role in others_when_late(stage):
        approvals.ask(ApprovalSeat.objects.create(stage=stage, person=person, role=role, asked_at=now), now)


def others_when_late(stage: ApprovalStage) -> list[tuple[User, str]]:
    """Who is asked as well once the time limit passes: deputies, and the role that the policy names."""
    authors = {*stage.request.version.authors, stage.request.requested_by_id}
    sitting = set(stage.seats.values_list("person_id", flat=True))
    others: dict[int, tuple[User, str]] = {}
    for seat in stage.seats.select_related("person__deputy"):
        deputy = seat.person.deputy
        if deputy is not None and deputy.has_role(seat.role):
            others[deputy.pk] = (deputy, seat.role)
    if stage.escalate_to:
        for person in User.objects.with_role(stage.escalate_to):
            others.setdefault(person.pk, (person, stage.escalate_to))
    return [(person, role) for person, role in others.values() if person.pk not in authors | sitting]


deadlines.register(
    deadlines.Kind(
        "acknowledge", "Acknowledge to customers", _message_path, on_warn=_prepare_draft, action="Open the draft"
    )
)
deadlines.register(
    deadlines.Kind("update", "Next update to customers", _message_path, on_warn=_prepare_draft, action="Open the draft")
)
deadlines.register(
    deadlines.Kind("detailed", "First detailed update", _message_path, on_warn=_prepare_draft, action="Open the draft")
)
deadlines.register(
    deadlines.Kind("milestone", "Tell customers", _message_path, on_warn=_prepare_draft, action="Open the draft")
)
deadlines.register(
    deadlines.Kind(
        "approval",
        "Decide",
        _approval_path,
        on_warn=_remind,
        on_missed=_ask_others,
        action="Review and decide",
        may_open=_sits_there,
        beside=_asked_about_path,
        warn_minutes=5,
        elsewhere="Withdraw the request, and ask somebody else if another has to decide.",
    )
)


def message_left(*, message: Message, content: Content, by: User | None, now: datetime) -> None:
    """The first part of a message is on its way: its clocks are met, and the promise in it becomes the next one."""
    promise = content.next_update
    incident_actions.note_word(
        incident=message.incident,
        reference=message.subject_key,
        promised_at=max(promise, now) if promise else None,
        is_detailed=message.kind != Message.Kind.HOLDING,
        says_resolved=message.kind == Message.Kind.RESOLVED,
        was_approved=message.approval_id is not None,
        by=by,
        now=now,
    )
