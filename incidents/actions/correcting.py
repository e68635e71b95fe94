"""What was noted wrongly: corrected, moved to where it belongs, or struck out. Nothing of it is lost."""

from datetime import datetime
from typing import Any

from django.db import transaction

from crisiscomms.models import User
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import abilities, access, deadlines
from incidents.actions import competitors, mentions
from incidents.actions.outward import require_link
from incidents.models import CompetitorReaction, Correction, Incident, Mention, ResponseTask
from incidents.outside import corrections

CORRECT = "noted_correct"
FORGOTTEN = "Who said what was forgotten here, so nobody can tell any more what would be right."


@transaction.atomic
def correct_mention(
    *, mention_id: int, seen: int, by: User, now: datetime, channel: str | None = None, where: str | None = None,
    sentiment: str | None = None, reach: int | None = None, seen_at: datetime | None = None, link: str | None = None,
    author: str | None = None, quote: str | None = None,
) -> Mention:  # fmt: skip
    """Say what it should have said; None stays as it is. `seen` is the version that was looked at.

    Raises Conflict when somebody was first.
    """
    mention = mentions.lock_mention(mention_id, CORRECT, by, now)
    _require_seen(mention, seen)
    if mention.forgotten_at is not None:
        raise Refused(FORGOTTEN)
    texts = {"where": where, "link": link, "author": author, "quote": quote}
    changes = _set(
        mention, {**_stripped(texts), "channel": channel, "sentiment": sentiment, "reach": reach} | _at(seen_at)
    )
    mentions.check(mention.channel, mention.where, mention.sentiment, mention.reach, mention.seen_at, now)
    require_link(mention.link)
    if changes:
        _keep(mention, changes, by, now, mention=mention)
        mentions.say(
            mention, "mention.corrected", f"Mention corrected: {mention}. {_in_words(mention, changes)}", by, now
        )
        _retitle(mention.incident, "mention", mentions.subject_of(mention), mentions.title_of(mention))
    return mention


@transaction.atomic
def correct_reaction(
    *, reaction_id: int, seen: int, by: User, now: datetime, competitor: str | None = None, what: str | None = None,
    channel: str | None = None, seen_at: datetime | None = None, link: str | None = None,
) -> CompetitorReaction:  # fmt: skip
    """As `correct_mention`. What they claim and whether it is true is said by `judge_claim`."""
    reaction = competitors.lock_reaction(reaction_id, CORRECT, by, now)
    _require_seen(reaction, seen)
    texts = _stripped({"competitor": competitor, "what": what, "link": link})
    changes = _set(reaction, {**texts, "channel": channel} | _at(seen_at))
    competitors.check(reaction.competitor, reaction.what, reaction.channel, reaction.seen_at, now)
    require_link(reaction.link)
    if changes:
        _keep(reaction, changes, by, now, reaction=reaction)
        words = f"Competitor reaction corrected: {reaction.competitor}. {_in_words(reaction, changes)}"
        competitors.say(reaction, "competitor.corrected", words, by, now)
    if "competitor" in changes:
        _rename_tasks(reaction)
    return reaction


@transaction.atomic
def strike_mention(*, mention_id: int, reason: str, by: User, now: datetime) -> Mention:
    """It should not have been noted, or was twice. It stays, with the reason, and counts nowhere any more."""
    mention = mentions.lock_mention(mention_id, CORRECT, by, now)
    if mention.forgotten_at is not None:
        raise Refused(FORGOTTEN)
    if not reason.strip():
        raise Refused("Say why it is struck out.")
    mention.struck_at, mention.struck_by, mention.struck_why = now, by, reason.strip()[:500]
    mention.needs_answer = mention.needs_answer and mention.answered_at is not None
    # The reason stands in the row alone, where it is forgotten with it.
    _leave(mention, "The mention was struck out.", by, now)
    mention.save(update_fields=["struck_at", "struck_by", "struck_why", "needs_answer"])
    mentions.say(mention, "mention.struck", f"Mention struck out: {mention}", by, now)
    return mention


