"""May this leave, now? Asked when it is ordered, when the hold ends, and again before every batch."""

from crisiscomms.models import User
from delivery.models import Dispatch
from incidents import access, disclosure
from incidents.models import Incident
from messaging.content import Content, fingerprint
from messaging.models import ApprovalDecision, ApprovalRequest, Message


def why_not(dispatch: Dispatch) -> str:
    """A sentence that says why this dispatch may not send any more, or an empty text.

    Checks the wall, the approval, the content's fingerprint, and that those who approved and ordered still may.
    """
    incident = dispatch.incident
    if incident.is_exercise:
        return "This is an exercise: nothing leaves it."
    if incident.restricted and dispatch.channel != Dispatch.Channel.EMAIL:
        return "The incident is restricted: nothing about it may become public."
    if incident.is_watched:
        return "It is a watch item: nothing leaves before it is declared."
    closed = disclosure.closed_channels(incident).get(dispatch.channel)
    if closed:
        return closed
    if incident.stood_down:
        return "The incident was stood down."
    if incident.phase == Incident.Phase.CLOSED:
        return "The incident is closed."
    return _overtaken(dispatch) or _approval(dispatch) or _people(dispatch)


def _overtaken(dispatch: Dispatch) -> str:
    """An older message must not arrive after a newer one: a stale alert would overtake the all-clear."""
    newer = Dispatch.objects.filter(
        incident=dispatch.incident,
        channel=dispatch.channel,
        message__number__gt=dispatch.message.number,
        left_at__isnull=False,
    )
    if not newer.exists():
        return ""
    later = newer.select_related("message").latest("message__number")
    return f"{later.message.name} has gone out already, and this one is older."


def _approval(dispatch: Dispatch) -> str:
    request = dispatch.request
    if request.state != ApprovalRequest.State.APPROVED or dispatch.message.approval_id != request.pk:
        return "Its approval is void."
    if dispatch.message.state not in (Message.State.APPROVED, Message.State.SENT):
        return "The message is no longer approved."
    content = Content.from_data(dispatch.content)
    mark = fingerprint(
        content, incident_id=dispatch.incident_id, template_version_id=dispatch.version.template_version_id
    )
    if not mark == dispatch.fingerprint == request.version.fingerprint:
        return "The text is not the one that was approved."
    return ""


def _people(dispatch: Dispatch) -> str:
    if not access.may(dispatch.ordered_by, "work", dispatch.incident):
        return f"{dispatch.ordered_by}, who ordered it, no longer has access."
    decisions = dispatch.request.decisions.filter(verdict=ApprovalDecision.Verdict.APPROVED)
    for decision in decisions.select_related("person", "stage"):
        if not _holds_seat(decision):
            return f"{decision.person}, who approved it, no longer holds the right. It has to be approved again."
        if not _sees(decision.person, dispatch.incident):
            return f"{decision.person}, who approved it, has left the incident. It has to be approved again."
    return ""


def _holds_seat(decision: ApprovalDecision) -> bool:
    """They still hold the very role by which they sat there, not just any role of the stage."""
    seat = decision.stage.seats.filter(person=decision.person).first()
    return seat is not None and decision.person.has_role(seat.role)


def _sees(person: User, incident: Incident) -> bool:
    return Incident.objects.visible_to(person).filter(pk=incident.pk).exists()
