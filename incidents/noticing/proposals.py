"""What rules propose, and who decides it. A rule asks once: what meets it meanwhile joins the open question."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from crisiscomms import audit, notices
from crisiscomms.models import Role, User
from crisiscomms.refusal import NotAllowed
from incidents import access, decisions
from incidents.models import Incident, Signal, SignalProposal, ThresholdRule

State = SignalProposal.State
# A decision is late after this.
DECIDE_WITHIN = timedelta(minutes=15)


def may_decide(person: User, proposal: SignalProposal) -> bool:
    """Whether this person has the right to start the crisis protocol at that severity, and may know of the incident."""
    roles = decisions.roles_for(decisions.Kind.PROTOCOL, proposal.severity)
    return person.has_role(*roles) and access.may(person, "report", proposal.incident)


def require(person: User, proposal: SignalProposal) -> None:
    """Raises NotAllowed, naming who may."""
    if not may_decide(person, proposal):
        who = decisions.who_may(decisions.Kind.PROTOCOL, proposal.severity)
        severity = proposal.get_severity_display().lower()
        raise NotAllowed(f"You may not {decisions.ACTS[decisions.Kind.PROTOCOL]}. At {severity} {who} may.")


def deciders(proposal: SignalProposal) -> list[User]:
    people = User.objects.with_role(*decisions.roles_for(decisions.Kind.PROTOCOL, proposal.severity))
    return [one for one in people if may_decide(one, proposal)]


def may_edit_rules(person: User) -> bool:
    """Administrators, and product marketing as long as it has the right to start the crisis protocol."""
    if not access.may(person, "thresholds"):
        return False
    rights = decisions.rights()[decisions.Kind.PROTOCOL]
    return person.has_role(Role.ADMINISTRATOR) or any(Role.PRODUCT_MARKETING in roles for roles in rights.values())


def require_edit(person: User) -> None:
    if not may_edit_rules(person):
        raise NotAllowed(access.refusal("thresholds"))


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
    people = deciders(proposal)
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
    open_ones = visible_to(user).filter(state=State.OPEN).select_related("rule", "incident").order_by("proposed_at")
    return [one for one in open_ones[:50] if may_decide(user, one)]


def signals_of(proposal: SignalProposal, user: User) -> QuerySet[Signal]:
    return Signal.objects.visible_to(user).filter(proposal=proposal).select_related("source", "by").order_by("-pk")
