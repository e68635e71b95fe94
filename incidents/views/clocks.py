"""The board of all clocks, one clock and what to do about it, planning anew, and a person's calendar."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crisiscomms import tables, throttle
from crisiscomms.live import live
from crisiscomms.refusal import Refused
from crisiscomms.table_views import export, remembers
from incidents import access, actions, deadlines, forms
from incidents.actions.clocks import known_regions, latest
from incidents.clock import calendars, clocks, obligations
from incidents.clock import table as clock_table
from incidents.clock.table import CLOCKS, ClockFilter
from incidents.models import Deadline, Incident
from incidents.views.outward import said


def _board(request: HttpRequest) -> dict[str, Any]:
    access.page(request.user, "view")
    rows, narrow = clock_table.listed(request.user), clock_table.narrow_for(request.user)
    view = tables.look(CLOCKS, rows, request.GET, ClockFilter(request.GET), narrow)
    return {"view": view, "has_feed": calendars.has_feed(request.user), "query": request.GET.urlencode()}


@require_GET
@remembers(CLOCKS, ClockFilter)
def board(request: HttpRequest) -> HttpResponse:
    context = _board(request)
    return render(request, "incidents/deadline_list.html", {**context, "mark": ""}, status=context["view"].status)


@require_GET
def board_live(request: HttpRequest) -> HttpResponse:
    return live(request, "incidents/deadline_list.html#board", _board(request))


@require_GET
def board_csv(request: HttpRequest) -> HttpResponseBase:
    """The clocks of the list, all pages and columns, as CSV."""
    access.page(request.user, "view")
    rows, narrow = clock_table.listed(request.user), clock_table.narrow_for(request.user)
    return export(request, CLOCKS, rows, ClockFilter(request.GET), narrow)


def _deadline(request: HttpRequest, number: int, deadline_id: int) -> Deadline:
    """One clock of an incident that this person may see; hidden and missing look alike."""
    incident = access.get_incident(request.user, number)
    rows = Deadline.objects.select_related("owner", "snoozed_by", "taken_by")
    deadline = rows.filter(incident=incident, pk=deadline_id).first()
    if deadline is None:
        raise Http404
    deadline.incident = incident
    return deadline


@require_GET
def clock(request: HttpRequest, number: int, deadline_id: int) -> HttpResponse:
    return _clock(request, _deadline(request, number, deadline_id))


def _clock(request: HttpRequest, deadline: Deadline, pressed: str = "") -> HttpResponse:
    """One clock's page. `pressed` names the form that was refused: it stands open with what was typed in it."""
    kind = deadlines.kind_of(deadline)
    context = {
        "pressed": pressed,
        "typed": request.POST,
        "clock": deadline,
        "incident": deadline.incident,
        "kind": kind,
        "path": deadlines.path_for(deadline, request.user),
        "action": deadlines.action_for(deadline, request.user),
        "basis": clocks.regulatory_basis(deadline),
        "steps": clocks.steps_in_words(deadline),
        "latest": latest(deadline, request.now),
        "is_open": deadline.state in (Deadline.State.PENDING, Deadline.State.MISSED),
        "may_work": access.may(request.user, "work", deadline.incident),
        "may_lead": access.may(request.user, "lead", deadline.incident),
        "may_be_taken": clocks.may_be_taken(deadline, request.now),
        "hand_over": forms.HandDeadlineOverForm(incident=deadline.incident),
    }
    return render(request, "incidents/deadline.html", context, status=422 if pressed else 200)


def _press(name: str, form_class: type[Form] | None, act: Callable[..., Any], done: str) -> Callable[..., HttpResponse]:
    """A press about one clock: one form, one action, back to it with what happened. A refused one keeps its words."""

    @require_POST
    def view(request: HttpRequest, number: int, deadline_id: int) -> HttpResponse:
        deadline = _deadline(request, number, deadline_id)
        form = form_class(request.POST) if form_class else None
        if form is not None and not form.is_valid():
            messages.error(request, said(form))
            return _clock(request, deadline, name)
        try:
            act(deadline_id=deadline.pk, by=request.user, now=request.now, **(form.cleaned_data if form else {}))
        except Refused as refusal:
            messages.error(request, str(refusal))
            return _clock(request, _deadline(request, number, deadline_id), name)
        messages.success(request, done)
        return redirect("incidents:deadline", number, deadline_id)

    return view


