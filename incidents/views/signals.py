"""Signals: the list, one of them, telling of one, and where it belongs."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crisiscomms import tables
from crisiscomms.refusal import Refused
from crisiscomms.table_views import remembers
from incidents import access, actions
from incidents.forms.signals import AttachForm, DeclineForm, ReportForm, SignalFilter, WatchForm
from incidents.models import Incident, Signal, SignalProposal
from incidents.noticing import proposals, vocabulary
from incidents.noticing import table as signal_table
from incidents.noticing.table import SIGNALS
from incidents.views.outward import said

PAGE = ["GET", "HEAD", "POST"]
# More of a body than this is in the file only.
SHOWN = 20_000


@require_GET
@remembers(SIGNALS, SignalFilter)
def signals(request: HttpRequest) -> HttpResponse:
    """What was noticed, newest first; what waits for a decision on top."""
    access.page(request.user, "report")
    rows = signal_table.listed(request.user)
    view = tables.look(SIGNALS, rows, request.GET, SignalFilter(request.GET), signal_table.narrow)
    context = {
        "view": view,
        "waiting": proposals.waiting_for(request.user),
        "may_set_up": access.may(request.user, "set_up"),
    }
    return render(request, "incidents/signal_list.html", context, status=view.status)


@require_http_methods(PAGE)
def report(request: HttpRequest) -> HttpResponse:
    """Somebody noticed something."""
    access.page(request.user, "report")
    form = ReportForm(request.POST if request.method == "POST" else None, now=request.now)
    if form.is_valid():
        try:
            signal = actions.report_signal(**form.told(), by=request.user, now=request.now)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Thank you, it is noted. The rules look at it within seconds.")
            return redirect("incidents:signal", signal.pk)
    return render(request, "incidents/signal_report.html", {"form": form}, status=422 if form.is_bound else 200)


def get_signal(request: HttpRequest, signal_id: int) -> Signal:
    """The signal, or 404 alike for one that is missing and one that is hidden. Only for those who work with them."""
    access.page(request.user, "report")
    found = Signal.objects.visible_to(request.user).select_related(
        "source", "by", "incident", "proposal__rule", "proposal__incident"
    )
    signal = found.filter(pk=signal_id).first()
    if signal is None:
        raise Http404
    return signal


@require_GET
def signal(request: HttpRequest, signal_id: int) -> HttpResponse:
    one = get_signal(request, signal_id)
    body = one.body.text if one.body else ""
    open_proposal = one.proposal if one.proposal and one.proposal.state == SignalProposal.State.OPEN else None
    before = Signal.objects.visible_to(request.user).filter(source=one.source_id, fingerprint=one.fingerprint)
    context = {
        "signal": one,
        "values": vocabulary.listed(one.values),
        "parts": one.components.select_related("product"),
        "body": body[:SHOWN],
        "body_size": len(body),
        "is_cut": len(body) > SHOWN,
        "before": before.exclude(pk=one.pk).select_related("incident").order_by("-pk")[:20] if one.source_id else [],
        "proposal": open_proposal,
        "may_decide": open_proposal is not None and proposals.may_decide(request.user, open_proposal),
        "attach": AttachForm(person=request.user),
        "watch": WatchForm(initial={"title": one.title, "kind": Incident.Kind.DISRUPTION, "severity": "minor"}),
        "may_work": access.may(request.user, "work"),
    }
    return render(request, "incidents/signal.html", context)


@require_GET
def signal_body(request: HttpRequest, signal_id: int) -> HttpResponse:
    """What was sent, as a file that no browser runs or draws."""
    one = get_signal(request, signal_id)
    if one.body is None:
        raise Http404
    return HttpResponse(
        one.body.text,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="signal-{one.pk}.json"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _press(form_of: Callable[[HttpRequest], Form] | None, act: Callable[..., str]) -> Callable[..., HttpResponse]:
    """A press on a signal's page: one form, one action, back to the page with what happened."""

    @require_POST
    def view(request: HttpRequest, signal_id: int) -> HttpResponse:
        one = get_signal(request, signal_id)
        form = form_of(request) if form_of else None
        if form is not None and not form.is_valid():
            messages.error(request, said(form))
            return redirect("incidents:signal", one.pk)
        try:
            messages.success(request, act(one, form.cleaned_data if form else {}, request))
        except Refused as refusal:
            messages.error(request, str(refusal))
        # Whoever has moved it into an incident may no longer be among those who see it.
        is_there = Signal.objects.visible_to(request.user).filter(pk=one.pk).exists()
        return redirect("incidents:signal", one.pk) if is_there else redirect("incidents:signals")

    return view


