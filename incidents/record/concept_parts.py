"""What the concepts of this house bring besides the incident itself: facts, roles, signals, halts, mentions, tasks."""

from typing import Any

from django.urls import reverse

from incidents.models import CompetitorReaction, Fact, FactVersion, HaltItem, Incident, Mention, PlaybookTask
from incidents.outside import corrections
from incidents.record import documents
from incidents.record import parts as record_parts
from incidents.record.documents import Document
from incidents.record.parts import Part, moment, person


def _facts(incident: Incident) -> list[dict[str, Any]]:
    """Every version: what was held true when, by whose word."""
    found = FactVersion.objects.filter(fact__incident=incident).select_related("fact", "by")
    return [
        {
            "fact": one.fact.label,
            "version": one.number,
            "value": one.value,
            "confidence": str(one.get_confidence_display()),
            "source": one.source,
            "embargo_until": moment(one.embargo_until),
            "withdrawn": one.is_withdrawn,
            "by": person(one.by),
            "at": moment(one.at),
            "reason": one.reason,
        }
        for one in found.order_by("fact__position", "fact", "number")
    ]


def _roles(incident: Incident) -> list[dict[str, Any]]:
    return [
        {
            "role": one.role,
            "person": person(one.person),
            "began_at": moment(one.began_at),
            "ended_at": moment(one.ended_at),
            "note": one.note,
            "given_by": person(one.by),
        }
        for one in incident.roles.select_related("person", "by").order_by("began_at", "pk")
    ]


def _halts(incident: Incident) -> list[dict[str, Any]]:
    return [
        {
            "what": one.name,
            "kind": str(one.get_kind_display()),
            "owner": person(one.owner),
            "state": str(one.get_state_display()),
            "by": person(one.by),
            "at": moment(one.at),
            "reason": one.reason,
        }
        for one in incident.halt_items.select_related("owner", "by").order_by("pk")
    ]


def _mentions(incident: Incident) -> list[dict[str, Any]]:
    """Without their authors: they are people outside, and what they said is enough."""
    return [
        {
            "where": one.where,
            "channel": str(one.get_channel_display()),
            "sentiment": str(one.get_sentiment_display()),
            "reach": one.reach,
            "seen_at": moment(one.seen_at),
            "seen_by": person(one.seen_by),
            "answered": one.answered_how,
            "answered_at": moment(one.answered_at),
            "struck_out_at": moment(one.struck_at),
            "struck_out_by": person(one.struck_by),
            "struck_out_because": one.struck_why,
            "corrections": _corrections(one),
        }
        for one in incident.mentions.select_related("seen_by", "struck_by")
        .prefetch_related("corrections__by")
        .order_by("seen_at", "pk")
    ]


def _corrections(row: Mention | CompetitorReaction) -> list[dict[str, Any]]:
    """What it said before, newest first; of a mention without what its author could be known by."""
    hidden = corrections.OF_PEOPLE if isinstance(row, Mention) else ()
    return [
        {
            "at": moment(one.at),
            "by": person(one.by),
            "changed": [
                {"what": label} if name in hidden else {"what": label, "before": before, "after": after}
                for name, label, before, after in corrections.said(row, one.changes)
            ],
        }
        for one in row.corrections.all()
    ]


def _reactions(incident: Incident) -> list[dict[str, Any]]:
    found = CompetitorReaction.objects.filter(incident=incident).select_related("decided_by")
    return [
        {
            "competitor": one.competitor,
            "what": one.what,
            "seen_at": moment(one.seen_at),
            "is_it_true": str(one.get_is_true_display()),
            "response": str(one.get_response_display()),
            "decided_by": person(one.decided_by),
            "decided_at": moment(one.decided_at),
            "why": one.decided_why,
            "corrections": _corrections(one),
            "tasks": [
                {
                    "task": task.title,
                    "owner": person(task.owner),
                    "state": str(task.get_state_display()),
                    "outcome": task.outcome,
                }
                for task in one.tasks.select_related("owner").order_by("pk")
            ],
        }
        for one in found.prefetch_related("corrections__by").order_by("seen_at", "pk")
    ]


def _plan(incident: Incident) -> list[dict[str, Any]]:
    found = PlaybookTask.objects.filter(incident=incident).select_related("owner", "done_by")
    return [
        {
            "task": one.title,
            "owner": person(one.owner),
            "due_at": moment(one.due_at),
            "state": str(one.get_state_display()),
            "note": one.note,
            "done_by": person(one.done_by),
            "done_at": moment(one.done_at),
        }
        for one in found.order_by("due_at", "pk")
    ]


for _part in (
    Part("facts", "What was known, version by version", _facts, 26),
    Part("roles", "Who held which role", _roles, 42),
    Part("halts", "What goes out by itself, and what became of it", _halts, 55),
    Part("plan", "Tasks of the playbook", _plan, 62),
    Part("mentions", "What was said outside", _mentions, 420),
    Part("competitors", "What competitors did", _reactions, 430),
):
    record_parts.register(_part)


def _facts_confirmed(incident: Incident) -> bool:
    """Something is known, and nothing that is known is only believed."""
    known = set(incident.facts.known().values_list("confidence", flat=True))
    return known == {Fact.Confidence.CONFIRMED}


def _halts_checked(incident: Incident) -> bool:
    states = set(incident.halt_items.values_list("state", flat=True))
    return bool(states) and HaltItem.State.OPEN not in states


documents.register(
    Document(
        "facts_confirmed",
        "The facts, and who confirmed each",
        _facts_confirmed,
        lambda incident: reverse("incidents:facts", args=[incident.number]),
        or_paper=True,
    )
)
documents.register(
    Document(
        "halt_list",
        "What was halted outward",
        _halts_checked,
        lambda incident: reverse("incidents:halt_list", args=[incident.number]),
        or_paper=True,
    )
)