snooze = _press(
    "snooze", forms.SnoozeForm, actions.snooze_deadline, "It is put off, and the reason stands on the timeline."
)
done = _press("done", forms.DoneForm, actions.meet_deadline, "It is done.")
hand_over = _press(
    "owner", forms.HandDeadlineOverForm, actions.hand_over_deadline, "It is handed over, and they have been told."
)
take = _press("take", None, actions.take_deadline, "You have it. The escalation waits for you.")


@require_http_methods(["GET", "HEAD", "POST"])
def replan(request: HttpRequest, number: int) -> HttpResponse:
    """What would move by the newest policies; pressing does it."""
    incident = access.get_incident(request.user, number)
    if request.method == "POST":
        return _replan(request, incident)
    seen = obligations.versions()
    context = {
        "incident": incident,
        "changes": obligations.preview(incident),
        "seen": seen,
        "kept": (incident.clock_policy_version, incident.obligation_policy_version),
        "is_newest": seen == (incident.clock_policy_version, incident.obligation_policy_version),
        "may_lead": access.may(request.user, "lead", incident) and incident.phase != Incident.Phase.CLOSED,
        "regions": known_regions(incident),
    }
    return render(request, "incidents/clocks_replan.html", context)


def _replan(request: HttpRequest, incident: Incident) -> HttpResponse:
    form = forms.ReplanForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Look at what would move before you plan anew.")
        return redirect("incidents:replan", incident.number)
    seen = (form.cleaned_data["clocks"], form.cleaned_data["obligations"])
    try:
        said = actions.replan_clocks(incident_id=incident.pk, seen=seen, by=request.user, now=request.now)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Planned anew. {obligations.in_words(said)}")
    return redirect("incidents:replan", incident.number)


@require_POST
def regions(request: HttpRequest, number: int) -> HttpResponse:
    incident = access.get_incident(request.user, number)
    form = forms.RegionsForm(request.POST, known=known_regions(incident))
    if not form.is_valid():
        messages.error(request, "Choose regions of the list.")
        return redirect("incidents:replan", number)
    try:
        said = actions.set_regions(
            incident_id=incident.pk, regions=form.cleaned_data["regions"], by=request.user, now=request.now
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, obligations.in_words(said))
    return redirect("incidents:replan", number)


@require_POST
@never_cache
def calendar(request: HttpRequest) -> HttpResponse:
    """A new address for the reader's own calendar, shown this once."""
    access.page(request.user, "view")
    token = calendars.make_feed(person=request.user, now=request.now)
    address = request.build_absolute_uri(reverse("incidents:calendar_feed", args=[token]))
    return render(request, "incidents/calendar.html", {"address": address})


@require_POST
def calendar_end(request: HttpRequest) -> HttpResponse:
    access.page(request.user, "view")
    if calendars.end_feed(person=request.user, now=request.now):
        messages.success(request, "The address of your calendar does not work any more.")
    return redirect("incidents:clocks")


@login_not_required
@never_cache
@require_GET
def calendar_feed(request: HttpRequest, token: str) -> HttpResponse:
    """For calendar programs: whoever has the address reads that person's clocks, and nothing else."""
    if throttle.throttled(request, "calendar", limit=120, seconds=3600):
        return HttpResponse("Too many requests. Try again in an hour.", status=429, content_type="text/plain")
    person = calendars.person_of(token)
    if person is None:
        raise Http404
    return HttpResponse(calendars.written(person, request.now), content_type="text/calendar; charset=utf-8")
