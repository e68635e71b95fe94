"""Playbooks: written, agreed, applied when an incident is declared, and their tasks done."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse

from crisiscomms import audit, handover
from crisiscomms.models import User
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import access, deadlines, playbooks, signals
from incidents.actions.lifecycle import let_see, lock_incident
from incidents.models import (
    AppliedPlaybook,
    Deadline,
    Incident,
    Playbook,
    PlaybookApproval,
    PlaybookTask,
    PlaybookVersion,
)
from incidents.playbooks.own_sections import due_of
from incidents.team.owners import of_role

REVIEW_AFTER = timedelta(days=90)
State = PlaybookTask.State


@transaction.atomic
def write_playbook(
    *, kind: str, severity: str, sections: dict[str, Any], base: int, reason: str, by: User | None, now: datetime
) -> PlaybookVersion:
    """A new version, for the next incident. `base` is the number of the one that was looked at, 0 for none.

    `by=None` is what the product ships. Raises Conflict when somebody wrote one meanwhile.
    """
    if by is not None:
        access.require(by, "work")
    if kind not in Incident.Kind.values or severity not in ["", *Incident.Severity.values]:
        raise Refused("Choose a kind and a severity from the list.")
    if not reason.strip():
        raise Refused("Say why it changes. The reason stands in the history.")
    sections = playbooks.clean(sections)
    Playbook.objects.get_or_create(kind=kind, severity=severity)
    playbook = Playbook.objects.select_for_update().get(kind=kind, severity=severity)
    last = playbook.versions.select_related("author").first()
    if (last.number if last else 0) != base:
        who = f" by {last.author}" if last and last.author else ""
        raise Conflict(
            f"This playbook was changed{who} meanwhile. What you typed is kept; read theirs, then save again."
        )
    if last is not None and last.sections == sections:
        raise Refused("Nothing is different from the version before.")
    version = PlaybookVersion.objects.create(
        playbook=playbook, number=base + 1, sections=sections, author=by, reason=reason.strip()[:300], at=now,
        review_by=now + REVIEW_AFTER,
    )  # fmt: skip
    _say(audit.INSTALLATION, "playbook.written", f"playbook:{playbook.pk}", f"Playbook: {version}. {reason}", by, now)
    return version


@transaction.atomic
def agree_to_playbook(*, version_id: int, by: User, now: datetime) -> PlaybookApproval:
    """Somebody else than its author agrees to a version."""
    access.require(by, "work")
    version = PlaybookVersion.objects.select_related("playbook", "author").get(pk=version_id)
    playbook = Playbook.objects.select_for_update().get(pk=version.playbook_id)
    if version.author == by:
        raise NotAllowed("Somebody else has to agree to what you wrote.")
    if playbook.versions.filter(number__gt=version.number).exists():
        raise Conflict("There is a newer version. Read that one.")
    approval, is_new = PlaybookApproval.objects.get_or_create(version=version, defaults={"by": by, "at": now})
    if not is_new:
        raise Conflict(f"{approval.by} has agreed already.")
    _say(audit.INSTALLATION, "playbook.agreed", f"playbook:{playbook.pk}", f"Playbook agreed to: {version}", by, now)
    return approval


# Applied


@transaction.atomic
def apply_playbook(*, incident: Incident, by: User | None, now: datetime) -> AppliedPlaybook | None:
    """Freeze the matching version on the incident and do what its sections bring. Safe to repeat.

    A second one, for another severity, leaves what the first opened and adds what is new.
    """
    audit.hold(incident.chain)
    version = playbooks.matching(incident.kind, incident.severity)
    if version is None or incident.phase in (Incident.Phase.PRE_CRISIS, Incident.Phase.CLOSED):
        return None
    applied, is_new = AppliedPlaybook.objects.get_or_create(
        incident=incident, version=version, defaults={"by": by, "at": now}
    )
    if not is_new:
        return applied
    for section in playbooks.sections():
        section.apply(incident, version.sections.get(section.key, section.empty), by, now)
    tasks = _open_tasks(applied, incident, now)
    count = f"{len(tasks)} task{'' if len(tasks) == 1 else 's'} opened"
    _say(incident.chain, "playbook.applied", f"incident:{incident.pk}", f"Playbook: {version}. {count}", by, now)
    return applied


def _open_tasks(applied: AppliedPlaybook, incident: Incident, now: datetime) -> list[PlaybookTask]:
    lines = applied.version.sections.get("tasks", {}).get("tasks", [])
    there = set(incident.plan_tasks.values_list("title", flat=True))
    opened = []
    for task in (playbooks.read_task(line) for line in lines):
        if task.title in there:
            continue
        there.add(task.title)
        row = PlaybookTask.objects.create(
            incident=incident, applied=applied, title=task.title, owner_role=task.role,
            owner=of_role(incident, task.role, now), due_at=max(due_of(task, incident), now),
        )  # fmt: skip
        _plan(row, now)
        opened.append(row)
    return opened


def _plan(task: PlaybookTask, now: datetime) -> None:
    deadlines.plan(
        incident=task.incident, kind="playbook_task", subject=_subject(task), title=task.title, owner=task.owner,
        due_at=task.due_at, now=now,
    )  # fmt: skip


@transaction.atomic
def switch_playbook(*, incident_id: int, by: User, now: datetime) -> AppliedPlaybook:
    """Go by the plan for what the incident is now, after its severity changed or the plan was written."""
    incident = lock_incident(incident_id)
    access.require(by, "work", incident)
    version = playbooks.matching(incident.kind, incident.severity)
    if version is None:
        raise Refused("Nobody has written a playbook for this kind and severity yet.")
    if incident.applied_playbooks.filter(version=version).exists():
        raise Refused("The incident goes by this plan already.")
    applied = apply_playbook(incident=incident, by=by, now=now)
    if applied is None:
        raise Refused("No plan starts for this incident now.")
    return applied


@transaction.atomic
def complete_plan_task(*, task_id: int, by: User, now: datetime, note: str = "") -> PlaybookTask:
    task = _lock(task_id, by)
    _end(task, State.DONE, note, by, now)
    deadlines.meet(incident=task.incident, kind="playbook_task", subject=_subject(task), now=now)
    return task


@transaction.atomic
def waive_plan_task(*, task_id: int, reason: str, by: User, now: datetime) -> PlaybookTask:
    """It does not have to happen this time, and somebody says why."""
    task = _lock(task_id, by)
    if not reason.strip():
        raise Refused("Say why this is not needed.")
    _waive(task, reason, by, now)
    return task


def _waive(task: PlaybookTask, reason: str, by: User | None, now: datetime) -> None:
    _end(task, State.WAIVED, reason, by, now)
    deadlines.waive(
        incident=task.incident, kind="playbook_task", subject=_subject(task), reason=reason.strip(), by=by, now=now
    )


def _end(task: PlaybookTask, to: str, note: str, by: User | None, now: datetime) -> None:
    if to not in PlaybookTask.MOVES[task.state]:
        raise Conflict(f"This is {task.get_state_display().lower()} already, by {task.done_by}.")
    task.state, task.note, task.done_by, task.done_at = to, note.strip()[:500], by, now
    task.save(update_fields=["state", "note", "done_by", "done_at"])
    because = f". {task.note}" if task.note else ""
    text = f"Plan: {task.title}, {task.get_state_display().lower()}{because}"
    _say(task.incident.chain, f"plan.{to}", f"plan:{task.pk}", text, by, now)


@transaction.atomic
def hand_over_plan_task(*, task_id: int, owner: User, by: User, now: datetime) -> PlaybookTask:
    task = _lock(task_id, by)
    if task.state != State.OPEN:
        raise Conflict("This is over already.")
    if owner == task.owner:
        raise Refused(f"{owner} has this task already. Choose somebody else.")
    if not owner.is_active or not access.may(owner, "work", task.incident):
        raise NotAllowed(f"{owner.name} cannot work on this incident. Choose somebody who can.")
    task.owner = owner
    task.save(update_fields=["owner"])
    task.incident.deadlines.open().filter(kind="playbook_task", subject=_subject(task)).update(owner=owner)
    text = f"Plan: {task.title}, handed over to {owner}"
    _say(task.incident.chain, "plan.owner", f"plan:{task.pk}", text, by, now)
    return task


@transaction.atomic
def end_plan(*, incident: Incident, by: User | None, now: datetime) -> None:
    """What is still open when the incident closes was waived with it."""
    for task in incident.plan_tasks.filter(state=State.OPEN).select_related("incident"):
        _waive(task, "The incident was closed.", by, now)


def _lock(task_id: int, by: User) -> PlaybookTask:
    incident = lock_incident(PlaybookTask.objects.values_list("incident", flat=True).get(pk=task_id))
    access.require(by, "work", incident)
    task = PlaybookTask.objects.select_for_update(of=("self",)).select_related("owner", "done_by").get(pk=task_id)
    task.incident = incident
    return task


def _subject(task: PlaybookTask) -> str:
    return f"plan:{task.pk}"


def _say(chain: str, verb: str, subject: str, text: str, by: User | None, now: datetime) -> None:
    audit.record(chain=chain, verb=verb, subject=subject, text=text, by=by, now=now)


def _page(deadline: Deadline) -> str:
    return reverse("incidents:plan", args=[deadline.incident.number])


deadlines.register(
    deadlines.Kind(
        "playbook_task", "Task of the plan", _page, action="Open the plan",
        elsewhere="A task of the plan is done, skipped or handed over on the plan.",
    )
)  # fmt: skip


def _on_declared(*, incident: Incident, by: User, now: datetime, **_: Any) -> None:
    apply_playbook(incident=incident, by=by, now=now)


def _on_closed(*, incident: Incident, by: User, now: datetime, **_: Any) -> None:
    end_plan(incident=incident, by=by, now=now)


signals.incident_declared.connect(_on_declared, dispatch_uid="plans.declared")
signals.incident_closed.connect(_on_closed, dispatch_uid="plans.closed")


# Who leaves


def _held(person: User) -> int:
    return PlaybookTask.objects.filter(owner=person, state=State.OPEN).count()


def _pass_on(*, person: User, to: User, by: User, now: datetime) -> None:
    for pk in PlaybookTask.objects.filter(owner=person, state=State.OPEN).order_by("pk").values_list("pk", flat=True):
        task = PlaybookTask.objects.select_related("incident").get(pk=pk)
        if not access.may(to, "view", task.incident):
            let_see(incident=task.incident, person=to)
        hand_over_plan_task(task_id=pk, owner=to, by=by, now=now)


handover.register(handover.Holding("plan", "tasks of plans they own", _held, _pass_on, access.roles_may("work")))
