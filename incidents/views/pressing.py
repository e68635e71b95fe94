"""Declaring, and the presses of the room. The room itself is the desk's."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Prefetch
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crisiscomms import policy
from crisiscomms.refusal import Refused
from incidents import access, actions, forms
from incidents.models import Component, ComponentState, Incident, Milestone, Product
from incidents.playbooks import room as plan_room
from incidents.team import first_team
from incidents.views import from_signals
from incidents.views.outward import said


@require_http_methods(["GET", "HEAD", "POST"])
def declare(request: HttpRequest) -> HttpResponse:
    """Declare it, or only watch it: the same five answers."""
    access.page(request.user, "declare")
    return _declare_page(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
def declare_watched(request: HttpRequest, number: int) -> HttpResponse:
    """Make an incident of a watch item. What is known of it stands in the answers already."""
    incident = access.get_incident(request.user, number)
    access.page(request.user, "declare")
    if not incident.is_watched:
        messages.error(request, f"{incident.ref} is declared already.")
        return redirect("desk:room", number)
    return _declare_page(request, incident)


def _declare_page(request: HttpRequest, watched: Incident | None) -> HttpResponse:
    first = _first_answers(request, watched) | from_signals.first_answers(request)
    form = forms.DeclareForm(request.POST or None, initial=first, now=request.now)
    if request.method == "POST" and form.is_valid():
        try:
            incident = _open(request, form, watched)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("desk:room", incident.number)
    context = {**_declare_context(request, form), "watched": watched}
    return render(request, "incidents/incident_declare.html", context, status=422 if form.is_bound else 200)


@transaction.atomic
def _open(request: HttpRequest, form: forms.DeclareForm, watched: Incident | None) -> Incident:
    only_watch = "watch" in request.POST and not watched
    incident = _watch(request, form) if only_watch else _declare(request, form, watched)
    from_signals.belongs(request, incident, is_watched=only_watch)
    return incident


def _first_answers(request: HttpRequest, watched: Incident | None) -> dict[str, Any]:
    if watched is not None:
        return {
            "title": watched.title,
            "summary": watched.summary,
            "kind": watched.kind,
            "severity": watched.severity,
            "restricted": watched.restricted,
            "components": list(watched.component_states.open().values_list("component", flat=True)),
            "discovered_at": timezone.localtime(request.now),
        }
    return {
        "severity": Incident.Severity.MAJOR,
        "kind": Incident.Kind.DISRUPTION,
        "discovered_at": timezone.localtime(request.now),
    }


def _watch(request: HttpRequest, form: forms.DeclareForm) -> Incident:
    return actions.open_watch_item(noticed_at=_discovered(request, form), **_answers(request, form))


def _declare(request: HttpRequest, form: forms.DeclareForm, watched: Incident | None) -> Incident:
    return actions.declare_incident(
        discovered_at=_discovered(request, form), watch_item=watched, **_answers(request, form)
    )


def _discovered(request: HttpRequest, form: forms.DeclareForm) -> datetime:
    """The field has minutes only; a press within the same minute must not look like the future."""
    moment: datetime = min(form.cleaned_data["discovered_at"], request.now)
    return moment


def _answers(request: HttpRequest, form: forms.DeclareForm) -> dict[str, Any]:
    """What is asked alike, whether it is declared or only watched."""
    same = ("title", "kind", "severity", "summary", "restricted")
    answers = {name: form.cleaned_data[name] for name in same}
    return {**answers, "components": form.cleaned_components(), "by": request.user, "now": request.now}


@require_GET
def declare_consequences(request: HttpRequest) -> HttpResponse:
    """The right side of the declare page: what pressing the button would start."""
    access.page(request.user, "declare")
    return render(request, "incidents/incident_declare.html#consequences", _consequences(request, request.GET))


def _declare_context(request: HttpRequest, form: forms.DeclareForm) -> dict[str, Any]:
    answers = form.data if form.is_bound else form.initial
    rules = policy.current("incidents")
    chosen = {str(value) for value in (form["components"].value() or [])}
    return {
        "form": form,
        "kinds": [(key, Incident.Kind(key).label, rules["kinds"][key]["description"]) for key in Incident.Kind.values],
        "severities": [(key, rules["severities"][key]) for key in Incident.Severity.values],
        "products": _in_use(),
        "chosen": chosen,
        **_consequences(request, answers),
    }


def _in_use() -> Any:
    components = Prefetch("components", queryset=Component.objects.in_use())
    return [product for product in Product.objects.prefetch_related(components) if product.components.all()]


def _consequences(request: HttpRequest, answers: Any) -> dict[str, Any]:
    severity = answers.get("severity")
    if severity not in Incident.Severity.values:
        severity = Incident.Severity.MAJOR
    rule = policy.current("incidents")["severities"][severity]
    discovered = forms.DeclareForm({"discovered_at": _as_text(answers.get("discovered_at"))}, now=request.now)
    discovered.is_valid()
    moment = min(discovered.cleaned_data.get("discovered_at") or request.now, request.now)
    acknowledge = moment + timedelta(minutes=rule["acknowledge_minutes"])
    return {
        "told": first_team(severity, request.user, restricted=bool(answers.get("restricted")), now=request.now),
        "acknowledge_at": acknowledge,
        "update_at": acknowledge + timedelta(minutes=rule["cadence_minutes"]),
        "rule": rule,
        **plan_room.on_declare(str(answers.get("kind") or ""), severity),
    }


def _as_text(value: Any) -> str:
    return value.strftime("%Y-%m-%dT%H:%M") if hasattr(value, "strftime") else str(value or "")


def _in_words(choices: Any, key: str) -> str:
    return str(dict(choices.choices).get(key, key)).lower()


Done = Callable[[dict[str, Any]], str]


def _press(form_class: type[Form], act: Callable[..., Any], done: Done) -> Callable[..., HttpResponse]:
    """A press in the room: one form, one action, back to the room with what happened, in `done`'s words, or why not.

    `act` gets the incident, and what was typed beside who presses and when.
    """

    @require_POST
    def view(request: HttpRequest, number: int) -> HttpResponse:
        incident = access.get_incident(request.user, number)
        form = form_class(request.POST)
        if not form.is_valid():
            messages.error(request, said(form))
            return redirect("desk:room", number)
        typed = form.cleaned_data
        try:
            act(incident, {**typed, "by": request.user, "now": request.now})
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, done(typed))
        return redirect("desk:room", number)

    return view


move = _press(
    forms.MoveForm,
    lambda incident, typed: actions.move_phase(incident_id=incident.pk, **typed),
    lambda typed: f"The phase is {_in_words(Incident.Phase, typed['to'])} now.",
)
stand_down = _press(
    forms.StandDownForm,
    lambda incident, typed: actions.stand_down(incident_id=incident.pk, **typed),
    lambda typed: "Stood down, with your reason. No clock runs any more.",
)
tick = _press(
    forms.TickForm,
    lambda incident, typed: actions.tick_criterion(incident_id=incident.pk, **typed),
    lambda typed: "Ticked, with your note.",
)
severity = _press(
    forms.SeverityForm,
    lambda incident, typed: actions.change_severity(incident_id=incident.pk, **typed),
    lambda typed: f"The severity is {_in_words(Incident.Severity, typed['severity'])} now.",
)
milestone = _press(
    forms.MilestoneForm,
    lambda incident, typed: actions.reach_milestone(incident=incident, **typed),
    lambda typed: f"Noted: {_in_words(Milestone.Kind, typed['kind'])}.",
)
component = _press(
    forms.ComponentForm,
    lambda incident, typed: actions.set_component_state(incident=incident, **typed),
    lambda typed: f"{typed['component'].name}: {_in_words(ComponentState.State, typed['state'])}.",
)


@require_POST
def waive_deadline(request: HttpRequest, number: int, deadline_id: int) -> HttpResponse:
    incident = access.get_incident(request.user, number)
    deadline = incident.deadlines.filter(pk=deadline_id).first()
    form = forms.ReasonForm(request.POST)
    if deadline is None or not form.is_valid():
        messages.error(request, " ".join(form.errors.get("reason", ["This deadline is not open any more."])))
        return redirect("desk:room", number)
    try:
        actions.waive_deadline(
            deadline_id=deadline.pk, reason=form.cleaned_data["reason"], by=request.user, now=request.now
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Waived, with your reason: {deadline.title}.")
    return redirect("desk:room", number)
