"""What competitors make of an incident, what we decide about it, and who does it by when."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse

from crisiscomms import audit, policy
from crisiscomms.models import Role, User
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import abilities, access, deadlines
from incidents.actions.locking import lock_incident
from incidents.actions.outward import require_link
from incidents.models import CompetitorReaction, Deadline, Incident, MentionChannel, ResponseTask
from incidents.team.owners import of_role

State = ResponseTask.State
Response, Truth = CompetitorReaction.Response, CompetitorReaction.Truth
# The tasks that open by themselves.
DECIDE, LEGAL = "decide", "legal"
TITLES = {
    DECIDE: "Decide how to answer {}",
    LEGAL: "Say whether a legal step answers the false claim of {}",
}


def rules() -> dict[str, Any]:
    found: dict[str, Any] = policy.current("outward")["competitors"]
    return found


@transaction.atomic
def note_reaction(
    *, incident_id: int, competitor: str, what: str, channel: str, seen_at: datetime, by: User, now: datetime,
    link: str = "", claim: str = "", is_true: str = Truth.UNKNOWN,
) -> CompetitorReaction:  # fmt: skip
    """Write down what a competitor does. Product marketing is asked to decide, legal where a claim is false."""
    incident = lock_incident(incident_id)
    abilities.require("reaction_note", incident, by, now)
    check(competitor, what, channel, seen_at, now)
    require_link(link)
    _check_truth(claim, is_true)
    reaction = CompetitorReaction.objects.create(
        incident=incident, competitor=competitor.strip(), what=what.strip(), channel=channel, link=link.strip(),
        seen_at=seen_at, seen_by=by, noted_at=now, claim=claim.strip(), is_true=is_true,
    )  # fmt: skip
    say(reaction, "competitor.noted", f"Competitor reaction noted: {reaction}", by, now)
    # Of a closed incident it is only written down: no clock runs for it any more.
    if incident.phase != Incident.Phase.CLOSED:
        rule = rules()
        _open(reaction, DECIDE, of_role(incident, rule["owner_role"], now), rule["decide_minutes"], now)
        _ask_legal(reaction, now)
    return reaction


def check(competitor: str, what: str, channel: str, seen_at: datetime, now: datetime) -> None:
    if not competitor.strip() or not what.strip():
        raise Refused("Say which competitor it is and what they do.")
    if channel not in MentionChannel.values:
        raise Refused("Choose a channel from the list.")
    if seen_at > now:
        raise Refused("It cannot have been seen in the future. Check the time.")


def _check_truth(claim: str, is_true: str) -> None:
    if is_true not in Truth.values:
        raise Refused("Choose from the list whether it is true.")
    if is_true != Truth.UNKNOWN and not claim.strip():
        raise Refused("Say what they claim before you say whether it is true.")


def title_of(key: str, reaction: CompetitorReaction) -> str:
    return TITLES[key].format(reaction.competitor)[:160]


def _open(reaction: CompetitorReaction, key: str, owner: User, minutes: int, now: datetime) -> ResponseTask:
    fields = {"title": title_of(key, reaction), "owner": owner, "due_at": now + timedelta(minutes=minutes)}
    task, is_new = ResponseTask.objects.get_or_create(reaction=reaction, key=key, defaults=fields)
    if is_new:
        _plan(task, now)
    return task


def _plan(task: ResponseTask, now: datetime) -> None:
    deadlines.plan(
        incident=task.reaction.incident, kind="response", subject=subject_of(task), title=task.title, owner=task.owner,
        due_at=task.due_at, now=now,
    )  # fmt: skip


def _ask_legal(reaction: CompetitorReaction, now: datetime) -> None:
    if reaction.is_true == Truth.FALSE:
        rule = rules()
        _open(reaction, LEGAL, of_role(reaction.incident, rule["legal_role"], now), rule["legal_minutes"], now)


@transaction.atomic
def judge_claim(*, reaction_id: int, claim: str, is_true: str, by: User, now: datetime) -> CompetitorReaction:
    """Say what they claim, and whether it is true. A false claim asks legal."""
    reaction = lock_reaction(reaction_id, "reaction_judge", by, now)
    _check_truth(claim, is_true)
    reaction.claim, reaction.is_true = claim.strip(), is_true
    reaction.save(update_fields=["claim", "is_true"])
    text = f"The claim of {reaction.competitor}: {reaction.get_is_true_display().lower()}"
    say(reaction, "competitor.judged", text, by, now)
    _ask_legal(reaction, now)
    return reaction


@transaction.atomic
def decide_response(*, reaction_id: int, response: str, why: str, by: User, now: datetime) -> CompetitorReaction:
    """How it is answered. Raises NotAllowed for whoever may not decide that, naming who may."""
    reaction = lock_reaction(reaction_id, "reaction_decide", by, now)
    if response not in Response.values or response == Response.UNDECIDED:
        raise Refused("Choose how it is answered.")
    if not why.strip():
        raise Refused("Say why.")
    reaction.response, reaction.decided_why = response, why.strip()[:500]
    reaction.decided_by, reaction.decided_at = by, now
    reaction.save(update_fields=["response", "decided_why", "decided_by", "decided_at"])
    words = f"{reaction.get_response_display()}. {reaction.decided_why}"
    say(reaction, "competitor.decided", f"How {reaction.competitor} is answered: {words}", by, now)
    open_one = reaction.tasks.filter(key=DECIDE, state=State.OPEN).first()
    if open_one is not None:
        _end(_task(open_one, reaction), State.DONE, words, by, now)
    return reaction


@transaction.atomic
def add_response_task(
    *, reaction_id: int, title: str, owner: User, due_at: datetime, by: User, now: datetime
) -> ResponseTask:
    """Something to do about it, with an owner and a clock."""
    reaction = lock_reaction(reaction_id, "response_add", by, now)
    if not title.strip():
        raise Refused("Say what is to be done.")
    if due_at <= now:
        raise Refused("It has to be due after now. Check the time.")
    _require_may_own(owner, reaction.incident)
    task = ResponseTask.objects.create(reaction=reaction, title=title.strip(), owner=owner, due_at=due_at)
    _plan(task, now)
    say(reaction, "response.added", f"Response to {reaction.competitor}: {task.title}, {owner}", by, now)
    return task


@transaction.atomic
def end_response_task(*, task_id: int, outcome: str, by: User, now: datetime, is_dropped: bool = False) -> ResponseTask:
    """Done with what came of it, or dropped with the reason."""
    task = _lock_task(task_id, by, now)
    if task.state != State.OPEN:
        raise Conflict(f"This is {task.get_state_display().lower()} already, by {task.done_by}.")
    if task.key == DECIDE and not is_dropped:
        raise Refused("This is done by deciding how the competitor is answered.")
    if not outcome.strip():
        raise Refused("Say why it is not needed any more." if is_dropped else "Say what came of it.")
    return _end(task, State.DROPPED if is_dropped else State.DONE, outcome, by, now)


def _end(task: ResponseTask, to: str, outcome: str, by: User, now: datetime) -> ResponseTask:
    incident = task.reaction.incident
    task.state, task.outcome, task.done_by, task.done_at = to, outcome.strip()[:500], by, now
    task.save(update_fields=["state", "outcome", "done_by", "done_at"])
    if to == State.DONE:
        deadlines.meet(incident=incident, kind="response", subject=subject_of(task), now=now)
        say(task.reaction, "response.done", f"Response to {task.reaction.competitor}: {task.title}, done", by, now)
    else:
        deadlines.waive(
            incident=incident, kind="response", subject=subject_of(task), reason=task.outcome, by=by, now=now
        )
    return task


@transaction.atomic
def hand_over_response(*, task_id: int, owner: User, by: User, now: datetime) -> ResponseTask:
    task = _lock_task(task_id, by, now)
    if task.state != State.OPEN:
        raise Conflict("This is over already.")
    if owner == task.owner:
        raise Refused(f"{owner} has this task already. Choose somebody else.")
    _require_may_own(owner, task.reaction.incident)
    task.owner = owner
    task.save(update_fields=["owner"])
    task.reaction.incident.deadlines.open().filter(kind="response", subject=subject_of(task)).update(owner=owner)
    text = f"Response to {task.reaction.competitor}: {task.title}, handed over to {owner}"
    say(task.reaction, "response.owner", text, by, now)
    return task


def _require_may_own(owner: User, incident: Incident) -> None:
    if not owner.is_active or not access.may(owner, "work", incident):
        raise NotAllowed(f"{owner.name} cannot work on this incident. Choose somebody who can.")


def lock_reaction(reaction_id: int, key: str, by: User, now: datetime) -> CompetitorReaction:
    """For whoever may do `key` with it now."""
    incident = lock_incident(CompetitorReaction.objects.values_list("incident", flat=True).get(pk=reaction_id))
    abilities.require(key, incident, by, now)
    reaction = CompetitorReaction.objects.select_for_update(of=("self",)).get(pk=reaction_id)
    reaction.incident = incident
    return reaction


def _lock_task(task_id: int, by: User, now: datetime) -> ResponseTask:
    reaction_id = ResponseTask.objects.values_list("reaction", flat=True).get(pk=task_id)
    reaction = lock_reaction(reaction_id, "response_end", by, now)
    task = ResponseTask.objects.select_for_update(of=("self",)).select_related("owner", "done_by").get(pk=task_id)
    return _task(task, reaction)


def _task(task: ResponseTask, reaction: CompetitorReaction) -> ResponseTask:
    task.reaction = reaction
    return task


def subject_of(task: ResponseTask) -> str:
    return f"response:{task.pk}"


def say(reaction: CompetitorReaction, verb: str, text: str, by: User, now: datetime) -> None:
    audit.record(
        chain=reaction.incident.chain, verb=verb, subject=f"competitor:{reaction.pk}", text=text, by=by, now=now
    )


def _page(deadline: Deadline) -> str:
    return reverse("incidents:competitors", args=[deadline.incident.number])


deadlines.register(
    deadlines.Kind(
        "response", "Answer a competitor", _page, action="Open the reactions",
        elsewhere="What we do about a competitor is done or dropped beside their reaction.",
    )
)  # fmt: skip


def _still_open(asked: abilities.Asked) -> str:
    return f"{asked.incident.ref} is closed." if asked.incident.phase == Incident.Phase.CLOSED else ""


def _decides(asked: abilities.Asked) -> str:
    """Policy says whose it is; of them, whoever works on the incident."""
    not_you = abilities.works(asked)
    if not_you:
        return not_you
    roles = rules()["decide_roles"]
    names = ", ".join(sorted(str(Role(role).label) for role in roles))
    words = f"You may not decide how a competitor is answered. These roles may: {names}."
    return "" if asked.person.has_role(*roles) else words


# Also of a closed incident competitors speak, and what was begun is ended.
abilities.register(abilities.Ability("reaction_note", "Note what a competitor makes of it"))
abilities.register(abilities.Ability("reaction_judge", "Say whether a competitor’s claim is true", _still_open))
abilities.register(abilities.Ability("reaction_decide", "Decide how a competitor is answered", _still_open, _decides))
abilities.register(abilities.Ability("response_add", "Add a task about a competitor", _still_open))
abilities.register(abilities.Ability("response_end", "End or hand over a task about a competitor"))
