"""The monitoring log: what was said where, and who answers it."""

from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse

from crisiscomms import audit, policy
from crisiscomms.models import User
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import abilities, access, deadlines
from incidents.actions.locking import lock_incident, lock_incidents
from incidents.actions.outward import require_link
from incidents.models import Deadline, Incident, Mention, MentionChannel

# No forum has more readers than there are people.
MOST_REACH = 2_000_000_000
NO_CLOCK = "Attach it to an incident or watch item first: its clock runs there."


@transaction.atomic
def note_mention(
    *, channel: str, where: str, sentiment: str, seen_at: datetime, by: User, now: datetime,
    incident_id: int | None = None, link: str = "", author: str = "", reach: int = 0, quote: str = "",
    needs_answer: bool = False, owner: User | None = None,
) -> Mention:  # fmt: skip
    """Write down what somebody outside said. One that needs an answer has an owner (its noter) and a clock."""
    incident = lock_incident(incident_id) if incident_id else None
    require("mention_note", incident, by, now)
    check(channel, where, sentiment, reach, seen_at, now)
    require_link(link)
    mention = Mention.objects.create(
        incident=incident, channel=channel, where=where.strip(), link=link.strip(), author=author.strip(),
        sentiment=sentiment, reach=reach, quote=quote.strip(), seen_at=seen_at, seen_by=by, noted_at=now,
    )  # fmt: skip
    # Where and how, never who or what they said: the record's words outlive the row's.
    say(mention, "mention.noted", f"Mention noted: {mention}, {mention.get_sentiment_display().lower()}", by, now)
    if needs_answer:
        _ask(mention, owner or by, by, now)
    return mention


def check(channel: str, where: str, sentiment: str, reach: int, seen_at: datetime, now: datetime) -> None:
    if channel not in MentionChannel.values or sentiment not in Mention.Sentiment.values:
        raise Refused("Choose a channel and a sentiment from the lists.")
    if not where.strip():
        raise Refused("Say where it stands: the name of the site, paper or group.")
    if not 0 <= reach <= MOST_REACH:
        raise Refused("The number of readers cannot be meant. Check it.")
    if seen_at > now:
        raise Refused("It cannot have been seen in the future. Check the time.")


def _ask(mention: Mention, owner: User, by: User, now: datetime) -> None:
    require("mention_ask", mention.incident, by, now)
    incident = mention.incident
    if incident is None:
        raise Refused(NO_CLOCK)
    if not owner.is_active or not access.may(owner, "work", incident):
        raise NotAllowed(f"{owner.name} cannot work on this incident. Choose somebody who can.")
    mention.needs_answer, mention.owner = True, owner
    mention.save(update_fields=["needs_answer", "owner"])
    minutes = policy.current("outward")["mentions"][incident.severity]["answer_minutes"]
    deadlines.plan(
        incident=incident, kind="mention", subject=subject_of(mention), title=title_of(mention),
        owner=owner, due_at=now + timedelta(minutes=minutes), now=now,
    )  # fmt: skip


@transaction.atomic
def ask_for_answer(*, mention_id: int, owner: User, by: User, now: datetime) -> Mention:
    """It needs an answer after all, or somebody else gives it."""
    mention = lock_mention(mention_id, "mention_ask", by, now)
    _require_unanswered(mention)
    _ask(mention, owner, by, now)
    say(mention, "mention.asked", f"Mention to answer: {mention}, by {owner}", by, now)
    return mention


@transaction.atomic
def answer_mention(*, mention_id: int, how: str, by: User, now: datetime) -> Mention:
    """It was answered, and this is how."""
    mention = lock_mention(mention_id, "mention_answer", by, now)
    _require_unanswered(mention)
    if not how.strip():
        raise Refused("Say how it was answered.")
    mention.answered_how, mention.answered_at, mention.answered_by = how.strip()[:1000], now, by
    mention.save(update_fields=["answered_how", "answered_at", "answered_by"])
    if mention.incident is not None:
        deadlines.meet(incident=mention.incident, kind="mention", subject=subject_of(mention), now=now)
    say(mention, "mention.answered", f"Mention answered: {mention}", by, now)
    return mention


@transaction.atomic
def leave_unanswered(*, mention_id: int, reason: str, by: User, now: datetime) -> Mention:
    """It does not need an answer, for a reason."""
    mention = lock_mention(mention_id, "mention_answer", by, now)
    _require_unanswered(mention)
    if mention.incident is None or not mention.needs_answer:
        raise Refused("Nobody was asked to answer this.")
    if not reason.strip():
        raise Refused("Say why it needs no answer.")
    mention.needs_answer = False
    mention.save(update_fields=["needs_answer"])
    deadlines.waive(
        incident=mention.incident, kind="mention", subject=subject_of(mention), reason=reason.strip(), by=by, now=now
    )
    return mention


