"""Deciding over what a rule proposes: a person with the right says yes or no, and the record keeps why."""

from datetime import datetime

from django.db import transaction

from crisiscomms import audit
from crisiscomms.models import User
from crisiscomms.refusal import Conflict, Refused
from incidents import proposals
from incidents.actions.lifecycle import change_severity, lock_incident
from incidents.models import Incident, Signal, SignalProposal

State = SignalProposal.State


@transaction.atomic
def decline_proposal(*, proposal_id: int, reason: str, by: User, now: datetime) -> SignalProposal:
    """No crisis protocol. The rule does not ask again about the same while it goes on."""
    if not reason.strip():
        raise Refused("Say why it is declined. Whoever looks later wants to know.")
    proposal = _open(proposal_id, by)
    _decide(proposal, State.DECLINED, by, now, answer=reason.strip()[:1000])
    _say(proposal, "declined", f"Crisis protocol declined by {by}: {reason.strip()}", by, now)
    return proposal


@transaction.atomic
def accept_proposal(*, proposal_id: int, incident: Incident, by: User, now: datetime) -> SignalProposal:
    """The incident was declared because of it: its signals belong there from now on."""
    proposal = _open(proposal_id, by)
    if proposal.incident_id not in (None, incident.pk):
        raise Conflict("This proposal is about another incident.")
    proposal.incident = incident
    _decide(proposal, State.ACCEPTED, by, now)
    _say(proposal, "accepted", f"Crisis protocol accepted by {by}. {proposal.reason}", by, now)
    for signal in Signal.objects.filter(proposal=proposal, incident=None).select_related("source", "by"):
        Signal.objects.filter(pk=signal.pk, incident=None).update(incident=incident)
        text = f"Signal attached: {signal.title} ({signal.origin})"
        audit.record(
            chain=incident.chain, verb="signal.attached", subject=f"signal:{signal.pk}", text=text, by=by, now=now
        )
    return proposal


@transaction.atomic
def raise_as_proposed(*, proposal_id: int, by: User, now: datetime) -> SignalProposal:
    """The incident is declared already: it becomes as severe as proposed."""
    seen = SignalProposal.objects.select_related("incident").get(pk=proposal_id)
    if seen.incident is None or seen.incident.declared_at is None:
        raise Refused("Nothing is declared yet. Declare it.")
    change_severity(incident_id=seen.incident.pk, severity=seen.severity, by=by, now=now)
    return accept_proposal(proposal_id=proposal_id, incident=seen.incident, by=by, now=now)


def _open(proposal_id: int, by: User) -> SignalProposal:
    """Alone to its caller, still open, and for them to decide. The record's lock of its incident comes first."""
    about = SignalProposal.objects.values_list("incident", flat=True).get(pk=proposal_id)
    incident = lock_incident(about) if about else None
    proposals.require(by, incident)
    proposal = SignalProposal.objects.select_for_update(of=("self",)).select_related("incident").get(pk=proposal_id)
    if proposal.state != State.OPEN:
        who = f" by {proposal.decided_by}" if proposal.decided_by else ""
        raise Conflict(f"This was {proposal.get_state_display().lower()}{who} meanwhile.")
    return proposal


def _decide(proposal: SignalProposal, to: str, by: User, now: datetime, *, answer: str = "") -> None:
    proposal.state, proposal.decided_by, proposal.decided_at, proposal.answer = to, by, now, answer
    proposal.save(update_fields=["state", "decided_by", "decided_at", "answer", "incident"])


def _say(proposal: SignalProposal, verb: str, text: str, by: User, now: datetime) -> None:
    chain = proposal.incident.chain if proposal.incident else audit.INSTALLATION
    audit.record(
        chain=chain, verb=f"proposal.{verb}", subject=f"proposal:{proposal.pk}", text=text[:2000], by=by, now=now
    )
