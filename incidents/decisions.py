"""Decision rights: who may decide what at which severity, and the log of what was decided.

Every action that is a decision calls `settle` before it acts and `note` with what came of it. The right is read from the
policy in force at that moment, whatever the incident was planned by: taking a right away counts at once.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crisiscomms import audit, notices, policy
from crisiscomms.models import Role, User
from crisiscomms.refusal import NotAllowed, Refused
from incidents.models import Decision, Incident

Kind = Decision.Kind
# How a refusal names the act: “You may not …”.
ACTS = {
    Kind.SEVERITY: "decide how severe it is",
    Kind.PROTOCOL: "start the crisis protocol",
    Kind.MESSAGING: "decide what is said",
    Kind.TIMING: "decide when it leaves",
    Kind.CHANNELS: "decide by which channels it leaves",
    Kind.DISCLOSURE: "decide how much is disclosed",
    Kind.CUSTOMER_FIRST: "tell the public before customers",
    Kind.STAND_DOWN: "stand an incident down",
    Kind.PHASE: "move an incident to another phase",
}
Rights = dict[str, dict[str, list[str]]]


@dataclass(frozen=True)
class Settled:
    """With what right a decision is taken: the role that gives it at that severity, or why the glass was broken."""

    severity: str
    role: str
    broken_for: str = ""

    @property
    def is_break_glass(self) -> bool:
        return not self.role


def rights() -> Rights:
    """Decision → severity → roles, as in force."""
    found: Rights = policy.current("decisions")["rights"]
    return found


def roles_for(kind: str, severity: str, table: Rights | None = None) -> list[str]:
    return (table or rights())[kind][severity]


def may(person: User, kind: str, incident: Incident, table: Rights | None = None) -> bool:
    """Whether this person holds the right for the incident as severe as it is now. Seeing it is asked elsewhere."""
    return bool(_role(person, roles_for(kind, incident.severity, table)))


def _role(person: User, roles: list[str]) -> str:
    return next((role for role in roles if person.has_role(role)), "")


def who_may(kind: str, severity: str, table: Rights | None = None) -> str:
    """The roles in words: “Legal or Executive”."""
    labels = [str(Role(role).label) for role in roles_for(kind, severity, table)]
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} or {labels[-1]}"


def why_not(person: User, kind: str, incident: Incident, table: Rights | None = None) -> str:
    """The sentence of the refusal, naming who may; empty when this person may."""
    if may(person, kind, incident, table):
        return ""
    severity = incident.get_severity_display().lower()
    return f"You may not {ACTS[Kind(kind)]}. In a {severity} incident {who_may(kind, incident.severity, table)} may."


def require(person: User, kind: str, incident: Incident) -> None:
    """Raises NotAllowed, naming who may."""
    refusal = why_not(person, kind, incident)
    if refusal:
        raise NotAllowed(refusal)


def may_break_glass(person: User, incident: Incident) -> bool:
    """Everybody who works on it or leads the company can, as long as they see it. Sellers never see it."""
    return person.is_active and Incident.objects.visible_to(person).filter(pk=incident.pk).exists()


def settle(person: User, kind: str, incident: Incident, *, break_glass: str = "") -> Settled:
    """With what right this person decides now. `break_glass` is why they act without it.

    Raises NotAllowed, naming who may, without the right and without a reason.
    """
    role = _role(person, roles_for(kind, incident.severity))
    if role:
        return Settled(incident.severity, role)
    if not break_glass.strip():
        raise NotAllowed(why_not(person, kind, incident))
    if not may_break_glass(person, incident):
        raise NotAllowed(f"You may not {ACTS[Kind(kind)]}, also not without the right.")
    return Settled(incident.severity, "", break_glass.strip())


def note(
    *,
    incident: Incident,
    kind: str,
    question: str,
    choice: str,
    settled: Settled,
    by: User,
    now: datetime,
    reason: str = "",
    options: list[str] | None = None,
    is_recorded: bool = False,
) -> Decision:
    """Write the decision into the log, inside the caller's transaction. A broken glass is told to everybody.

    `is_recorded`: the act that follows says it on the record in its own words. A broken glass is said in any case.
    """
    if not choice.strip():
        raise Refused("Say what was decided.")
    why = "; ".join(part for part in (reason.strip(), settled.broken_for) if part)
    decision = Decision.objects.create(
        incident=incident,
        kind=kind,
        severity=settled.severity,
        question=question.strip()[:300],
        options=list(options or []),
        choice=choice.strip()[:300],
        reason=why,
        by=by,
        role=settled.role,
        at=now,
        is_break_glass=settled.is_break_glass,
    )
    if settled.is_break_glass or not is_recorded:
        _record(decision, incident, by, now)
    if settled.is_break_glass:
        notices.tell(_everybody(incident), kind="break_glass", key=str(decision.pk), now=now, decision=decision.pk)
    return decision


def _record(decision: Decision, incident: Incident, by: User, now: datetime) -> None:
    text = f"Decided, {decision.get_kind_display().lower()}: {decision.choice}"
    if decision.is_break_glass:
        text = f"WITHOUT THE RIGHT, decided, {decision.get_kind_display().lower()}: {decision.choice}"
    if decision.reason:
        text += f". Reason: {decision.reason}"
    audit.record(
        chain=incident.chain,
        verb="decision.broke_glass" if decision.is_break_glass else "decision.taken",
        subject=f"decision:{decision.pk}",
        text=text[:4000],
        by=by,
        now=now,
    )


def _everybody(incident: Incident) -> list[User]:
    """The team, executives and administrators; of a restricted incident only those who may see it."""
    people: dict[int, User] = {member.person_id: member.person for member in incident.team.select_related("person")}
    for person in User.objects.with_role(Role.EXECUTIVE, Role.ADMINISTRATOR, Role.PRODUCT_MARKETING):
        people.setdefault(person.pk, person)
    if not incident.restricted:
        return list(people.values())
    return [one for one in people.values() if Incident.objects.visible_to(one).filter(pk=incident.pk).exists()]


def log(incident: Incident) -> list[Decision]:
    """Newest first."""
    return list(incident.decisions.select_related("by"))


def latest(incident: Incident) -> dict[str, Any]:
    """The newest decision of each kind."""
    found = incident.decisions.order_by("kind", "-at", "-pk").distinct("kind").select_related("by")
    return {decision.kind: decision for decision in found}