@transaction.atomic
def attach_mention(*, mention_id: int, incident_id: int, by: User, now: datetime) -> Mention:
    """It belongs to this incident. What belongs to one already stays there until it is moved."""
    incident = lock_for(mention_id, incident_id)
    require("mention_note", incident, by, now)
    mention = lock_mention(mention_id, "mention_note", by, now)
    if mention.incident is not None:
        raise Conflict(f"This belongs to {mention.incident.ref} already.")
    mention.incident = incident
    mention.save(update_fields=["incident"])
    say(mention, "mention.noted", f"Mention attached: {mention}, {mention.get_sentiment_display().lower()}", by, now)
    return mention


def _require_unanswered(mention: Mention) -> None:
    if mention.answered_at is not None:
        raise Conflict(f"This was answered by {mention.answered_by} already.")


def require(key: str, incident: Incident | None, by: User, now: datetime) -> None:
    """As `abilities.require`; what belongs to no incident is the workshop's. Call it under the lock."""
    if incident is not None:
        abilities.require(key, incident, by, now)
        return
    access.require(by, "work")
    if key == "mention_ask":
        raise Refused(NO_CLOCK)


def can(incident: Incident | None, person: User, now: datetime) -> dict[str, abilities.Answer]:
    """What this person may do with a mention now: the buttons of its pages."""
    if incident is not None:
        return abilities.of(incident, person, now)
    not_you = "" if access.may(person, "work") else access.refusal("work")
    found = {}
    for key in ("mention_note", "mention_ask", "mention_answer", "noted_correct"):
        not_now = NO_CLOCK if key == "mention_ask" else ""
        why_not = not_now or not_you
        found[key] = abilities.Answer(key, "", fits=not not_now, may=not why_not, why_not=why_not)
    return found


def lock_mention(mention_id: int, key: str, by: User, now: datetime) -> Mention:
    """With its incident's record first, where it has one, and whoever may do `key` with it only.

    An attachment in between is waited for by the row.
    """
    incident_id = Mention.objects.values_list("incident", flat=True).get(pk=mention_id)
    incident = lock_incident(incident_id) if incident_id else None
    require(key, incident, by, now)
    people = ("answered_by", "struck_by", "owner")
    mention = Mention.objects.select_for_update(of=("self",)).select_related(*people).get(pk=mention_id)
    if mention.incident_id != incident_id:
        raise Conflict("This was just put to another incident. Look again.")
    mention.incident = incident
    if mention.struck_at is not None:
        raise Conflict(f"This was struck out by {mention.struck_by} already.")
    return mention


def lock_for(mention_id: int, incident_id: int) -> Incident:
    """The incident that a mention is to belong to, locked together with the one that it belongs to now."""
    before = Mention.objects.values_list("incident", flat=True).get(pk=mention_id)
    return lock_incidents({incident_id, before} - {None})[incident_id]


def subject_of(mention: Mention) -> str:
    return f"mention:{mention.pk}"


def title_of(mention: Mention) -> str:
    return f"Answer a mention: {mention}"


def say(mention: Mention, verb: str, text: str, by: User, now: datetime) -> None:
    chain = mention.incident.chain if mention.incident else audit.INSTALLATION
    audit.record(chain=chain, verb=verb, subject=subject_of(mention), text=text, by=by, now=now)


def _page(deadline: Deadline) -> str:
    return reverse("incidents:mention", args=[deadline.subject.removeprefix("mention:")])


deadlines.register(
    deadlines.Kind(
        "mention", "Answer a mention", _page, action="Open the mention",
        elsewhere="A mention is answered, passed on or let be in the monitoring log.",
    )
)  # fmt: skip


def _clocks_run(asked: abilities.Asked) -> str:
    closed = asked.incident.phase == Incident.Phase.CLOSED
    return f"{asked.incident.ref} is closed: no clock runs for it any more." if closed else ""


# Also of a closed incident something is said, and it is written down.
abilities.register(abilities.Ability("mention_note", "Note what is said about it"))
abilities.register(abilities.Ability("mention_ask", "Ask for an answer to a mention", _clocks_run))
abilities.register(abilities.Ability("mention_answer", "Say how a mention was answered, or why not"))
