"""What of the messages of an incident is open, for somebody who takes over a role in it."""

from incidents import waiting
from incidents.models import Incident
from incidents.waiting import Open
from messaging.models import ApprovalStage


def _drafts(incident: Incident) -> list[Open]:
    found = incident.messages.unfinished().select_related("working_by").order_by("number")
    return [Open(f"{one.name}: {one.get_state_display().lower()}") for one in found if one.state != "in_review"]


def _decisions(incident: Incident) -> list[Open]:
    stages = ApprovalStage.objects.filter(state="open", request__state="open", request__message__incident=incident)
    return [
        Open(f"{one.request.message.name}: decision asked for ({one.label})", one.due_at)
        for one in stages.select_related("request__message").order_by("due_at")
    ]


waiting.register("drafts", _drafts)
waiting.register("decisions", _decisions)
