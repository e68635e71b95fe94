"""What the room and the declare page show of the plan."""

from datetime import datetime
from typing import Any

from crisiscomms.models import User
from incidents import access, playbooks
from incidents.models import Incident, PlaybookTask


def for_room(incident: Incident, person: User, now: datetime) -> dict[str, Any]:
    tasks = list(incident.plan_tasks.select_related("owner"))
    waiting = [task for task in tasks if task.state == PlaybookTask.State.OPEN]
    applied = incident.applied_playbooks.select_related("version__playbook").first()
    return {
        "plan_applied": applied,
        "plan_total": len(tasks),
        "plan_settled": len(tasks) - len(waiting),
        "plan_waiting": waiting,
        "plan_may_work": access.may(person, "work", incident),
    }


def on_declare(kind: str, severity: str) -> dict[str, Any]:
    """Which playbook would start, and the tasks that it opens, soonest first."""
    version = playbooks.matching(kind, severity) if kind in Incident.Kind.values else None
    lines = version.sections.get("tasks", {}).get("tasks", []) if version else []
    tasks = sorted((playbooks.read_task(line) for line in lines), key=lambda task: task.minutes)
    return {
        "playbook": version,
        "plan_tasks": [playbooks.say_task(f"{t.minutes} | {t.role} | {t.title}") for t in tasks],
    }