def _attach(one: Signal, data: dict[str, Any], request: HttpRequest) -> str:
    incident = data["incident"]
    actions.attach_signal(signal_id=one.pk, incident_id=incident.pk, by=request.user, now=request.now)
    return f"It belongs to {incident.ref} now."


def _detach(one: Signal, data: dict[str, Any], request: HttpRequest) -> str:
    actions.detach_signal(signal_id=one.pk, by=request.user, now=request.now)
    return "It is free again. The rules look at it anew."


def _end(one: Signal, data: dict[str, Any], request: HttpRequest) -> str:
    actions.end_signal(signal_id=one.pk, by=request.user, now=request.now)
    return "It is over. If it comes again, it is a new one."


def _watch(one: Signal, data: dict[str, Any], request: HttpRequest) -> str:
    item = actions.watch_signal(signal_id=one.pk, by=request.user, now=request.now, **data)
    return f"{item.ref} is under watch. This signal belongs to it."


attach = _press(lambda request: AttachForm(request.POST, person=request.user), _attach)
detach = _press(None, _detach)
end = _press(None, _end)
watch = _press(lambda request: WatchForm(request.POST), _watch)


def get_proposal(request: HttpRequest, proposal_id: int) -> SignalProposal:
    access.page(request.user, "report")
    found = proposals.visible_to(request.user).select_related("rule", "incident", "decided_by")
    proposal = found.filter(pk=proposal_id).first()
    if proposal is None:
        raise Http404
    return proposal


@require_GET
def proposal(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """What a rule asks, why, and what it is about. Opening it decides nothing."""
    return _proposal_page(request, get_proposal(request, proposal_id), DeclineForm())


def _proposal_page(request: HttpRequest, one: SignalProposal, form: DeclineForm, status: int = 200) -> HttpResponse:
    context = {
        "proposal": one,
        "signals": proposals.signals_of(one, request.user)[:50],
        "is_open": one.state == SignalProposal.State.OPEN,
        "may_decide": proposals.may_decide(request.user, one),
        "who": ", ".join(person.name for person in proposals.deciders(one)[:10]),
        "due_at": one.proposed_at + proposals.DECIDE_WITHIN,
        "form": form,
    }
    return render(request, "incidents/proposal.html", context, status=status)


@require_POST
def decline(request: HttpRequest, proposal_id: int) -> HttpResponse:
    one, form = get_proposal(request, proposal_id), DeclineForm(request.POST)
    if form.is_valid():
        try:
            actions.decline_proposal(
                proposal_id=one.pk, reason=form.cleaned_data["reason"], by=request.user, now=request.now
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Declined, with your reason on the record.")
            return redirect("incidents:signals")
    return _proposal_page(request, get_proposal(request, proposal_id), form, status=422)


@require_POST
def accept(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """Where something is declared already: make it as severe as proposed."""
    one = get_proposal(request, proposal_id)
    try:
        done = actions.raise_as_proposed(proposal_id=one.pk, by=request.user, now=request.now)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("incidents:signal_proposal", one.pk)
    assert done.incident is not None
    messages.success(request, f"{done.incident.ref} is {done.get_severity_display().lower()} now.")
    return redirect("desk:room", done.incident.number)
