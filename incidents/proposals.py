"""What rules propose, and who decides it. A rule asks once: what meets it meanwhile joins the open question."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from crisiscomms import audit, notices
from crisiscomms.models import User
from incidents import access
from incidents.models import Incident, Signal, SignalProposal, ThresholdRule

State = SignalProposal.State
# A decision is late after this.
DECIDE_WITHIN = timedelta(minutes=15)


def may_decide(person: User, incident: Incident | None) -> bool:
    """Whether this person has the right to call for the crisis protocol."""
    return access.may(person, "lead", incident)


def require(person: User, incident: Incident | None) -> None:
    access.require(person, "lead", incident)


def deciders(incident: Incident | None) -> list[User]:
    people = User.objects.with_role(*access.MAY["lead"])
    return [one for one in people if may_decide(one, incident)]


def propose(*, signal: Signal, rule: ThresholdRule, why: str, item: Incident | None, now: datetime) -> None:
    """Ask, unless this was asked and answered before. The signal joins a question that is open already."""
    if _was_answered(signal, rule, item):
        return
    about = SignalProposal.objects.filter(state=State.OPEN, incident=item)
    have = (about if item else about.filter(rule=rule)).select_related("rule").first()
    if have is not None and _is_stronger(rule, have.rule):
        overtake(have, now)
        have = None
    if have is None:
        have = _ask(signal, rule, why, item, now)
    if signal.proposal_id is not None and signal.proposal_id != have.pk:
        _leave(signal, now)
    Signal.objects.filter(pk=signal.pk).update(proposal=have)


def _was_answered(signal: Signal, rule: ThresholdRule, item: Incident | None) -> bool:
    """A no to this rule holds as long as it goes on; so does a yes. A stronger rule may still ask."""
    asked = SignalProposal.objects.filter(state__in=[State.ACCEPTED, State.DECLINED])
    mine = asked.filter(incident=item) if item else asked.filter(signals=signal)
    return mine.filter(rule__position__lte=rule.position).exists()


def _is_stronger(rule: ThresholdRule, than: ThresholdRule) -> bool:
    return (rule.position, rule.pk) < (than.position, than.pk)


def _leave(signal: Signal, now: datetime) -> None:
    """It joins another question: one that nothing belongs to any more is overtaken."""
    before = SignalProposal.objects.filter(pk=signal.proposal_id, state=State.OPEN).first()
    if before is not None and not before.signals.exclude(pk=signal.pk).exists():
        overtake(before, now)


def overtake(proposal: SignalProposal, now: datetime) -> None:
    proposal.state, proposal.decided_at = State.OVERTAKEN, now
    proposal.save(update_fields=["state", "decided_at"])


def _ask(signal: Signal, rule: ThresholdRule, why: str, item: Incident | None, now: datetime) -> SignalProposal:
    parts = {*rule.data["components"], *signal.components.values_list("pk", flat=True)}
    proposal = SignalProposal.objects.create(
        rule=rule,
        rule_version=rule.version,
        kind=rule.data["kind"],
        severity=rule.data["severity"],
        components=sorted(parts),
        reason=why[:600],
        incident=item,
        proposed_at=now,
    )
    audit.record(
        chain=item.chain if item else audit.INSTALLATION,
        verb="proposal.made",
        subject=f"proposal:{proposal.pk}",
        text=f"Crisis protocol proposed ({proposal.get_severity_display().lower()}). {why}"[:2000],
        by=None,
        now=now,
    )
    people = deciders(item)
    notices.tell(people, kind="threshold_met", key=f"proposal:{proposal.pk}", now=now, proposal=proposal.pk)
    return proposal


# Reading


def visible_to(user: User) -> QuerySet[SignalProposal]:
    """What a person may know of: free ones are the workshop's, the others follow their incident."""
    found = SignalProposal.objects.all()
    if not access.may(user, "report"):
        return found.none()
    visible = Incident.objects.visible_to(user).values("pk")
    return found.filter(incident=None) | found.filter(incident__in=visible)


def waiting_for(user: User) -> list[SignalProposal]:
    """The open questions that this person may decide, the oldest first."""
    if not access.may(user, "lead"):
        return []
    open_ones = visible_to(user).filter(state=State.OPEN).select_related("rule", "incident").order_by("proposed_at")
    return [one for one in open_ones[:50] if may_decide(user, one.incident)]


def signals_of(proposal: SignalProposal, user: User) -> QuerySet[Signal]:
    return Signal.objects.visible_to(user).filter(proposal=proposal).select_related("source", "by").order_by("-pk")
