"""How people are told about approvals. Links and codes are made here, at the moment of sending, and kept hashed."""

from datetime import datetime

from django.urls import reverse
from django.utils import timezone

from crisiscomms.models import Notice
from crisiscomms.notices import Mail, looks, renders
from incidents.mails import about, may_see, url_to
from messaging import mail, rendering
from messaging.actions.proof import mint_code, mint_link
from messaging.content import Content
from messaging.models import ApprovalCode, ApprovalRequest, ApprovalSeat, ApprovalStage


@renders("approval_request", urgency="urgent", mail_only=True)
def approval_request(notice: Notice, now: datetime) -> Mail | None:
    seat = _seat(notice)
    if seat is None:
        return None
    request = seat.stage.request
    incident = request.message.incident
    link = url_to(reverse("messaging:approve_link", args=[mint_link(seat=seat, now=now)]))
    due = timezone.localtime(seat.stage.due_at)
    until = f"You are asked until {due:%H:%M %Z}. Reading changes nothing; the link works for you alone."
    if incident.restricted:
        return Mail(f"{incident.ref}: a decision is waiting for you", [until], link, "Open it", **about(incident))
    text, html = _quote(request)
    exercise = "EXERCISE, " if incident.is_exercise else ""
    return Mail(
        f"{exercise}Decide by {due:%H:%M %Z}: {request.message.name.lower()} of {incident.ref}, version {request.version.number}",
        [f"{incident.title}. {reach_sentence(request)}", until],
        link,
        "Read and decide",
        text,
        html,
        **about(incident),
    )


@looks("approval_request")
def approval_request_inside(notice: Notice, now: datetime) -> Mail | None:
    """Without the link of the mail: that one is made for the mailbox, and a new one would end it."""
    seat = _seat(notice)
    if seat is None:
        return None
    request = seat.stage.request
    message, due = request.message, timezone.localtime(seat.stage.due_at)
    path = reverse("messaging:approve", args=[request.pk])
    subject = f"{message.incident.ref}: a decision is waiting for you"
    if not message.incident.restricted:
        subject = f"{message.incident.ref}: decide on {message.name.lower()}, version {request.version.number}"
    until = f"You are asked until {due:%H:%M %Z}."
    return Mail(subject, [until], url_to(path), "Read and decide", **about(message.incident))


def _seat(notice: Notice) -> ApprovalSeat | None:
    """The seat that was asked, or None when its answer is no longer needed."""
    seat = ApprovalSeat.objects.select_related(
        "stage__request__message__incident", "stage__request__version", "person"
    ).get(pk=notice.context["seat"])
    request = seat.stage.request
    decided = request.decisions.filter(person=seat.person).exists()
    if request.state != ApprovalRequest.State.OPEN or seat.stage.state != ApprovalStage.State.OPEN or decided:
        return None
    return seat


def _quote(request: ApprovalRequest) -> tuple[str, str]:
    """The exact text, with fields as they stand for a sample."""
    content = Content.from_data(request.version.content)
    try:
        _, text, html = preview(request, content)
    except (rendering.BadTemplate, rendering.MissingValue) as fault:
        return str(fault), ""
    return text, html


def preview(request: ApprovalRequest, content: Content) -> tuple[str, str, str]:
    """Subject, text and HTML parts without the layout's frame, for people inside."""
    zone = request.message.incident.lead.time_zone
    values = {
        **mail.incident_values(request.message.incident, content, zone),
        **mail.person_values(
            {"first_name": "[first name]", "account": "[their company]", "products": "[their products]"}
        ),
    }
    subject = rendering.compile_line(content.subject, "The subject").text(values)
    blocks = [rendering.compile_block(getattr(content, part)) for part in ("recognize", "respond", "rebuild")]
    text = "\n\n".join([f"Subject: {subject}", *(block.text(values) for block in blocks)])
    return subject, text, "".join(block.html(values) for block in blocks)


def counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def reach_sentence(request: ApprovalRequest) -> str:
    """What the act of approving states: how many people, and whether the public page shows it."""
    reach = request.reach
    parts = []
    if "email" in reach["channels"]:
        parts.append(
            f"{counted(reach['contacts'], 'person', 'people')} in {counted(reach['accounts'], 'account')} by e-mail"
        )
    if "status" in reach["channels"]:
        parts.append("everybody on the public status page")
    if "portal" in reach["channels"]:
        parts.append("our sellers in the portal")
    return "It goes to " + mail.in_list(parts) + "."


@renders("approval_ended", urgency="normal")
def approval_ended(notice: Notice, now: datetime) -> Mail | None:
    request = ApprovalRequest.objects.select_related("message__incident").get(pk=notice.context["request"])
    message = request.message
    words = {
        "approved": "is approved",
        "returned": "was returned for changes",
        "rejected": "was rejected",
        "expired": "was not decided in time",
        "voided": "has to be looked at and approved again",
    }
    what = words.get(request.state)
    if what is None or not may_see(notice.person, message.incident):
        return None
    path = reverse("delivery:send_plan" if request.state == "approved" else "messaging:compose", args=[message.pk])
    reason = [] if message.incident.restricted or not request.ended_reason else [f"Reason: {request.ended_reason}"]
    return Mail(
        f"{message.incident.ref}: {message.name} {what}",
        [f"{message.name} {what}.", *reason],
        url_to(path),
        "Open the message",
        **about(message.incident),
    )


@renders("approval_void", urgency="quiet")
def approval_void(notice: Notice, now: datetime) -> Mail | None:
    request = ApprovalRequest.objects.select_related("message__incident").get(pk=notice.context["request"])
    message = request.message
    why = "The text was changed after you were asked."
    if request.ended_reason.startswith("The fact ") and not message.incident.restricted:
        why = f"{request.ended_reason} The text rests on it."
    return Mail(
        f"{message.incident.ref}: {message.name.lower()} was changed, your decision is not needed now",
        [
            f"{why} What was asked or decided no longer counts.",
            "You will be asked again about the new text.",
        ],
        **about(message.incident),
    )


@renders("approval_code", urgency="urgent", mail_only=True)
def approval_code(notice: Notice, now: datetime) -> Mail | None:
    code = ApprovalCode.objects.filter(pk=notice.context["code"]).first()
    if code is None or code.ended_at is not None or code.expires_at <= now:
        return None
    digits = mint_code(code)
    return Mail(
        "Your code to decide",
        [
            f"{digits[:3]} {digits[3:]}",
            "It works once, for ten minutes, on the page where you asked for it. Nobody of us will ever ask you for it.",
        ],
    )
