"""Home and the incident room."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from crisiscomms import checklist, policy, presence, tables
from crisiscomms.live import live
from crisiscomms.models import Role
from crisiscomms.table_views import export, remembers
from desk import drawing_views, incident_table, queries
from desk.incident_table import INCIDENTS, IncidentFilter
from incidents import abilities, access, disclosure, facts, team
from incidents.clock import clocks
from incidents.models import Component, ComponentState, Incident
from incidents.models.incident import WORKSHOP_ROLES
from incidents.noticing import noticed
from messaging.models import Message


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What needs me now. Sellers land in their portal; that is what they come for."""
    if not request.user.has_role(*WORKSHOP_ROLES, Role.EXECUTIVE):
        return redirect("portal:home")
    return render(request, "desk/home.html", {**_home(request), "mark": ""})


def _home(request: HttpRequest) -> dict[str, object]:
    needs = queries.needs_of(request.user)
    steps = _steps() if request.user.has_role(Role.ADMINISTRATOR) else []
    return {
        "needs": needs,
        "parts": queries.parts_of(request.user, needs),
        "late": sum(need.due_at <= request.now for need in needs),
        "incidents": queries.active_incidents(request.user),
        "watched": queries.watched_incidents(request.user),
        "may_declare": access.may(request.user, "declare"),
        "steps": steps if any(not one.is_done for one in steps) else [],
    }


def _steps() -> list[checklist.Seen]:
    return [one for one in checklist.look() if not one.step.optional]


@require_GET
def home_live(request: HttpRequest) -> HttpResponse:
    return live(request, "desk/home.html#needs", _home(request))


@require_GET
@remembers(INCIDENTS, IncidentFilter)
def incidents(request: HttpRequest) -> HttpResponse:
    access.page(request.user, "view")
    rows = incident_table.listed(request.user)
    view = tables.look(INCIDENTS, rows, request.GET, IncidentFilter(request.GET), incident_table.narrow)
    context = {"view": view, "may_declare": access.may(request.user, "declare")}
    return render(request, "desk/incident_list.html", context, status=view.status)


@require_GET
def incidents_csv(request: HttpRequest) -> HttpResponseBase:
    """The incidents of the list, all pages and columns, as CSV."""
    access.page(request.user, "view")
    rows = incident_table.listed(request.user)
    return export(request, INCIDENTS, rows, IncidentFilter(request.GET), incident_table.narrow)


@require_GET
def room(request: HttpRequest, number: int) -> HttpResponse:
    here = presence.look(f"incident:{number}", by=request.user, now=request.now)
    incident = access.get_incident(request.user, number)
    shown = {
        **_live_room(request, incident),
        **queries.rest_of_room(incident, request.user, request.now),
        **team.for_room(incident, request.user, request.now),
        **_timeline(request, incident),
        "drawn": drawing_views.for_room(incident, request.now),
        "severities": Incident.Severity.choices,
        "message_kinds": Message.Kind.choices,
        "component_states": [("working", "Working"), *ComponentState.State.choices],
        "all_components": Component.objects.in_use().select_related("product"),
    }
    return render(request, "desk/room.html", {**shown, "here": here, "mark": ""})


@require_GET
def room_live(request: HttpRequest, number: int) -> HttpResponse:
    incident = access.get_incident(request.user, number)
    return live(request, "desk/room.html#live", _live_room(request, incident))


@require_GET
def room_timeline(request: HttpRequest, number: int) -> HttpResponse:
    incident = access.get_incident(request.user, number)
    return live(request, "desk/room.html#timeline", {"incident": incident, **_timeline(request, incident)})


def _timeline(request: HttpRequest, incident: Incident) -> dict[str, object]:
    """The entries that the address asks for; what it asks wrongly is as if it had not asked."""
    everything = "all" in request.GET
    kind, before = request.GET.get("kind", ""), request.GET.get("before", "")
    shown = queries.entries(
        incident,
        500 if everything else 15,
        kind=kind if kind in queries.ENTRY_KINDS else "",
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 10 else None,
    )
    kept = {"kind": shown.kind, "all": "1" if everything else "", "before": shown.before}
    return {
        "entries": shown,
        "entry_kinds": [("", "All"), *((key, label) for key, (label, _) in queries.ENTRY_KINDS.items())],
        "entries_query": urlencode({key: value for key, value in kept.items() if value}),
    }


def _live_room(request: HttpRequest, incident: Incident) -> dict[str, object]:
    may_work = access.may(request.user, "work", incident)
    rules = policy.current("decisions")
    can = abilities.of(incident, request.user, request.now, rules["rights"])
    seats = queries.open_seats(request.user)
    return {
        **queries.room(incident),
        **facts.for_room(incident, request.user, request.now),
        **clocks.for_room(incident, request.user, request.now),
        "counting": disclosure.counting(incident, rules["disclosure"]),
        "part": team.part_of(incident, request.user),
        "part_needs": queries.needs_of(request.user, incident, seats),
        "may_work": may_work,
        "can": can,
        "shown_changes": may_work or any(answer.shown for answer in can.values()),
        "asked": queries.asked_about(seats, incident),
        "noticed": noticed.for_room(incident, request.user, request.now),
        "is_over": incident.phase == Incident.Phase.CLOSED,
        "stood_down": queries.standing_down(incident) if incident.stood_down else None,
    }
