"""Who may order and stop sends: whoever may work on the message's incident."""

from django.http import Http404

from crisiscomms.models import User
from delivery.models import Dispatch
from incidents.models import Incident
from messaging import access as messages
from messaging.models import Message


def get_message(user: User, message_id: int) -> Message:
    return messages.get_message(user, message_id)


def get_dispatch(user: User, dispatch_id: int) -> Dispatch:
    """404 alike for a missing and a hidden one."""
    visible = Dispatch.objects.filter(incident__in=Incident.objects.visible_to(user))
    dispatch = visible.select_related("message", "incident").filter(pk=dispatch_id).first()
    if dispatch is None:
        raise Http404
    messages.get_message(user, dispatch.message_id)
    return dispatch
