"""What of the messages of an incident is open, for somebody who takes over a role in it."""

from incidents.clock import waiting
from incidents.clock.waiting import Open
from incidents.models import Incident


def _drafts(incident: Incident) -> list[Open]:
    """What is in approval has a clock of its own, which is told already."""
    found = incident.messages.unfinished().select_related("working_by").order_by("number")
    return [Open(f"{one.name}: {one.get_state_display().lower()}") for one in found if one.state != "in_review"]


waiting.register("drafts", _drafts)
