"""A word to customers has left: what the clock learns from the house that sends."""

from datetime import datetime

from django.db import transaction

from crisiscomms import audit
from crisiscomms.models import User
from incidents.actions.lifecycle import reach_milestone
from incidents.clock import obligations
from incidents.models import CustomerWord, Incident, Milestone


@transaction.atomic
def note_word(
    *,
    incident: Incident,
    reference: str,
    promised_at: datetime | None,
    is_detailed: bool,
    says_resolved: bool,
    was_approved: bool,
    by: User | None,
    now: datetime,
) -> CustomerWord:
    """Count from this word on: its clocks are met, and the next one follows from it. Safe to repeat by `reference`.

    Called by the house that knows that a message has left. The milestones are reached by it too.
    """
    audit.hold(incident.chain)
    word, is_new = CustomerWord.objects.get_or_create(
        incident=incident,
        reference=reference,
        defaults={
            "at": now,
            "promised_at": promised_at,
            "is_detailed": is_detailed,
            "says_resolved": says_resolved,
            "was_approved": was_approved,
        },
    )
    if not is_new:
        return word
    reach_milestone(incident=incident, kind=Milestone.Kind.ACKNOWLEDGED, by=None, now=now)
    if says_resolved:
        reach_milestone(incident=incident, kind=Milestone.Kind.RESOLVED_TOLD, by=None, now=now)
    obligations.renew(incident, by=by, now=now)
    return word
