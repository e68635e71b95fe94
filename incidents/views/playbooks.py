"""Playbooks: the matrix, one to read and print, the editor, the history; and the plan of an incident."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crisiscomms.policy import differences
from crisiscomms.refusal import Refused
from incidents import access, actions, forms, playbooks
from incidents.models import Incident, PlaybookVersion
from incidents.views.outward import PAGE, said


@require_GET
def matrix(request: HttpRequest) -> HttpResponse:
    """What kind × severity has a playbook, and which review is overdue."""
    access.page(request.user, "view")
    rows = playbooks.matrix()
    cells = [cell for _, cells in rows for cell in cells if cell["severity"] != "Any severity"]
    context = {
        "rows": rows,
        "columns": [*Incident.Severity.labels, "Any severity"],
        "missing": sum(cell["version"] is None for cell in cells),
        "stale": sum(bool(cell["version"]) and cell["version"].review_by <= request.now for cell in cells),
        "may_write": access.may(request.user, "work"),
    }
    return render(request, "incidents/playbook_list.html", context)


def _named(slug: str) -> tuple[str, str]:
    found = playbooks.named(slug)
    if found is None:
        raise Http404
    return found


def _context(slug: str) -> dict[str, Any]:
    kind, severity = _named(slug)
    words = Incident.Severity(severity).label.lower() if severity else "any severity"
    return {"slug": slug, "kind": kind, "severity": severity, "title": f"{Incident.Kind(kind).label}, {words}"}


@require_GET
def playbook(request: HttpRequest, plan: str) -> HttpResponse:
    """The response plan in general, phase by phase, to read and to print; `?version=` for an earlier one."""
    access.page(request.user, "view")
    context = _context(plan)
    last = playbooks.newest(context["kind"], context["severity"])
    shown = _asked_version(request, last)
    context |= {
        "version": shown,
        "last": last,
        "parts": playbooks.plan(shown) if shown else [],
        "may_write": access.may(request.user, "work"),
        "approval": getattr(shown, "approval", None),
        "is_stale": bool(shown and shown.review_by <= request.now),
    }
    return render(request, "incidents/playbook.html", context)


def _asked_version(request: HttpRequest, last: PlaybookVersion | None) -> PlaybookVersion | None:
    asked = request.GET.get("version", "")
    if not asked or last is None:
        return last
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 0
    found = PlaybookVersion.objects.filter(playbook=last.playbook, number=number)
    version = found.select_related("playbook", "author", "approval__by").first()
    if version is None:
        raise Http404
    return version


@require_http_methods(PAGE)
def edit(request: HttpRequest, plan: str) -> HttpResponse:
    """Write the next version. What is running keeps its own."""
    access.page(request.user, "work")
    context = _context(plan)
    last = playbooks.newest(context["kind"], context["severity"])
    form = forms.PlaybookForm(request.POST or None, version=last)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                actions.write_playbook(
                    kind=context["kind"], severity=context["severity"], sections=form.sections(),
                    base=form.cleaned_data["base"], reason=form.cleaned_data["reason"], by=request.user, now=request.now,
                )  # fmt: skip
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, "Kept. It counts for the next incident.")
                return redirect("incidents:playbook", plan)
    return render(request, "incidents/playbook_edit.html", {**context, "form": form, "last": last}, status=status)


@require_POST
def agree(request: HttpRequest, plan: str) -> HttpResponse:
    """Agree to the newest version."""
    access.page(request.user, "work")
    version = playbooks.newest(*_named(plan))
    if version is None:
        raise Http404
    try:
        # The version that was read travels with the press.
        if str(version.number) != request.POST.get("version", ""):
            raise Refused("There is a newer version than the one you read. Read that one.")
        actions.agree_to_playbook(version_id=version.pk, by=request.user, now=request.now)
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("incidents:playbook", plan)


@require_GET
def history(request: HttpRequest, plan: str) -> HttpResponse:
    """Every version with what it changed, newest first."""
    access.page(request.user, "view")
    context = _context(plan)
    found = PlaybookVersion.objects.filter(playbook__kind=context["kind"], playbook__severity=context["severity"])
    versions = list(found.select_related("author", "approval__by").order_by("-number")[:50])
    before = [*versions[1:], None]
    rows = [
        {"version": one, "differences": differences(_worded(old), _worded(one)) if old else []}
        for one, old in zip(versions, before, strict=True)
    ]
    return render(request, "incidents/playbook_history.html", {**context, "rows": rows})


def _worded(version: PlaybookVersion) -> dict[str, dict[str, str]]:
    """By section and field as pages name them, a line each."""
    return {
        section.title: {
            one.label: "\n".join(lines) for one, lines in section.render(version.sections.get(section.key, {}))
        }
        for section in playbooks.sections()
    }


@require_http_methods(PAGE)
def plan(request: HttpRequest, number: int) -> HttpResponse:
    """The response plan of an incident: the version it was started with, and what of it is done."""
    incident = access.get_incident(request.user, number)
    status = 200
    if request.method == "POST":
        form = forms.PlanTaskForm(request.POST, incident=incident)
        try:
            if not form.is_valid():
                raise Refused(said(form))
            _press(request, incident, form.cleaned_data)
            return redirect("desk:room" if "from_room" in request.POST else "incidents:plan", number)
        except Refused as refusal:
            messages.error(request, str(refusal))
            status = 422
    applied = incident.applied_playbooks.select_related("version__playbook", "version__author", "by").first()
    fitting = playbooks.matching(incident.kind, incident.severity)
    used = set(incident.applied_playbooks.values_list("version", flat=True))
    is_live = incident.phase not in ("pre_crisis", "closed")
    context = {
        "incident": incident,
        "applied": applied,
        "parts": playbooks.plan(applied.version) if applied else [],
        "tasks": incident.plan_tasks.select_related("owner", "done_by"),
        "fitting": fitting if is_live and fitting and fitting.pk not in used else None,
        "owners": forms.owners(incident),
        "may_work": access.may(request.user, "work", incident),
        "is_live": is_live,
    }
    return render(request, "incidents/plan.html", context, status=status)


def _press(request: HttpRequest, incident: Incident, data: dict[str, Any]) -> None:
    task = get_object_or_404(incident.plan_tasks, pk=data["task"])
    who: dict[str, Any] = {"task_id": task.pk, "by": request.user, "now": request.now}
    if data["act"] == "done":
        actions.complete_plan_task(note=data["note"], **who)
    elif data["act"] == "waive":
        actions.waive_plan_task(reason=data["note"], **who)
    elif data["owner"] is None:
        raise Refused("Choose who takes it.")
    else:
        actions.hand_over_plan_task(owner=data["owner"], **who)


@require_POST
def switch(request: HttpRequest, number: int) -> HttpResponse:
    """Go by the plan that fits what the incident is now."""
    incident = access.get_incident(request.user, number)
    try:
        actions.switch_playbook(incident_id=incident.pk, by=request.user, now=request.now)
        messages.success(request, "The incident goes by this plan now. What was open of the other stays open.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("incidents:plan", number)
