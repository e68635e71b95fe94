"""The monitoring log and what competitors make of it."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from crisiscomms import tables
from crisiscomms.refusal import Refused
from crisiscomms.table_views import export, remembers
from incidents import access, actions, forms
from incidents.actions.mentions import can
from incidents.models import Incident, Mention, ResponseTask
from incidents.outside import chart as mention_chart
from incidents.outside import corrections
from incidents.outside import table as mention_table
from incidents.outside.table import ALL_MENTIONS, MENTIONS, MentionFilter
from incidents.views.outward import PAGE, said


def _mentions(request: HttpRequest, incident: Incident | None) -> Any:
    seen = Mention.objects.visible_to(request.user).select_related("incident", "owner", "seen_by")
    return seen.filter(incident=incident) if incident else seen


@require_http_methods(PAGE)
@remembers(MENTIONS, MentionFilter)
def mentions(request: HttpRequest, number: int) -> HttpResponse:
    """The monitoring log of one incident, with quick entry."""
    return _log(request, access.get_incident(request.user, number))


@require_http_methods(PAGE)
@remembers(ALL_MENTIONS, MentionFilter)
def all_mentions(request: HttpRequest) -> HttpResponse:
    """Every mention that this person may see, also those that belong to no incident yet."""
    access.page(request.user, "work")
    return _log(request, None)


def _log(request: HttpRequest, incident: Incident | None) -> HttpResponse:
    first = {"seen_at": timezone.localtime(request.now), "sentiment": "negative", "channel": "social"}
    form = forms.MentionForm(request.POST or None, incident=incident, now=request.now, initial=first, auto_id="note_%s")
    where = reverse("incidents:mentions", args=[incident.number]) if incident else reverse("incidents:all_mentions")
    if request.method == "POST" and form.is_valid():
        try:
            actions.note_mention(
                incident_id=incident.pk if incident else None, by=request.user, now=request.now, **form.cleaned_data
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Noted.")
            return (
                redirect("desk:room", incident.number) if incident and "from_room" in request.POST else redirect(where)
            )
    rows = _mentions(request, incident)
    table = MENTIONS if incident else ALL_MENTIONS
    view = tables.look(table, rows, request.GET, MentionFilter(request.GET), mention_table.narrow)
    # Of all incidents together only the page is read: they may be many.
    is_counted = incident is not None and not view.problem
    narrowed = mention_table.narrow(rows, view.form.cleaned_data) if is_counted else rows.none()
    context = {
        "incident": incident,
        "form": form,
        "view": view,
        "totals": mention_table.totals(narrowed),
        "chart": mention_chart.drawn(narrowed),
        "can": can(incident, request.user, request.now),
    }
    status = 422 if request.method == "POST" else view.status
    return render(request, "incidents/mention_list.html", context, status=status)


@require_GET
def mentions_csv(request: HttpRequest, number: int) -> HttpResponseBase:
    """The mentions of the list, all pages and columns, as CSV."""
    incident = access.get_incident(request.user, number)
    return export(request, MENTIONS, _mentions(request, incident), MentionFilter(request.GET), mention_table.narrow)


@require_GET
def all_mentions_csv(request: HttpRequest) -> HttpResponseBase:
    """The mentions of the list, all pages and columns, as CSV."""
    access.page(request.user, "work")
    return export(request, ALL_MENTIONS, _mentions(request, None), MentionFilter(request.GET), mention_table.narrow)


@require_http_methods(PAGE)
def mention(request: HttpRequest, mention_id: int) -> HttpResponse:
    """One mention whole: what was said, and its answer."""
    row = access.get_mention(request.user, mention_id)
    status = 200
    if request.method == "POST":
        form = forms.MentionActForm(request.POST, incident=row.incident)
        try:
            if not form.is_valid():
                raise Refused(said(form) or "Press one of the buttons.")
            _act(request, row, form.cleaned_data)
            return redirect("incidents:mention", mention_id)
        except Refused as refusal:
            messages.error(request, str(refusal))
            status = 422
    elsewhere = Incident.objects.visible_to(request.user).live().order_by("-number")
    context = {
        "mention": row,
        "corrections": corrections.of(row),
        "owners": forms.owners(row.incident),
        "can": can(row.incident, request.user, request.now) if row.struck_at is None else {},
        "incidents": elsewhere.exclude(pk=row.incident_id)[:50],
        "typed": request.POST.get("how", "")[:1000],
    }
    return render(request, "incidents/mention.html", context, status=status)


def _act(request: HttpRequest, row: Mention, data: dict[str, Any]) -> None:
    who: dict[str, Any] = {"mention_id": row.pk, "by": request.user, "now": request.now}
    if data["act"] == "answer":
        actions.answer_mention(how=data["how"], **who)
    elif data["act"] == "leave":
        actions.leave_unanswered(reason=data["how"], **who)
    elif data["act"] == "ask":
        actions.ask_for_answer(owner=data["owner"] or request.user, **who)
    elif data["act"] == "strike":
        actions.strike_mention(reason=data["how"], **who)
    else:
        incident = Incident.objects.visible_to(request.user).filter(number=data["incident"] or 0).first()
        if incident is None:
            raise Refused("Choose the incident that it belongs to.")
        put = actions.attach_mention if data["act"] == "attach" else actions.move_mention
        put(incident_id=incident.pk, **who)


@require_http_methods(PAGE)
def competitors(request: HttpRequest, number: int) -> HttpResponse:
    """What competitors make of the incident; one more is noted here."""
    incident = access.get_incident(request.user, number)
    first = {"seen_at": timezone.localtime(request.now), "channel": "social", "is_true": "unknown"}
    form = forms.ReactionForm(request.POST or None, now=request.now, initial=first)
    if request.method == "POST" and form.is_valid():
        try:
            row = actions.note_reaction(incident_id=incident.pk, by=request.user, now=request.now, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("incidents:competitor", number, row.pk)
    reactions = incident.competitor_reactions.select_related("decided_by", "seen_by").prefetch_related("tasks__owner")
    context = {
        "incident": incident,
        "form": form,
        "reactions": reactions,
        "can": can(incident, request.user, request.now),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "incidents/competitor_list.html", context, status=status)


@require_http_methods(PAGE)
def competitor(request: HttpRequest, number: int, reaction_id: int) -> HttpResponse:
    """One reaction: is it true, how is it answered, who does what by when."""
    incident = access.get_incident(request.user, number)
    found = incident.competitor_reactions.select_related("decided_by", "seen_by")
    row = found.filter(pk=reaction_id).first()
    if row is None:
        raise Http404
    bound = _bound(request, row, incident)
    status = 200
    if request.method == "POST":
        try:
            _press_reaction(request, row.pk, bound)
            return redirect("incidents:competitor", number, reaction_id)
        except Refused as refusal:
            messages.error(request, str(refusal))
            status = 422
    context = {
        "incident": incident,
        "reaction": row,
        "corrections": corrections.of(row),
        **bound,
        "tasks": row.tasks.select_related("owner", "done_by"),
        "owners": forms.owners(incident),
        "can": can(incident, request.user, request.now),
    }
    return render(request, "incidents/competitor.html", context, status=status)


def _bound(request: HttpRequest, row: Any, incident: Incident) -> dict[str, Any]:
    """The forms of the page; the one that was sent holds what was typed."""
    sent = request.POST.get("act", "") if request.method == "POST" else ""
    data = request.POST
    first = {"response": row.response, "why": row.decided_why}
    return {
        "judge": forms.JudgeForm(
            data if sent == "judge" else None, initial={"claim": row.claim, "is_true": row.is_true}
        ),
        "decide": forms.ResponseForm(data if sent == "decide" else None, initial=first),
        "add": forms.ResponseTaskForm(data if sent == "add" else None, incident=incident),
        "end": forms.EndTaskForm(data if sent in ("end", "hand_over") else None, incident=incident),
    }


def _press_reaction(request: HttpRequest, reaction_id: int, bound: dict[str, Any]) -> None:
    act = request.POST.get("act", "")
    form = bound.get({"hand_over": "end"}.get(act, act))
    if form is None:
        raise Refused("Press one of the buttons.")
    if not form.is_valid():
        raise Refused(said(form))
    data, who = form.cleaned_data, {"by": request.user, "now": request.now}
    if act in ("judge", "decide", "add"):
        press = {"judge": actions.judge_claim, "decide": actions.decide_response, "add": actions.add_response_task}[act]
        press(reaction_id=reaction_id, **data, **who)  # type: ignore[operator]
        return
    task = data.pop("task")
    if not ResponseTask.objects.filter(reaction=reaction_id, pk=task).exists():
        raise Refused("There is no such task here.")
    owner = data.pop("owner")
    if act == "end":
        actions.end_response_task(task_id=task, **data, **who)
    elif owner is None:
        raise Refused("Choose who takes it.")
    else:
        actions.hand_over_response(task_id=task, owner=owner, **who)
