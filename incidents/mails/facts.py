"""How somebody is asked for a fact."""

from datetime import datetime

from django.utils import timezone

from crisiscomms.models import Notice
from crisiscomms.notices import Mail, renders
from incidents import deadlines
from incidents.mails.wording import about, prefix, url_to
from incidents.models import Deadline, Fact


@renders("fact_asked", urgency="urgent")
def fact_asked(notice: Notice, now: datetime) -> Mail | None:
    """None once it was answered, or for somebody who may no longer see the incident."""
    open_ones = Deadline.objects.visible_to(notice.person).open().select_related("incident", "owner")
    deadline = open_ones.filter(pk=notice.context["deadline"]).first()
    if deadline is None:
        return None
    incident = deadline.incident
    link = url_to(deadlines.path_for(deadline, notice.person))
    until = f"Needed by {timezone.localtime(deadline.due_at):%H:%M %Z}."
    if incident.restricted:
        subject = f"{prefix(incident)}: somebody needs a fact from you"
        return Mail(subject, [until, "Sign in to read which."], link, "Answer", **about(incident))
    fact = Fact.objects.get(pk=int(deadline.subject.removeprefix("fact:")))
    mine = deadline.owner_id == notice.person_id
    who = "You are the one who is waited for." if mine else f"{deadline.owner} is waited for; you may know it sooner."
    subject = f"{prefix(incident)}: do you know this? {fact.label}"
    return Mail(subject, [until, fact.why, who], link, "Answer", **about(incident))
