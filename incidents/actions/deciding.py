"""Decisions that are nothing but decisions: the disclosure level, and what is noted in the log."""

from datetime import datetime

from django.db import transaction

from crisiscomms.models import User
from crisiscomms.refusal import Conflict, Refused
from incidents import abilities, decisions
from incidents.actions.lifecycle import lock_incident
from incidents.models import Decision, Incident

# What happens as an act of its own is noted by that act; the others are noted here.
NOTED = (Decision.Kind.PROTOCOL, Decision.Kind.MESSAGING, Decision.Kind.TIMING, Decision.Kind.CHANNELS)


@transaction.atomic
def decide_disclosure(
    *, incident_id: int, level: str, seen: str, reason: str, by: User, now: datetime, break_glass: str = ""
) -> Incident:
    """Decide how much is said to whom. `seen` is the level that stood when the person looked (empty: none).

    Channels that the level closes stay closed from now on; what is out already is not taken back. Raises Conflict when
    somebody decided meanwhile, Refused without a reason.
    """
    incident = lock_incident(incident_id)
    settled = abilities.settle("disclosure", incident, by, now, break_glass=break_glass)
    if level not in Incident.Disclosure.values:
        raise Refused("Choose one of the three levels.")
    if seen != incident.disclosure:
        stands = incident.get_disclosure_display().lower() or "undecided"
        raise Conflict(f"Somebody else decided meanwhile: it is {stands} now. Look again before you change it.")
    if not reason.strip():
        raise Refused("Say why this level. The reason stands in the record.")
    incident.disclosure = level
    incident.save(update_fields=["disclosure"])
    decisions.note(
        incident=incident,
        kind=Decision.Kind.DISCLOSURE,
        question="How much is said, and to whom?",
        options=[str(label) for label in Incident.Disclosure.labels],
        choice=str(Incident.Disclosure(level).label),
        reason=reason,
        settled=settled,
        by=by,
        now=now,
    )
    return incident


@transaction.atomic
def note_decision(
    *,
    incident_id: int,
    kind: str,
    question: str,
    options: list[str],
    choice: str,
    reason: str,
    by: User,
    now: datetime,
    break_glass: str = "",
) -> Decision:
    """Put a decision into the log that is no act of the product, such as what the message will be.

    Raises Refused for a kind that is decided by an act, or when something is missing.
    """
    incident = lock_incident(incident_id)
    if kind not in NOTED:
        raise Refused("Choose what it decides. Severity, phase and disclosure are decided where they are changed.")
    abilities.require("note_decision", incident, by, now)
    settled = decisions.settle(by, kind, incident, break_glass=break_glass)
    for value, words in ((question, "Say what was to be decided."), (reason, "Say why it was decided so.")):
        if not value.strip():
            raise Refused(words)
    return decisions.note(
        incident=incident,
        kind=kind,
        question=question,
        options=[option.strip()[:200] for option in options if option.strip()][:10],
        choice=choice,
        reason=reason,
        settled=settled,
        by=by,
        now=now,
    )


def _open(asked: abilities.Asked) -> str:
    return "It is closed." if asked.incident.phase == Incident.Phase.CLOSED else ""


def _sees(asked: abilities.Asked) -> str:
    return "" if asked.sees else "You may not see this incident."


abilities.register(
    abilities.Ability("disclosure", "Decide the disclosure level", _open, decision=Decision.Kind.DISCLOSURE)
)
abilities.register(abilities.Ability("note_decision", "Note a decision", _open, not_you=_sees))
