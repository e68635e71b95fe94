"""What goes out by itself: the standing list, and the halt list of an incident."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from crisiscomms.refusal import Refused
from incidents import abilities, access, actions, forms
from incidents.actions.halting import ACTS, DURING, concerned
from incidents.models import HaltItem, Incident, OutwardActivity
from incidents.outside.outward import halt_numbers, with_due

PAGE = ["GET", "HEAD", "POST"]


def said(form: Form) -> str:
    """All that is wrong with a press, in one line."""
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


@require_http_methods(PAGE)
def outward(request: HttpRequest) -> HttpResponse:
    """The standing list of what goes out by itself, and one more."""
    access.page(request.user, "work")
    form = forms.ActivityForm(request.POST or None, initial={"is_active": True, "owner": request.user.pk})
    if request.method == "POST" and form.is_valid():
        try:
            actions.add_activity(**form.cleaned_data, by=request.user, now=request.now)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Added. The next incident that concerns it asks its owner.")
            return redirect("incidents:outward")
    listed = list(OutwardActivity.objects.select_related("owner").prefetch_related("products"))
    context = {
        "form": form,
        "active": [one for one in listed if one.is_active],
        "past": [one for one in listed if not one.is_active],
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "incidents/outward_list.html", context, status=status)


@require_http_methods(PAGE)
def activity(request: HttpRequest, activity_id: int) -> HttpResponse:
    access.page(request.user, "work")
    row = get_object_or_404(OutwardActivity, pk=activity_id)
    first = {name: getattr(row, name) for name in ("name", "kind", "place", "link", "is_active")}
    first |= {"owner": row.owner_id, "products": row.products.values_list("pk", flat=True)}
    form = forms.ActivityForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_activity(activity_id=row.pk, **form.cleaned_data, by=request.user, now=request.now)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Saved.")
            return redirect("incidents:outward")
    seen = HaltItem.objects.visible_to(request.user).filter(activity=row).select_related("incident", "by")
    context = {"form": form, "activity": row, "checks": seen.order_by("-opened_at")[:20]}
    status = 422 if request.method == "POST" else 200
    return render(request, "incidents/outward_edit.html", context, status=status)


@require_http_methods(PAGE)
def halt_list(request: HttpRequest, number: int) -> HttpResponse:
    """Every check of the incident, with its presses; what is missing is added here."""
    incident = access.get_incident(request.user, number)
    form = forms.OutwardForm(request.POST or None, incident=incident, initial={"owner": request.user.pk})
    if request.method == "POST" and form.is_valid():
        try:
            actions.add_item(incident_id=incident.pk, **form.cleaned_data, by=request.user, now=request.now)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("incidents:halt_list", number)
    status = 422 if request.method == "POST" else 200
    return render(request, "incidents/halt_list.html", _halt_context(request, incident, form), status=status)


def _halt_context(request: HttpRequest, incident: Incident, form: Form) -> dict[str, Any]:
    is_during = incident.phase in DURING
    return {
        "incident": incident,
        "form": form,
        "items": with_due(incident),
        "numbers": halt_numbers(incident),
        "is_during": is_during,
        "can": abilities.of(incident, request.user, request.now),
        "not_asked": concerned(incident).count() if is_during else 0,
        "owners": forms.owners(incident),
    }


@require_POST
def halt_act(request: HttpRequest, number: int, item_id: int) -> HttpResponse:
    """Halt, leave running, resume, keep off, or hand over."""
    incident = access.get_incident(request.user, number)
    item = get_object_or_404(incident.halt_items, pk=item_id)
    form = forms.HaltActForm(request.POST, incident=incident)
    if not form.is_valid():
        messages.error(request, said(form))
        return _back(request, number)
    try:
        press(item.pk, form.cleaned_data, by=request.user, now=request.now)
    except Refused as refusal:
        messages.error(request, str(refusal))
    return _back(request, number)


def press(item_id: int, data: dict[str, Any], *, by: Any, now: datetime) -> HaltItem:
    """One act on one check; the API presses the same."""
    if data["act"] == "hand_over":
        if data["owner"] is None:
            raise Refused("Choose who sees to it.")
        return actions.hand_over_item(item_id=item_id, owner=data["owner"], by=by, now=now)
    done: HaltItem = ACTS[data["act"]](item_id=item_id, reason=data["reason"], by=by, now=now)
    return done


@require_POST
def halt_again(request: HttpRequest, number: int) -> HttpResponse:
    """Ask about what is concerned and was not asked about yet."""
    incident = access.get_incident(request.user, number)
    try:
        found = actions.check_again(incident_id=incident.pk, by=request.user, now=request.now)
        messages.success(request, f"{len(found)} more to check." if found else "Nothing new to check.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return _back(request, number)


def _back(request: HttpRequest, number: int) -> HttpResponse:
    """To where the press stood: the room, or the page of the list."""
    return redirect("desk:room" if "from_room" in request.POST else "incidents:halt_list", number)
