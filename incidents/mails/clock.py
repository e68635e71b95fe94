"""How the team is told about clocks. Rendered when a worker sends, so never out of date."""

from datetime import datetime, timedelta

from django.utils import timezone

from crisiscomms.models import Notice, User
from crisiscomms.notices import Mail, renders
from crisiscomms.wording import in_words
from incidents import deadlines
from incidents.mails.wording import about, prefix, url_to
from incidents.models import Deadline


def _deadline(notice: Notice) -> Deadline | None:
    return (
        Deadline.objects.visible_to(notice.person)
        .open()
        .select_related("incident", "owner")
        .filter(pk=notice.context["deadline"])
        .first()
    )


@renders("deadline_soon", urgency="urgent")
def deadline_soon(notice: Notice, now: datetime) -> Mail | None:
    deadline = _deadline(notice)
    if deadline is None:
        return None
    kind = deadlines.kind_of(deadline)
    due = timezone.localtime(deadline.due_at)
    left = deadline.due_at - now
    subject = f"{prefix(deadline.incident)}: {_title(deadline)} by {due:%H:%M %Z}"
    when = f"It is due in {in_words(left)}." if left > timedelta(0) else f"It was due {in_words(-left)} ago."
    link = url_to(deadlines.path_for(deadline, notice.person))
    return Mail(subject, [when], link, kind.action, **about(deadline.incident))


@renders("deadline_remind", urgency="normal")
def deadline_remind(notice: Notice, now: datetime) -> Mail | None:
    """Where the policy names a window: its earlier end has come."""
    deadline = _deadline(notice)
    if deadline is None:
        return None
    due = timezone.localtime(deadline.due_at)
    subject = f"{prefix(deadline.incident)}: {_title(deadline)} would be good now"
    words = f"It is due by {due:%H:%M %Z}. Now is a good time for it."
    link = url_to(deadlines.path_for(deadline, notice.person))
    return Mail(subject, [words], link, deadlines.kind_of(deadline).action, **about(deadline.incident))


@renders("deadline_missed", urgency="urgent")
def deadline_missed(notice: Notice, now: datetime) -> Mail | None:
    deadline = _deadline(notice)
    if deadline is None:
        return None
    kind = deadlines.kind_of(deadline)
    late = in_words(now - deadline.due_at)
    mine = deadline.owner_id == notice.person_id
    who = "It is yours." if mine else f"It is {deadline.owner}'s. You are told because it has not been done."
    subject = f"{prefix(deadline.incident)} LATE: {_title(deadline)}"
    link = url_to(deadlines.path_for(deadline, notice.person))
    return Mail(subject, [f"It is {late} late.", who], link, kind.action, **about(deadline.incident))


@renders("deadline_yours", urgency="urgent")
def deadline_yours(notice: Notice, now: datetime) -> Mail | None:
    """Handed over to this person."""
    deadline = _deadline(notice)
    if deadline is None or deadline.owner_id != notice.person_id:
        return None
    due = timezone.localtime(deadline.due_at)
    giver = User.objects.filter(pk=notice.context["by"]).first()
    words = [f"{giver} handed it over to you.", f"It is due by {due:%H:%M %Z} on {due:%-d %B}."]
    link = url_to(deadlines.path_for(deadline, notice.person))
    subject = f"{prefix(deadline.incident)}: {_title(deadline)} is yours now"
    return Mail(subject, words, link, deadlines.kind_of(deadline).action, **about(deadline.incident))


def _title(deadline: Deadline) -> str:
    """A restricted incident's deadlines are named by their kind only: a mailbox is not the room."""
    if deadline.incident.restricted:
        return deadlines.kind_of(deadline).label.lower()
    return deadline.title.lower()