@transaction.atomic
def move_mention(*, mention_id: int, incident_id: int, by: User, now: datetime) -> Mention:
    """It belongs to another incident than the one it was noted for. Who answers it goes along, with their clock."""
    to = mentions.lock_for(mention_id, incident_id)
    abilities.require(CORRECT, to, by, now)
    mention = mentions.lock_mention(mention_id, CORRECT, by, now)
    was = mention.incident
    if was is None or was == to:
        raise Refused(f"It belongs to {was.ref} already." if was else "It is of no incident yet. Attach it to one.")
    if was.is_exercise != to.is_exercise:
        raise Refused("What is said in an exercise stays in exercises, and what is said outside stays out of them.")
    # Whoever reads the one record need not know of the other incident.
    mentions.say(mention, "mention.moved", f"Mention moved to {_named(to)}: {mention}", by, now)
    due_at = _leave(mention, "The mention was moved to another incident.", by, now)
    mention.incident = to
    mention.save(update_fields=["incident"])
    mentions.say(mention, "mention.moved", f"Mention moved here from {_named(was)}: {mention}", by, now)
    if due_at is not None:
        _go_on(mention, to, due_at, now)
    return mention


def _leave(mention: Mention, why: str, by: User, now: datetime) -> datetime | None:
    """End its clock; returns when it would have been due, if one ran."""
    incident, subject = mention.incident, mentions.subject_of(mention)
    if incident is None:
        return None
    clock = incident.deadlines.open().filter(kind="mention", subject=subject).first()
    deadlines.waive(incident=incident, kind="mention", subject=subject, reason=why[:300], by=by, now=now)
    return clock.due_at if clock else None


def _go_on(mention: Mention, incident: Incident, due_at: datetime, now: datetime) -> None:
    """Moving gives nobody more time."""
    owner = mention.owner
    if owner is None or not owner.is_active or not access.may(owner, "work", incident):
        raise NotAllowed(f"{owner}, who answers it, cannot work on {incident.ref}. Hand it over first.")
    deadlines.plan(
        incident=incident, kind="mention", subject=mentions.subject_of(mention), title=mentions.title_of(mention),
        owner=owner, due_at=max(due_at, now), now=now,
    )  # fmt: skip


def _named(incident: Incident) -> str:
    return "another incident" if incident.restricted else incident.ref


def _require_seen(row: Mention | CompetitorReaction, seen: int) -> None:
    if row.version != seen:
        last = row.corrections.select_related("by").first()
        who = last.by if last else "Somebody"
        raise Conflict(f"{who} corrected this after you opened it. Look at both before you go on.")


def _stripped(texts: dict[str, str | None]) -> dict[str, str | None]:
    return {name: text.strip() if text is not None else None for name, text in texts.items()}


def _at(seen_at: datetime | None) -> dict[str, Any]:
    return {"seen_at": seen_at}


def _set(row: Mention | CompetitorReaction, wanted: dict[str, Any]) -> corrections.Changes:
    """Put it into the row; returns what is different, before and after."""
    found = {
        name: (getattr(row, name), value)
        for name, value in wanted.items()
        if value is not None and getattr(row, name) != value
    }
    for name, (_, value) in found.items():
        setattr(row, name, value)
    return found


def _keep(row: Mention | CompetitorReaction, changes: corrections.Changes, by: User, now: datetime, **of: Any) -> None:
    row.version += 1
    row.save(update_fields=[*changes, "version"])
    plain = {name: [corrections.plain(before), corrections.plain(after)] for name, (before, after) in changes.items()}
    Correction.objects.create(**of, version=row.version, changes=plain, by=by, at=now)


def _in_words(row: Mention | CompetitorReaction, changes: corrections.Changes) -> str:
    """For the record, which outlives the row: people outside and what they said are not named there."""
    hidden = corrections.OF_PEOPLE if isinstance(row, Mention) else ()
    parts = [
        label if name in hidden else f"{label} {before or 'nothing'} → {after or 'nothing'}"
        for name, label, before, after in corrections.said(row, changes)
    ]
    text = "; ".join(parts)
    return text[:1].upper() + text[1:]


def _retitle(incident: Incident | None, kind: str, subject: str, title: str) -> None:
    if incident is not None:
        incident.deadlines.open().filter(kind=kind, subject=subject).update(title=title)


def _rename_tasks(reaction: CompetitorReaction) -> None:
    """Those that opened by themselves are called after the competitor; what people wrote stays as they wrote it."""
    for task in reaction.tasks.filter(state=ResponseTask.State.OPEN).exclude(key=""):
        task.title = competitors.title_of(task.key, reaction)
        task.save(update_fields=["title"])
        _retitle(reaction.incident, "response", competitors.subject_of(task), task.title)


def _still_open(asked: abilities.Asked) -> str:
    closed = asked.incident.phase == Incident.Phase.CLOSED
    return f"{asked.incident.ref} is closed: what was noted for it stays as it is." if closed else ""


abilities.register(abilities.Ability(CORRECT, "Correct what was noted about others", _still_open))
