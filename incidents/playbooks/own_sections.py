"""The sections of a playbook that this house owns: who, what to find out, tasks, documents, halting, each phase."""

from datetime import datetime, timedelta
from typing import Any

from crisiscomms import notices
from crisiscomms.models import Role, User
from incidents import playbooks
from incidents.actions.lifecycle import let_see
from incidents.models import Incident, TeamMember
from incidents.playbooks import Field, Section, one_of

ROLES = one_of(lambda: [(role, str(label)) for role, label in Role.choices if role != Role.SALES])


def _activate(incident: Incident, data: dict[str, Any], by: User | None, now: datetime) -> None:
    """Whoever has one of the roles joins the team and is told. A restricted incident lets nobody in by a plan."""
    if incident.restricted or not data.get("roles"):
        return
    there = set(incident.team.values_list("person", flat=True))
    new: list[User] = []
    for role in data["roles"]:
        for person in User.objects.with_role(role).exclude(pk__in=there):
            TeamMember.objects.create(incident=incident, person=person, role=role, joined_at=now)
            let_see(incident=incident, person=person)
            there.add(person.pk)
            new.append(person)
    notices.tell(new, kind="declared", key=incident.ref, now=now, incident=incident.pk)


def _phase(phase: Incident.Phase, hint: str) -> Field:
    return Field(str(phase), f"{phase.label}: what counts", hint, phase=str(phase))


Phase = Incident.Phase
playbooks.register(
    Section(
        10, "people", "Who is activated",
        (
            Field("roles", "Roles", "One role a line. Everybody with it joins the team when it is declared.", **ROLES),
            Field("notes", "What each is for", "Who speaks to whom, who decides, whom to wake."),
        ),
        apply=_activate,
    )
)  # fmt: skip
playbooks.register(
    Section(
        20, "facts", "First questions",
        (Field("questions", "What to find out first", "Besides the checklist of the kind.", phase=str(Phase.INITIAL_RESPONSE)),),
    )
)  # fmt: skip
playbooks.register(
    Section(
        30, "tasks", "Tasks",
        (
            Field(
                "tasks", "Tasks that open by themselves",
                "“30 | Legal | Decide whether a regulator has to be told”: minutes after the declaration, role, what.",
                check=playbooks.task_fault, say=playbooks.say_task, keep=playbooks.keep_task,
                write=playbooks.write_task, phase=str(Phase.INITIAL_RESPONSE),
            ),
        ),
    )
)  # fmt: skip
playbooks.register(
    Section(
        60, "documents", "Documents", (Field("expected", "Documents expected", "What has to be on record at the end."),)
    )
)
playbooks.register(
    Section(
        70, "halting", "What goes out by itself",
        (Field("notes", "Halt list: what to look at", "Besides what the standing list asks about.", phase=str(Phase.INITIAL_RESPONSE)),),
    )
)  # fmt: skip
playbooks.register(
    Section(
        80, "phases", "Phase by phase",
        (
            _phase(Phase.PRE_CRISIS, "While it is watched."),
            _phase(Phase.INITIAL_RESPONSE, "The first hours."),
            _phase(Phase.MANAGEMENT, "While it lasts."),
            _phase(Phase.RESOLUTION, "When it is fixed."),
            _phase(Phase.RECOVERY, "The ninety days after."),
        ),
    )
)  # fmt: skip


def due_of(task: playbooks.Task, incident: Incident) -> datetime:
    return (incident.declared_at or incident.opened_at) + timedelta(minutes=task.minutes)
