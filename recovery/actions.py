"""The 30-60-90 programme: opened by resolving, driven by the one clock."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction
from django.urls import reverse

from crisiscomms import audit, handover, policy
from crisiscomms.models import User
from crisiscomms.refusal import Conflict, Refused
from incidents import access, deadlines
from incidents.actions import let_see
from incidents.models import Deadline, Incident
from recovery.models import RecoveryTask

PLAN = Path(__file__).parent / "data" / "plan.yaml"
State = RecoveryTask.State


def shipped_plan() -> dict[str, Any]:
    plan: dict[str, Any] = yaml.safe_load(PLAN.read_text())
    return plan


@transaction.atomic
def open_programme(*, incident: Incident, by: User | None, now: datetime) -> list[RecoveryTask]:
    """The twelve tasks with owners and due dates, counted from resolution. Safe to repeat.

    An incident that was re-opened and is resolved again keeps its tasks; those not done get new dates.
    """
    tasks = []
    for position, item in enumerate(policy.current("recovery")["tasks"], start=1):
        due = now + timedelta(days=_days(incident, item))
        task, is_new = RecoveryTask.objects.get_or_create(
            incident=incident,
            key=item["key"],
            defaults={
                "position": position,
                "phase": item["phase"],
                "title": item["title"],
                "what": item["what"],
                "evidence_needed": item["evidence"],
                "owner_role": item["owner_role"],
                "owner": _owner(incident, item["owner_role"]),
                "due_at": due,
            },
        )
        if not is_new and task.state == State.OPEN:
            task.due_at = due
            task.save(update_fields=["due_at"])
        if task.state == State.OPEN:
            _plan(task, now)
        tasks.append(task)
    text = f"Recovery programme: {len(tasks)} tasks over 90 days"
    audit.record(
        chain=incident.chain, verb="recovery.opened", subject=f"incident:{incident.pk}", text=text, by=by, now=now
    )
    return tasks


def _days(incident: Incident, item: dict[str, Any]) -> int:
    """The explanation to customers follows the severity's policy (2, 3 or 5 days); the rest the plan."""
    if item["key"] == "customer-explanation":
        return deadlines.severity_policy(incident)["comprehensive_explanation_days"]
    return int(item["due_days"])


def _owner(incident: Incident, role: str) -> User:
    """Somebody of the role, who is on the team if possible; else whoever leads the incident."""
    in_team = User.objects.with_role(role).filter(incident_roles__incident=incident).first()
    visible = [person for person in User.objects.with_role(role) if access.may(person, "view", incident)]
    return in_team or (visible[0] if visible else incident.lead)


def _plan(task: RecoveryTask, now: datetime) -> None:
    deadlines.plan(
        incident=task.incident,
        kind="recovery_task",
        subject=f"task:{task.pk}",
        title=task.title,
        owner=task.owner,
        due_at=task.due_at,
        now=now,
    )


@transaction.atomic
def complete_task(*, task_id: int, evidence: str, by: User, now: datetime) -> RecoveryTask:
    """Done, with what shows it. The analysis also is a milestone of the incident."""
    task = _lock(task_id)
    access.require(by, "work", task.incident)
    if task.state != State.OPEN:
        raise Conflict(f"This is {task.get_state_display().lower()} already, by {task.done_by}.")
    if not evidence.strip():
        raise Refused(f"Show what proves it: {task.evidence_needed}")
    task.state, task.evidence = State.DONE, evidence.strip()
    task.done_at, task.done_by = now, by
    task.save(update_fields=["state", "evidence", "done_at", "done_by"])
    deadlines.meet(incident=task.incident, kind="recovery_task", subject=f"task:{task.pk}", now=now)
    if task.key == "customer-explanation":
        deadlines.meet(incident=task.incident, kind="explanation", now=now)
    text = f"Recovery: {task.title}, done. {task.evidence}"
    audit.record(chain=task.incident.chain, verb="recovery.done", subject=f"task:{task.pk}", text=text, by=by, now=now)
    return task


@transaction.atomic
def waive_task(*, task_id: int, reason: str, by: User, now: datetime) -> RecoveryTask:
    """It will not be done, and somebody who leads says why."""
    task = _lock(task_id)
    access.require(by, "lead", task.incident)
    if task.state != State.OPEN:
        raise Conflict(f"This is {task.get_state_display().lower()} already, by {task.done_by}.")
    if not reason.strip():
        raise Refused("Say why this is waived.")
    return _waive(task, reason, by, now)


def _waive(task: RecoveryTask, reason: str, by: User, now: datetime) -> RecoveryTask:
    task.state, task.evidence = State.WAIVED, reason.strip()
    task.done_at, task.done_by = now, by
    task.save(update_fields=["state", "evidence", "done_at", "done_by"])
    deadlines.waive(
        incident=task.incident, kind="recovery_task", subject=f"task:{task.pk}", reason=reason, by=by, now=now
    )
    return task


@transaction.atomic
def waive_all_tasks(*, incident: Incident, by: User, now: datetime) -> None:
    """What is still open when the incident closes was waived with it."""
    for task in incident.recovery_tasks.filter(state=State.OPEN).select_related("incident"):
        _waive(task, "The incident was closed.", by, now)


@transaction.atomic
def hand_over_task(*, task_id: int, owner: User, by: User, now: datetime) -> RecoveryTask:
    """Somebody else owns it now; their clock, their reminders."""
    task = _lock(task_id)
    access.require(by, "work", task.incident)
    if task.state != State.OPEN:
        raise Conflict("This is done already.")
    if owner == task.owner:
        raise Refused(f"{owner} has this task already. Choose somebody else.")
    if not access.may(owner, "work", task.incident):
        raise Refused(f"{owner} cannot work on this incident.")
    task.owner = owner
    task.save(update_fields=["owner"])
    _plan(task, now)
    text = f"Recovery: {task.title}, handed over to {owner}"
    audit.record(
        chain=task.incident.chain, verb="recovery.handed_over", subject=f"task:{task.pk}", text=text, by=by, now=now
    )
    return task


def _open_tasks(person: User) -> int:
    return RecoveryTask.objects.filter(owner=person, state=State.OPEN).count()


def _pass_on(*, person: User, to: User, by: User, now: datetime) -> None:
    for pk in RecoveryTask.objects.filter(owner=person, state=State.OPEN).order_by("pk").values_list("pk", flat=True):
        task = _lock(pk)
        if not access.may(to, "view", task.incident):
            let_see(incident=task.incident, person=to)
        hand_over_task(task_id=pk, owner=to, by=by, now=now)


handover.register(
    handover.Holding("recovery", "recovery tasks they own", _open_tasks, _pass_on, access.roles_may("work"))
)


def all_done(incident: Incident) -> bool:
    tasks = RecoveryTask.objects.filter(incident=incident)
    return tasks.exists() and not tasks.filter(state=State.OPEN).exists()


def _lock(task_id: int) -> RecoveryTask:
    audit.hold(RecoveryTask.objects.select_related("incident").get(pk=task_id).incident.chain)
    return (
        RecoveryTask.objects.select_for_update(of=("self",))
        .select_related("incident__lead", "owner", "done_by")
        .get(pk=task_id)
    )


def _board(deadline: Deadline) -> str:
    return reverse("recovery:board", args=[deadline.incident.number])


deadlines.register(
    deadlines.Kind(
        "recovery_task", "Recovery task", _board, action="Open the task", warn_minutes=3 * 24 * 60,
        elsewhere="A recovery task is waived and handed over on its board, where the reason stays with the task.",
    )
)  # fmt: skip
