"""What can be found in this house: the tasks of recovery programmes."""

from django.urls import reverse

from crisiscomms.search import HITS, Asked, Hit, Source, holding, register
from incidents.models import Incident
from recovery.models import RecoveryTask


def _tasks(asked: Asked) -> list[Hit]:
    seen = RecoveryTask.objects.filter(incident__in=Incident.objects.visible_to(asked.by))
    found = holding(asked, seen, "title").select_related("incident", "owner").order_by("-incident", "position")
    return [
        Hit(
            one.title,
            f"{one.incident.ref}, {one.owner}",
            f"{reverse('recovery:board', args=[one.incident.number])}#task-{one.pk}",
            one.get_state_display(),
        )
        for one in found[:HITS]
    ]


register(Source(30, "tasks", "Recovery tasks", _tasks))
