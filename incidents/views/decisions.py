"""The decision log of an incident, and the decision about disclosure."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from crisiscomms.refusal import Refused
from incidents import abilities, access, actions, decisions, disclosure
from incidents.forms.decisions import DecisionForm, DisclosureForm
from incidents.models import Decision, Incident

PAGE = ["GET", "HEAD", "POST"]


@require_http_methods(PAGE)
def log(request: HttpRequest, number: int) -> HttpResponse:
    """What was decided, by whom, out of what and why; and who may decide what."""
    incident = access.get_incident(request.user, number)
    form = DecisionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.note_decision(incident_id=incident.pk, by=request.user, now=request.now, **form.answers())
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Noted.")
            return redirect("incidents:decisions", number)
    context = {"incident": incident, "form": form, "entries": decisions.log(incident), **_rights(request, incident)}
    return render(request, "incidents/decision_list.html", context, status=422 if form.is_bound else 200)


def _rights(request: HttpRequest, incident: Incident) -> dict[str, Any]:
    table = decisions.rights()
    return {
        "rights": [
            (
                kind.label,
                decisions.who_may(kind, incident.severity, table),
                decisions.may(request.user, kind, incident, table),
            )
            for kind in Decision.Kind
        ],
        "can": abilities.of(incident, request.user, request.now),
    }


@require_http_methods(PAGE)
def disclose(request: HttpRequest, number: int) -> HttpResponse:
    """Three levels beside each other, with what each gains, costs, opens and closes."""
    incident = access.get_incident(request.user, number)
    form = DisclosureForm(request.POST or None, initial={"seen": incident.disclosure})
    if request.method == "POST" and form.is_valid():
        try:
            actions.decide_disclosure(incident_id=incident.pk, by=request.user, now=request.now, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Decided, and on the record.")
            return redirect("desk:room", number)
    context = {
        "incident": incident,
        "form": form,
        "levels": disclosure.levels(incident),
        "counting": disclosure.counting(incident),
        "can": abilities.of(incident, request.user, request.now)["disclosure"],
        "last": incident.decisions.filter(kind=Decision.Kind.DISCLOSURE).select_related("by").first(),
    }
    return render(request, "incidents/disclosure_decide.html", context, status=422 if form.is_bound else 200)
