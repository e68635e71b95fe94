"""Declaring because of what was noticed: the answers that stand there already, and what belongs to it afterwards."""

from typing import Any

from django.db.models import Min
from django.http import HttpRequest
from django.utils import timezone

from incidents import actions
from incidents.models import Component, Incident, Signal, SignalProposal
from incidents.noticing import proposals


def first_answers(request: HttpRequest) -> dict[str, Any]:
    """What `?proposal=` or `?signal=` says about it; nothing for what this person may not see or is decided."""
    proposal, signal = _proposal(request), _signal(request)
    if proposal is not None:
        return _of_proposal(proposal, request)
    if signal is None:
        return {}
    return {
        "title": signal.title,
        "summary": signal.text,
        "components": list(signal.components.values_list("pk", flat=True)),
        "discovered_at": timezone.localtime(min(signal.received_at, request.now)),
    }


def _of_proposal(proposal: SignalProposal, request: HttpRequest) -> dict[str, Any]:
    mine = proposals.signals_of(proposal, request.user)
    first = mine.aggregate(at=Min("received_at"))["at"] or proposal.proposed_at
    newest = mine.first()
    parts = Component.objects.in_use().filter(pk__in=proposal.components)
    about = {"title": newest.title} if newest and proposal.incident is None else {}
    return about | {
        "summary": proposal.reason,
        "kind": proposal.kind,
        "severity": proposal.severity,
        "components": list(parts.values_list("pk", flat=True)),
        "discovered_at": timezone.localtime(min(first, request.now)),
    }


def belongs(request: HttpRequest, incident: Incident, *, is_watched: bool) -> None:
    """What led to it belongs to it, inside the caller's transaction. A watch item is a no to the crisis protocol."""
    proposal, signal = _proposal(request), _signal(request)
    said: dict[str, Any] = {"by": request.user, "now": request.now}
    if proposal is not None and is_watched:
        why = f"Under watch as {incident.ref}."
        actions.decline_proposal(proposal_id=proposal.pk, reason=why, watched=incident, **said)
    elif proposal is not None:
        actions.accept_proposal(proposal_id=proposal.pk, incident=incident, **said)
    elif signal is not None and signal.incident_id is None:
        actions.attach_signal(signal_id=signal.pk, incident_id=incident.pk, **said)


def _proposal(request: HttpRequest) -> SignalProposal | None:
    found = proposals.visible_to(request.user).filter(state=SignalProposal.State.OPEN)
    return found.select_related("incident").filter(pk=_key(request, "proposal")).first()


def _signal(request: HttpRequest) -> Signal | None:
    return Signal.objects.visible_to(request.user).filter(pk=_key(request, "signal")).first()


def _key(request: HttpRequest, name: str) -> int:
    asked = request.GET.get(name, "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0
