"""Who may see and touch messages. Views get their objects here and nowhere else."""

from django.http import Http404

from crisiscomms import presence
from crisiscomms.models import User
from incidents import access as incidents
from messaging.models import ApprovalRequest, ApprovalSeat, Message


def get_message(user: User, message_id: int) -> Message:
    """For people of the workshop who see its incident; 404 alike for a missing and a hidden one."""
    if not incidents.may(user, "work"):
        raise Http404
    message = (
        Message.objects.visible_to(user)
        .select_related("incident__lead", "working_by", "template_version__template", "approval", "returned_by")
        .filter(pk=message_id)
        .first()
    )
    if message is None:
        raise Http404
    return message


def may_open(user: User, message_id: str) -> bool:
    """Whether somebody may open the composer of the message with this key, as it stands in an address."""
    if not (message_id.isdigit() and len(message_id) < 10 and incidents.may(user, "work")):
        return False
    return Message.objects.visible_to(user).filter(pk=message_id).exists()


presence.register("message", may_open)


def may_work(user: User, message: Message) -> bool:
    return incidents.may(user, "work", message.incident)


def get_request(user: User, request_id: int) -> tuple[ApprovalRequest, ApprovalSeat]:
    """A request in which this person is asked, with their seat in the newest stage they sit in."""
    seat = (
        ApprovalSeat.objects.select_related(
            "person",
            "stage__request__message__incident__lead",
            "stage__request__version",
            "stage__request__requested_by",
        )
        .filter(stage__request=request_id, person=user, person__is_active=True)
        .exclude(stage__state="waiting")
        .order_by("-stage__position")
        .first()
    )
    if seat is None or not incidents.may(user, "view", seat.stage.request.message.incident):
        raise Http404
    return seat.stage.request, seat
