"""The standing team with its duty hours, the team of one incident, and who owns what."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crisiscomms.models import Role, User
from crisiscomms.refusal import Refused
from incidents import access, actions, forms, team
from incidents.actions.duty import may_edit
from incidents.clock import waiting
from incidents.models import DutyHours, DutyShift, Incident
from incidents.team import roster
from incidents.views.outward import said

PAGE = ["GET", "HEAD", "POST"]


@require_GET
def standing(request: HttpRequest) -> HttpResponse:
    """Who is on duty now, the week, and who is away. Phone numbers are the workshop's alone."""
    access.page(request.user, "view")
    context = {
        **roster.page(request.now),
        "shows_contact": access.may(request.user, "work"),
        "is_administrator": request.user.has_role(Role.ADMINISTRATOR),
    }
    return render(request, "incidents/team_standing.html", context)


@require_GET
def ownership(request: HttpRequest) -> HttpResponse:
    """Which department owns which activity, in words."""
    access.page(request.user, "view")
    context = {**roster.ownership_page(), "may_change": request.user.has_role(Role.ADMINISTRATOR)}
    return render(request, "incidents/team_ownership.html", context)


@require_http_methods(PAGE)
def duty(request: HttpRequest, person_id: int) -> HttpResponse:
    """One person's duty hours: their own page, and an administrator's."""
    access.page(request.user, "view")
    person = _editable(request, person_id)
    which = request.POST.get("add")
    hours = forms.DutyHoursForm(request.POST if which == "hours" else None, person=person, prefix="h")
    shift = forms.DutyShiftForm(request.POST if which == "shift" else None, person=person, prefix="s")
    for form, act in ((hours, actions.add_duty_hours), (shift, actions.add_duty_shift)):
        if form.is_bound and form.is_valid():
            try:
                act(person=person, by=request.user, now=request.now, **form.cleaned_data)  # type: ignore[operator]
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, "Added.")
                return redirect("incidents:duty", person.pk)
    context = {"hours_form": hours, "shift_form": shift, **roster.duty_page(person, request.now)}
    return render(request, "incidents/duty_edit.html", context, status=422 if request.method == "POST" else 200)


def _editable(request: HttpRequest, person_id: int) -> User:
    person = get_object_or_404(User.objects.active(), pk=person_id)
    if not may_edit(request.user, person):
        raise Http404
    return person


@require_POST
def remove_hours(request: HttpRequest, hours_id: int) -> HttpResponse:
    access.page(request.user, "view")
    row = get_object_or_404(DutyHours.objects.select_related("person"), pk=hours_id)
    return _remove(
        request, row.person, lambda: actions.remove_duty_hours(hours_id=row.pk, by=request.user, now=request.now)
    )


@require_POST
def remove_shift(request: HttpRequest, shift_id: int) -> HttpResponse:
    access.page(request.user, "view")
    row = get_object_or_404(DutyShift.objects.select_related("person"), pk=shift_id)
    return _remove(
        request, row.person, lambda: actions.remove_duty_shift(shift_id=row.pk, by=request.user, now=request.now)
    )


def _remove(request: HttpRequest, person: User, act: Callable[[], object]) -> HttpResponse:
    if not may_edit(request.user, person):
        raise Http404
    try:
        act()
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Removed.")
    return redirect("incidents:duty", person.pk)


@require_GET
def of_incident(request: HttpRequest, number: int) -> HttpResponse:
    """The whole team of an incident, its roles with their history, and who does what in it."""
    incident = access.get_incident(request.user, number)
    return _show(request, incident)


def _show(request: HttpRequest, incident: Incident, **more: Any) -> HttpResponse:
    context = {
        "incident": incident,
        **team.for_room(incident, request.user, request.now),
        "history": _history(incident),
        "open_now": waiting.in_incident(incident)[:20],
        "shows_contact": access.may(request.user, "work", incident),
        "at": "team",
        **more,
    }
    return render(request, "incidents/incident_team.html", context, status=422 if more else 200)


def _history(incident: Incident) -> list[Any]:
    rows = incident.roles.select_related("person", "by", "ended_by").order_by("-began_at", "-pk")
    return [(team.ownership.label_of(one.role), one) for one in rows[:200]]


def _back(request: HttpRequest, number: int) -> HttpResponse:
    """To where the button stood."""
    if request.POST.get("at") == "team":
        return redirect("incidents:team", number)
    return redirect("desk:room", number)


@require_POST
def hand_over(request: HttpRequest, number: int) -> HttpResponse:
    """What was typed stays on the page when it cannot be."""
    incident = access.get_incident(request.user, number)
    form = forms.HandOverForm(request.POST)
    problem = ""
    if form.is_valid():
        try:
            actions.hand_over_role(incident_id=incident.pk, by=request.user, now=request.now, **form.cleaned_data)
        except Refused as refusal:
            problem = str(refusal)
        else:
            messages.success(request, f"{form.cleaned_data['to']} has it now, and is told with your note.")
            # A lead of a restricted incident who gave it away stays on its team, so there is a page to go back to.
            return _back(request, number)
    else:
        problem = said(form)
    typed = {name: request.POST.get(name, "")[:2000] for name in ("role", "to", "note")}
    return _show(request, incident, problem=problem, typed=typed)


def _press(form_class: type[Any], act: Callable[..., Any], done: str) -> Callable[..., HttpResponse]:
    @require_POST
    def view(request: HttpRequest, number: int) -> HttpResponse:
        incident = access.get_incident(request.user, number)
        form = form_class(request.POST)
        if not form.is_valid():
            messages.error(request, said(form))
            return _back(request, number)
        try:
            act(incident_id=incident.pk, by=request.user, now=request.now, **form.cleaned_data)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, done)
        if not Incident.objects.visible_to(request.user).filter(pk=incident.pk).exists():
            # Asked anew, as the act may have taken the sight away. Whoever took themselves off a restricted incident has no page of it to go back to.
            return redirect("desk:home")
        return _back(request, number)

    return view


assume = _press(forms.RoleForm, actions.assume_role, "It is yours now.")
release = _press(forms.RoleForm, actions.release_role, "The role has ended.")
add = _press(forms.MemberForm, actions.add_to_team, "Added and told.")
remove = _press(forms.MemberForm, actions.remove_from_team, "Taken off the team.")
