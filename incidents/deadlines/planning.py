"""Planning, meeting and waiving deadlines, by the rules that an incident keeps."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from crisiscomms import audit, policy
from crisiscomms.models import Policy, User
from crisiscomms.refusal import Refused
from incidents.deadlines import kinds
from incidents.models import Deadline, Incident

State = Deadline.State
# The ids of all stand in the entry beside its words.
MOST_NAMED = 20
# What a person or the clock had made of a deadline before it got another time.
AFRESH: dict[str, Any] = {
    "warned_at": None,
    "reminded_at": None,
    "step": 0,
    "snoozed_until": None,
    "snoozed_by": None,
    "snoozed_reason": "",
    "taken_by": None,
    "taken_until": None,
    "taken_times": 0,
    "paused_minutes": 0,
}


def clock_policy(incident: Incident) -> dict[str, Any]:
    """The clocks’ rules that this incident keeps; the newest until it was planned."""
    return _kept(incident, "incidents", incident.clock_policy_version) or policy.current("incidents")


def obligation_policy(incident: Incident) -> dict[str, Any]:
    """Version 0 is none: it was planned before there were such rules, and nothing follows from them."""
    if incident.obligation_policy_version == 0:
        return {}
    return _version("clocks", incident.obligation_policy_version) or newest_obligations()


def newest_obligations() -> dict[str, Any]:
    """Empty in an installation that has not loaded it yet: then nothing follows from it."""
    found = Policy.objects.filter(key="clocks").order_by("-version").values_list("data", flat=True).first()
    return found or {}


def _kept(incident: Incident, key: str, version: int | None) -> dict[str, Any] | None:
    """A version never changes, so one look is enough for each incident at hand."""
    looked: dict[Any, Any] = incident.__dict__.setdefault("policies_looked_up", {})
    if (key, version) not in looked:
        looked[key, version] = _version(key, version)
    found: dict[str, Any] | None = looked[key, version]
    return found


def _version(key: str, version: int | None) -> dict[str, Any] | None:
    if not version:
        return None
    return Policy.objects.filter(key=key, version=version).values_list("data", flat=True).first()


def severity_policy(incident: Incident) -> dict[str, int]:
    found: dict[str, int] = clock_policy(incident)["severities"][incident.severity]
    return found


@transaction.atomic
def plan(
    *,
    incident: Incident,
    kind: str,
    title: str,
    owner: User,
    due_at: datetime,
    now: datetime,
    subject: str = "",
    remind_at: datetime | None = None,
    occasion: str | None = None,
) -> Deadline:
    """Set a deadline, or move the open one of the same kind and subject. Whoever was told is told anew.

    `occasion` is for the rules (see `obligations`): what they planned it by. Whoever else moves one leaves that alone.
    """
    audit.hold(incident.chain)
    minutes = kinds.of(kind).warn_minutes
    if minutes is None:
        minutes = severity_policy(incident)["warn_minutes_before"]
    warn_at = min(due_at, max(now, due_at - timedelta(minutes=minutes)))
    remind_at = remind_at if remind_at and now < remind_at < warn_at else None
    fields: dict[str, Any] = {
        "title": title,
        "owner": owner,
        "due_at": due_at,
        "warn_at": warn_at,
        "next_action_at": remind_at or warn_at,
        "remind_at": remind_at,
        "state": State.PENDING,
        **AFRESH,
    }
    if occasion is not None:
        fields |= {"occasion": occasion, "ruled_at": due_at}
    open_one = Deadline.objects.open().select_for_update().filter(incident=incident, kind=kind, subject=subject).first()
    if open_one is None:
        return Deadline.objects.create(incident=incident, kind=kind, subject=subject, created_at=now, **fields)
    for name, value in fields.items():
        setattr(open_one, name, value)
    open_one.save(update_fields=list(fields))
    return open_one


@transaction.atomic
def meet(*, incident: Incident, kind: str, now: datetime, subject: str = "") -> Deadline | None:
    """The thing was done. Returns the deadline it met, if one was open; a late one says so in the record."""
    audit.hold(incident.chain)
    deadline = Deadline.objects.open().select_for_update().filter(incident=incident, kind=kind, subject=subject).first()
    if deadline is None:
        return None
    _end(deadline, State.MET, met_at=now)
    late = now - deadline.due_at
    words = (
        f"{deadline.title}: done {int(late.total_seconds() // 60)} min late"
        if late > timedelta(0)
        else f"{deadline.title}: done in time"
    )
    audit.record(
        chain=incident.chain, verb="deadline.met", subject=f"deadline:{deadline.pk}", text=words, by=None, now=now
    )
    return deadline


@transaction.atomic
def waive(*, incident: Incident, kind: str, reason: str, by: User | None, now: datetime, subject: str = "") -> None:
    """It no longer has to happen, and somebody says why."""
    if not reason.strip():
        raise Refused("Say why this deadline is waived.")
    audit.hold(incident.chain)
    for deadline in Deadline.objects.open().select_for_update().filter(incident=incident, kind=kind, subject=subject):
        _end(deadline, State.WAIVED, waived_reason=reason[:300])
        text = f"{deadline.title}: waived. {reason}"
        audit.record(
            chain=incident.chain, verb="deadline.waived", subject=f"deadline:{deadline.pk}", text=text, by=by, now=now
        )


@transaction.atomic
def waive_all(*, incident: Incident, reason: str, by: User | None, now: datetime, only: str = "") -> None:
    """Quiet on stand-down and close: every open deadline of the incident but those that follow from its end.

    `only` is one kind of them. It is one entry for all: what ended them must not vanish under twenty of their own.
    """
    audit.hold(incident.chain)
    stay = [key for key in kinds.registered() if kinds.of(key).outlives_close]
    rows = Deadline.objects.open().select_for_update().filter(incident=incident).exclude(kind__in=stay)
    ending = list((rows.filter(kind=only) if only else rows).order_by("due_at", "pk"))
    for deadline in ending:
        _end(deadline, State.WAIVED, waived_reason=reason[:300])
    if ending:
        count = f"{len(ending)} clock{'' if len(ending) == 1 else 's'} ended"
        titles = [deadline.title for deadline in ending[:MOST_NAMED]]
        more = [f"{len(ending) - MOST_NAMED} more"] if len(ending) > MOST_NAMED else []
        audit.record(
            chain=incident.chain, verb="deadline.ended", subject=f"incident:{incident.pk}",
            text=f"{count}: {'; '.join([*titles, *more])}. {reason}", by=by, now=now,
            data={"deadlines": [deadline.pk for deadline in ending]},
        )  # fmt: skip


def _end(deadline: Deadline, to: str, **changes: object) -> None:
    if to not in Deadline.MOVES[deadline.state]:
        raise Refused(f"A deadline that is {deadline.get_state_display().lower()} cannot become {to}.")
    for name, value in {"state": to, "next_action_at": None, **changes}.items():
        setattr(deadline, name, value)
    deadline.save(update_fields=["state", "next_action_at", *changes])
