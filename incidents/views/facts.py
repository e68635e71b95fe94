"""The fact sheet: read by whoever sees the incident, written by the workshop, one form a fact."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms as django_forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crisiscomms import presence
from crisiscomms.live import live
from crisiscomms.refusal import Conflict, Refused
from crisiscomms.templatetags.kit import day_clock, zone
from incidents import access, actions, facts, forms
from incidents.models import Fact, FactVersion, Incident
from incidents.views.outward import said

PAGE = "incidents/fact_sheet.html"
# Two forms may stand on the page; each has fields of its own.
NEW = "new_%s"


@require_http_methods(["GET", "HEAD", "POST"])
def sheet(request: HttpRequest, number: int) -> HttpResponse:
    """All facts. POST adds one."""
    incident = access.get_incident(request.user, number)
    if request.method != "POST":
        return _show(request, incident)
    access.page(request.user, "work")
    form = forms.NewFactForm(request.POST, auto_id=NEW)
    if form.is_valid():
        try:
            fact = actions.add_fact(incident_id=incident.pk, **form.cleaned_data, by=request.user, now=request.now)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return _back(incident, fact)
    return _show(request, incident, new=form, status=422)


@require_GET
def sheet_live(request: HttpRequest, number: int) -> HttpResponse:
    incident = access.get_incident(request.user, number)
    return live(request, f"{PAGE}#sheet", _context(request, incident))


@require_GET
def history(request: HttpRequest, number: int, fact_id: int) -> HttpResponse:
    """How one fact came to be what it is, and who has been told."""
    fact = access.get_fact(request.user, number, fact_id)
    row = next(row for row in facts.rows(fact.incident, request.user, request.now) if row.fact.pk == fact.pk)
    steps = [
        (version, _differences(version, before)) for version, before in facts.history(fact, request.user, request.now)
    ]
    may_work = access.may(request.user, "work", fact.incident) and fact.incident.phase != Incident.Phase.CLOSED
    context = {"incident": fact.incident, "fact": fact, "row": row, "steps": steps, "may_work": may_work}
    return render(request, "incidents/fact_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, number: int, fact_id: int) -> HttpResponse:
    """The sheet with the form of one fact open in its row; works without a script."""
    fact = access.get_fact(request.user, number, fact_id)
    access.page(request.user, "work")
    if request.method != "POST":
        return _show(request, fact.incident, fact=fact, form=forms.ChangeFactForm.of(fact))
    form = forms.ChangeFactForm(request.POST)
    status = 422
    if form.is_valid():
        data = form.cleaned_data
        try:
            actions.change_fact(fact_id=fact.pk, **data, by=request.user, now=request.now)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = 409 if isinstance(refusal, Conflict) else 422
        else:
            return _back(fact.incident, fact)
    if status == 409:
        # Theirs is shown beside what was typed; pressed again, it is on purpose.
        fact = access.get_fact(request.user, number, fact_id)
        form.data = request.POST.copy()
        form.data["seen"] = str(fact.version)
    return _show(request, fact.incident, fact=fact, form=form, has_conflict=status == 409, status=status)


def _press(form_class: type[django_forms.Form], act: Callable[..., Any]) -> Callable[..., HttpResponse]:
    """A press on one fact: back to the sheet with what happened."""

    @require_POST
    def view(request: HttpRequest, number: int, fact_id: int) -> HttpResponse:
        fact = access.get_fact(request.user, number, fact_id)
        form = form_class(request.POST)
        if not form.is_valid():
            messages.error(request, said(form))
            return _back(fact.incident, fact)
        try:
            act(fact_id=fact.pk, **form.cleaned_data, by=request.user, now=request.now)
        except Refused as refusal:
            messages.error(request, str(refusal))
        return _back(fact.incident, fact)

    return view


confirm = _press(forms.SeenForm, actions.confirm_fact)
withdraw = _press(forms.WithdrawForm, actions.withdraw_fact)
ask = _press(forms.AskForm, actions.ask_for_fact)


def _back(incident: Incident, fact: Fact) -> HttpResponse:
    return redirect(reverse("incidents:facts", args=[incident.number]) + f"#fact-{fact.pk}")


def _differences(version: FactVersion, before: FactVersion | None) -> list[tuple[str, str, str]]:
    """(what, before, after) of everything that this version changed; nothing of the first."""
    if before is None:
        return []
    pairs = [
        ("What it is", before.value, version.value),
        ("How sure", before.get_confidence_display(), version.get_confidence_display()),
        ("How we know", before.source, version.source),
        ("Embargo until", _moment(before.embargo_until), _moment(version.embargo_until)),
    ]
    return [(what, was or "nothing", now_is or "nothing") for what, was, now_is in pairs if was != now_is]


def _moment(at: datetime | None) -> str:
    return f"{day_clock(at)} {zone(at)}" if at else ""


def _context(request: HttpRequest, incident: Incident) -> dict[str, Any]:
    rows = facts.rows(incident, request.user, request.now)
    is_over = incident.phase == Incident.Phase.CLOSED
    return {
        "incident": incident,
        "rows": rows,
        "known": sum(row.fact.is_known for row in rows),
        "total": len(facts.counted(rows)),
        "may_work": access.may(request.user, "work", incident) and not is_over,
        "is_over": is_over,
        "roles": forms.facts.ROLES,
        "mark": "",
    }


def _show(
    request: HttpRequest,
    incident: Incident,
    *,
    new: forms.NewFactForm | None = None,
    fact: Fact | None = None,
    form: forms.ChangeFactForm | None = None,
    has_conflict: bool = False,
    status: int = 200,
) -> HttpResponse:
    """`fact` is the one whose form stands open; the sheet then rests, so that nothing typed is swapped away."""
    context = {
        **_context(request, incident),
        "new": new or forms.NewFactForm(initial={"confidence": Fact.Confidence.BELIEVED}, auto_id=NEW),
        "open_fact": fact,
        "form": form,
        "has_conflict": has_conflict,
        "here": presence.look(f"incident:{incident.number}", by=request.user, now=request.now),
    }
    return render(request, PAGE, context, status=status)
