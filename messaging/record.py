"""What messages bring to an incident's record: every version whole, and every yes and no with its proof."""

from typing import Any

from crisiscomms.models import User
from incidents.models import Incident
from incidents.record import documents
from incidents.record import parts as record_parts
from incidents.record.documents import Document
from incidents.record.parts import Part, moment, person
from messaging.models import ApprovalDecision, ApprovalRequest, Message, MessageVersion


def _messages(incident: Incident) -> list[dict[str, Any]]:
    found = incident.messages.select_related("created_by").order_by("number")
    return [
        {
            "message": one.name,
            "number": one.number,
            "kind": str(one.get_kind_display()),
            "state": str(one.get_state_display()),
            "begun_by": person(one.created_by),
            "begun_at": moment(one.created_at),
        }
        for one in found
    ]


def _versions(incident: Incident) -> list[dict[str, Any]]:
    """The frozen words, as they were shown to approvers and sent."""
    found = MessageVersion.objects.filter(message__incident=incident).select_related(
        "message", "frozen_by", "template_version__template"
    )
    versions = list(found.order_by("message__number", "number"))
    names = {one.pk: one for one in User.objects.filter(pk__in={pk for one in versions for pk in one.authors})}
    return [
        {
            "message": one.message.name,
            "version": one.number,
            "frozen_by": person(one.frozen_by),
            "frozen_at": moment(one.frozen_at),
            "written_by": [person(names.get(pk)) for pk in one.authors],
            "from_template": str(one.template_version.template.name) if one.template_version else "",
            "fingerprint": one.fingerprint,
            "content": one.content,
        }
        for one in versions
    ]


def _approvals(incident: Incident) -> list[dict[str, Any]]:
    found = ApprovalRequest.objects.filter(message__incident=incident).select_related(
        "message", "version", "requested_by"
    )
    found = found.prefetch_related("stages__seats__person", "decisions__person", "decisions__stage")
    return [
        {
            "message": one.message.name,
            "version": one.version.number,
            "asked_by": person(one.requested_by),
            "asked_at": moment(one.requested_at),
            "state": str(one.get_state_display()),
            "ended_at": moment(one.ended_at),
            "ended_because": one.ended_reason,
            "would_reach": one.reach,
            "stages": [
                {
                    "stage": stage.label,
                    "needs": str(stage.get_quorum_display()),
                    "state": str(stage.get_state_display()),
                    "due_at": moment(stage.due_at),
                    "asked": ", ".join(
                        str(seat.person) for seat in sorted(stage.seats.all(), key=lambda seat: seat.pk)
                    ),
                }
                for stage in one.stages.all()
            ],
            "decisions": [_decision(decision) for decision in sorted(one.decisions.all(), key=lambda each: each.pk)],
        }
        for one in found.order_by("requested_at", "pk")
    ]


def _decision(decision: ApprovalDecision) -> dict[str, Any]:
    return {
        "person": person(decision.person),
        "stage": decision.stage.label,
        "verdict": str(decision.get_verdict_display()),
        "reason": decision.reason,
        "proved": str(decision.get_proof_display()),
        "at": moment(decision.at),
        "fingerprint": decision.fingerprint,
    }


record_parts.register(Part("messages", "Messages", _messages, 200))
record_parts.register(
    Part("versions", "Every version, whole", _versions, 210, "Frozen when it was kept: nothing in it can change.")
)
record_parts.register(Part("approvals", "Who was asked, and what they said", _approvals, 220))


def _is_approved(incident: Incident) -> bool:
    """Something was sent, and for each message that was, the yes of a person is here."""
    sent = incident.messages.filter(state=Message.State.SENT)
    with_yes = sent.filter(approval__decisions__verdict=ApprovalDecision.Verdict.APPROVED).distinct()
    return 0 < sent.count() == with_yes.count()


documents.register(
    Document("approvals_kept", "The approval of each message that was sent", _is_approved, who="Approvers")
)
