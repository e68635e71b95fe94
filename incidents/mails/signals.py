"""How the team is told that a rule asks for a decision."""

from datetime import datetime

from django.urls import reverse

from crisiscomms.models import Notice
from crisiscomms.notices import Mail, renders
from incidents.mails.wording import about, prefix, url_to
from incidents.models import SignalProposal
from incidents.noticing import proposals


@renders("threshold_met", urgency="urgent")
def threshold_met(notice: Notice, now: datetime) -> Mail | None:
    """None once it is decided, or no longer theirs to decide."""
    found = proposals.visible_to(notice.person).filter(state=SignalProposal.State.OPEN, pk=notice.context["proposal"])
    proposal = found.select_related("rule", "incident").first()
    if proposal is None or not proposals.may_decide(notice.person, proposal):
        return None
    link = url_to(reverse("incidents:signal_proposal", args=[proposal.pk]))
    incident = proposal.incident
    if incident is not None and incident.restricted:
        return Mail(f"{prefix(incident)}: a decision is asked of you", ["Sign in."], link, "Decide", **about(incident))
    subject = f"Crisis protocol? {proposal.rule.name}"
    words = [proposal.reason, "Nothing starts before somebody decides."]
    if incident is None:
        return Mail(subject, words, link, "Decide")
    return Mail(f"{prefix(incident)}: {subject}", words, link, "Decide", **about(incident))
