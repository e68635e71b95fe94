"""What the composer and the approval page show, read from several tables."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crisiscomms.organisation import get_organisation
from crisiscomms.refusal import Refused
from messaging import differences, mail, rendering
from messaging.actions.approvals import path_for, people_asked
from messaging.content import Content
from messaging.models import ApprovalRequest, Message, MessageVersion
from stakeholders import recipients


@dataclass(frozen=True)
class Preview:
    """A mail as one real recipient would get it, or why it cannot be made yet."""

    subject: str = ""
    text: str = ""
    greeting: str = ""
    parts: list[tuple[str, str]] = field(default_factory=list)
    promise: str = ""
    why: str = ""
    to: str = ""
    account: str = ""
    from_line: str = ""
    fault: str = ""
    is_sample: bool = False


SAMPLE = {
    "first_name": "Robin",
    "account": "Example Ltd",
    "products": "",
    "email": "robin@example.example",
    "time_zone": "",
}


def preview(message: Message, content: Content, *, position: int = 0) -> Preview:
    """As the recipient at this position will see it; for an invented reader where there is none, or below 0."""
    organisation = get_organisation()
    rule = content.rule_for(message.incident)
    found = recipients.sample(rule, position=max(position, 0))
    person: dict[str, Any] = found if found and position >= 0 else {**SAMPLE, "products": _reason(rule, found)}
    zone = person.get("time_zone") or organisation.time_zone
    values = {
        **mail.incident_values(message.incident, content, zone),
        **mail.person_values({**person, "unsubscribe_url": "#"}),
    }
    sender = organisation.from_name or organisation.name
    try:
        subject, text, _ = mail.compile_mail(content, organisation).render(values)
        parts = mail.parts_html(content, values)
        greeting, promise, why = (mail.line(source, values) for source in (mail.GREETING, mail.PROMISE, mail.WHY))
    except (rendering.BadTemplate, rendering.MissingValue) as fault:
        return Preview(fault=str(fault))
    return Preview(
        subject=subject,
        text=text,
        greeting=greeting,
        parts=parts,
        promise=promise if content.next_update_at else "",
        why=why,
        to=person["email"],
        account=person["account"],
        from_line=f"{sender} <{organisation.from_address}>",
        is_sample=person is found,
    )


def _reason(rule: recipients.Rule, first: dict[str, Any] | None) -> str:
    """The products an invented reader uses: those of the first real one, so that the same words go out."""
    if first is None:
        return ", ".join(rule.affected) if rule.affected_only else ""
    return str(first["products"] or "")


def public_preview(message: Message, content: Content) -> dict[str, Any]:
    """The status page text and the talking points with the incident's values, or the fault."""
    organisation = get_organisation()
    values = mail.incident_values(message.incident, content, organisation.time_zone)
    try:
        say, dont = mail.seller_lines(content, values)
        return {
            "title": mail.public_title(content, values),
            "html": mail.public_body_html(content, values),
            "say": say,
            "dont_say": dont,
        }
    except (rendering.BadTemplate, rendering.MissingValue) as fault:
        return {"fault": str(fault)}


def stages_for(message: Message, authors: set[int]) -> list[dict[str, Any]]:
    """The stages that this message would take, and who would be asked; for the button's promise."""
    try:
        path = path_for(message.incident, message.kind)
    except Refused:
        return []
    return [
        {**stage, "people": [person for person, _ in people]} for stage, people in people_asked(path, authors=authors)
    ]


def version_steps(message: Message, limit: int = 10) -> list[tuple[MessageVersion, list[differences.Change]]]:
    """The newest versions with what each changed."""
    versions = list(message.versions.select_related("frozen_by").order_by("-number")[: limit + 1])
    steps = []
    for version, before in zip(versions, [*versions[1:], None], strict=False):
        old = Content.from_data(before.content) if before else None
        changes = differences.between(old, Content.from_data(version.content)) if old else []
        steps.append((version, changes))
    return steps[:limit]


def changes_since_seen(request: ApprovalRequest, person_id: int) -> tuple[datetime, list[differences.Change]] | None:
    """What changed since this person was last asked about the message; None when they see it first."""
    earlier = (
        ApprovalRequest.objects.filter(message=request.message, stages__seats__person=person_id, pk__lt=request.pk)
        .select_related("version")
        .order_by("-pk")
        .first()
    )
    if earlier is None:
        return None
    old, new = Content.from_data(earlier.version.content), Content.from_data(request.version.content)
    return earlier.requested_at, differences.between(old, new)


def approval_state(message: Message) -> dict[str, Any]:
    """Who was asked and what they said, for the drafter's live view."""
    request = message.requests.order_by("-pk").select_related("version", "requested_by").first()
    if request is None:
        return {"asked": None, "stages_asked": []}
    decisions = {one.person_id: one for one in request.decisions.select_related("person")}
    stages = [
        (stage, [(seat, decisions.get(seat.person_id)) for seat in stage.seats.select_related("person").order_by("pk")])
        for stage in request.stages.all()
    ]
    return {"asked": request, "stages_asked": stages}
