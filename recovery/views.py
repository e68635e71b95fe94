"""The recovery board."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from crisiscomms.refusal import Refused
from incidents import access
from incidents.models import Incident
from recovery import actions
from recovery.forms import CompleteForm, OwnerForm, WaiveForm
from recovery.models import RecoveryTask


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Incidents with a programme, those with late tasks first."""
    access.page(request.user, "view")
    incidents = (
        Incident.objects.visible_to(request.user)
        .filter(recovery_tasks__isnull=False)
        .distinct()
        .prefetch_related("recovery_tasks")
    )
    rows = [_progress(incident, request.now) for incident in incidents.order_by("-resolved_at")]
    rows.sort(key=lambda row: row["late"], reverse=True)
    return render(request, "recovery/recovery_list.html", {"rows": rows})


def _progress(incident: Incident, now: datetime) -> dict[str, Any]:
    tasks = list(incident.recovery_tasks.all())
    done = [task for task in tasks if task.state == RecoveryTask.State.DONE]
    late = [task for task in tasks if task.state == RecoveryTask.State.OPEN and task.due_at < now]
    following = next((task for task in tasks if task.state == RecoveryTask.State.OPEN), None)
    return {
        "incident": incident,
        "done": len(done),
        "waived": sum(task.state == RecoveryTask.State.WAIVED for task in tasks),
        "total": len(tasks),
        "late": len(late),
        "next": following,
    }


@require_GET
def board(request: HttpRequest, number: int) -> HttpResponse:
    incident = access.get_incident(request.user, number)
    return _board(request, incident, CompleteForm(), None)


def _board(
    request: HttpRequest, incident: Incident, form: Form, open_task: int | None, status: int = 200
) -> HttpResponse:
    tasks = list(incident.recovery_tasks.select_related("owner", "done_by"))
    resolved = incident.resolved_at
    day = (request.now - resolved).days + 1 if resolved else 0
    columns = [_column(phase, label, tasks) for phase, label in RecoveryTask.Phase.choices]
    here = min(max(day - 1, 0) // 30, 2)
    context = {
        "incident": incident,
        "columns": columns,
        "here": columns[here][0],
        "day": day,
        "done": sum(task.state == RecoveryTask.State.DONE for task in tasks),
        "waived": sum(task.state == RecoveryTask.State.WAIVED for task in tasks),
        "total": len(tasks),
        "form": form,
        "open_task": open_task,
        "complete": form if isinstance(form, CompleteForm) else CompleteForm(),
        "waive": form if isinstance(form, WaiveForm) else WaiveForm(),
        "owners": OwnerForm(),
        "may_work": access.may(request.user, "work", incident),
        "may_lead": access.may(request.user, "lead", incident),
    }
    return render(request, "recovery/recovery_board.html", context, status=status)


def _column(phase: str, label: str, tasks: list[RecoveryTask]) -> tuple[str, str, list[RecoveryTask], int]:
    mine = [task for task in tasks if task.phase == phase]
    return phase, label, mine, sum(task.state == RecoveryTask.State.DONE for task in mine)


@require_POST
def complete(request: HttpRequest, number: int, task_id: int) -> HttpResponse:
    incident = access.get_incident(request.user, number)
    task = get_object_or_404(RecoveryTask, pk=task_id, incident=incident)
    form = CompleteForm(request.POST)
    if form.is_valid():
        try:
            actions.complete_task(
                task_id=task.pk, evidence=form.cleaned_data["evidence"], by=request.user, now=request.now
            )
        except Refused as refusal:
            form.add_error("evidence", str(refusal))
            return _board(request, incident, form, task.pk, status=409)
        return redirect("recovery:board", number)
    return _board(request, incident, form, task.pk, status=422)


@require_POST
def waive(request: HttpRequest, number: int, task_id: int) -> HttpResponse:
    form = WaiveForm(request.POST)
    return _press(request, number, task_id, form, actions.waive_task)


@require_POST
def hand_over(request: HttpRequest, number: int, task_id: int) -> HttpResponse:
    form = OwnerForm(request.POST)
    return _press(request, number, task_id, form, actions.hand_over_task)


def _press(
    request: HttpRequest, number: int, task_id: int, form: Form, act: Callable[..., RecoveryTask]
) -> HttpResponse:
    incident = access.get_incident(request.user, number)
    task = get_object_or_404(RecoveryTask, pk=task_id, incident=incident)
    status = 422
    if form.is_valid():
        try:
            act(task_id=task.pk, by=request.user, now=request.now, **form.cleaned_data)
            return redirect("recovery:board", number)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = 409
    return _board(request, incident, form, task.pk, status=status)
