"""Deciding over what a rule proposes: a person with the right says yes or no, and the record keeps why."""

from datetime import datetime

from django.db import transaction

from crisiscomms import audit
from crisiscomms.models import User
from crisiscomms.refusal import Conflict, Refused
from incidents import access, decisions
from incidents.actions.lifecycle import change_severity, lock_incident
from incidents.models import Incident, Signal, SignalProposal
from incidents.noticing import proposals

State = SignalProposal.State


@transaction.atomic
def decline_proposal(
    *, proposal_id: int, reason: str, by: User, now: datetime, watched: Incident | None = None
) -> SignalProposal:
    """No crisis protocol: normal work. The rule does not ask again about the same while it goes on.

    `watched` is the watch item that was opened instead; its signals belong there.
    """
    if not reason.strip():
        raise Refused("Say why it is declined. Whoever looks later wants to know.")
    proposal = _open(proposal_id, by)
    if watched is not None:
        _belong(proposal, watched, by, now)
    _decide(proposal, State.DECLINED, by, now, answer=reason.strip()[:1000])
    _say(proposal, "declined", f"Crisis protocol declined by {by}: {reason.strip()}", by, now)
    if proposal.incident is not None:
        _log(proposal, "Normal work", reason, by, now)
    return proposal


@transaction.atomic
def accept_proposal(*, proposal_id: int, incident: Incident, by: User, now: datetime) -> SignalProposal:
    """The incident was declared because of it: its signals belong there from now on."""
    proposal = _open(proposal_id, by)
    if proposal.incident_id not in (None, incident.pk):
        raise Conflict("This proposal is about another incident.")
    _belong(proposal, incident, by, now)
    _decide(proposal, State.ACCEPTED, by, now)
    _say(proposal, "accepted", f"Crisis protocol accepted by {by}. {proposal.reason}", by, now)
    return proposal


@transaction.atomic
def raise_as_proposed(*, proposal_id: int, by: User, now: datetime) -> SignalProposal:
    """The incident is declared already: it becomes as severe as proposed."""
    seen = SignalProposal.objects.select_related("incident").get(pk=proposal_id)
    if seen.incident is None or seen.incident.declared_at is None:
        raise Refused("Nothing is declared yet. Declare it.")
    _must_be_worse(seen)
    proposal = accept_proposal(proposal_id=proposal_id, incident=seen.incident, by=by, now=now)
    change_severity(incident_id=seen.incident.pk, severity=seen.severity, by=by, now=now, reason=seen.reason)
    return proposal


def _must_be_worse(proposal: SignalProposal) -> None:
    """Somebody may have raised it meanwhile: what a rule saw earlier never makes it milder."""
    assert proposal.incident_id is not None
    present = lock_incident(proposal.incident_id)
    order = Incident.Severity.values
    if order.index(proposal.severity) >= order.index(present.severity):
        raise Conflict(f"The incident is {present.get_severity_display().lower()} already. Decline this, saying so.")


def _open(proposal_id: int, by: User) -> SignalProposal:
    """Alone to its caller, still open, and for them to decide. The record's lock of its incident comes first."""
    about = SignalProposal.objects.values_list("incident", flat=True).get(pk=proposal_id)
    if about is not None:
        lock_incident(about)
    mine = SignalProposal.objects.select_for_update(of=("self",)).select_related("incident", "decided_by")
    proposal = mine.get(pk=proposal_id)
    proposals.require(by, proposal)
    if proposal.state != State.OPEN:
        who = f" by {proposal.decided_by}" if proposal.decided_by else ""
        raise Conflict(f"This was {proposal.get_state_display().lower()}{who} meanwhile.")
    return proposal


def _belong(proposal: SignalProposal, incident: Incident, by: User, now: datetime) -> None:
    # A page asked about this incident a while ago: what counts is how it stands, and what they may see, now.
    incident = lock_incident(incident.pk)
    access.require(by, "work", incident)
    proposal.incident = incident
    for signal in Signal.objects.filter(proposal=proposal, incident=None).select_related("source", "by"):
        if Signal.objects.filter(pk=signal.pk, incident=None).update(incident=incident):
            text = f"Signal attached: {signal.title} ({signal.origin})"
            audit.record(
                chain=incident.chain, verb="signal.attached", subject=f"signal:{signal.pk}", text=text, by=by, now=now
            )


def _decide(proposal: SignalProposal, to: str, by: User, now: datetime, *, answer: str = "") -> None:
    proposal.state, proposal.decided_by, proposal.decided_at, proposal.answer = to, by, now, answer
    proposal.save(update_fields=["state", "decided_by", "decided_at", "answer", "incident"])


def _log(proposal: SignalProposal, choice: str, reason: str, by: User, now: datetime) -> None:
    """In the log of decisions, beside those that were taken the other way."""
    assert proposal.incident is not None
    role = next(role for role in decisions.roles_for(decisions.Kind.PROTOCOL, proposal.severity) if by.has_role(role))
    decisions.note(
        incident=proposal.incident,
        kind=decisions.Kind.PROTOCOL,
        question=f"Crisis protocol, or normal work? {proposal.reason}",
        options=["Crisis protocol", "Normal work"],
        choice=choice,
        reason=reason,
        settled=decisions.Settled(proposal.severity, role),
        by=by,
        now=now,
        is_recorded=True,
    )


def _say(proposal: SignalProposal, verb: str, text: str, by: User, now: datetime) -> None:
    chain = proposal.incident.chain if proposal.incident else audit.INSTALLATION
    audit.record(
        chain=chain, verb=f"proposal.{verb}", subject=f"proposal:{proposal.pk}", text=text[:2000], by=by, now=now
    )
