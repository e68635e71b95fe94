"""The composer: write, see it as a reader will, send it for approval."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crisiscomms import presence
from crisiscomms.live import live
from crisiscomms.refusal import Conflict, Refused
from incidents import access as incident_access
from messaging import access, actions, checking, facts, queries
from messaging.actions.drafts import BadContent
from messaging.content import Content, facts_of
from messaging.forms import ContentForm, NewMessageForm
from messaging.models import Message
from messaging.rendering import FIELDS
from stakeholders import recipients

State = Message.State


@require_POST
def new(request: HttpRequest, number: int) -> HttpResponse:
    incident = incident_access.get_incident(request.user, number)
    form = NewMessageForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose what kind of message it is.")
        return redirect("desk:room", number)
    try:
        message = actions.start_message(
            incident_id=incident.pk, kind=form.cleaned_data["kind"], by=request.user, now=request.now
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("desk:room", number)
    return redirect("messaging:compose", message.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def compose(request: HttpRequest, message_id: int) -> HttpResponse:
    """Read and write a message. POST is the press of Save without a script; the page saves as one types."""
    message = access.get_message(request.user, message_id)
    form = ContentForm(request.POST) if request.method == "POST" else ContentForm.of(message)
    if request.method == "POST":
        saved = _save(request, message, form)
        if isinstance(saved, Message):
            return redirect("messaging:compose", message.pk)
        return _show(request, message, form, faults=saved, status=409 if "conflict" in saved else 422)
    return _show(request, message, form)


def _save(request: HttpRequest, message: Message, form: ContentForm) -> Message | dict[str, str]:
    """The saved message, or what is wrong: field → sentence (`conflict` when somebody else saved first)."""
    if not form.is_valid():
        return {name: " ".join(str(error) for error in errors) for name, errors in form.errors.items()}
    try:
        return actions.save_draft(
            message_id=message.pk,
            content=form.content(),
            revision=form.cleaned_data["revision"],
            by=request.user,
            now=request.now,
        )
    except Conflict as conflict:
        return {"conflict": str(conflict)}
    except Refused as refusal:
        return {"refused": str(refusal)}


@require_POST
def autosave(request: HttpRequest, message_id: int) -> HttpResponse:
    """What the page sends while one types: answers with the new revision, the checks and the preview."""
    message = access.get_message(request.user, message_id)
    form = ContentForm(request.POST)
    saved = _save(request, message, form)
    if isinstance(saved, Message):
        message = access.get_message(request.user, message_id)
        return render(request, "messaging/message_compose.html#panel", _panel(request, message, {}))
    status = 409 if "conflict" in saved else 422
    context = {**_panel(request, message, saved), "revision": form.data.get("revision", "")}
    return render(request, "messaging/message_compose.html#panel", context, status=status)


@require_GET
def panel(request: HttpRequest, message_id: int) -> HttpResponse:
    """The right side for another sample recipient."""
    message = access.get_message(request.user, message_id)
    return render(request, "messaging/message_compose.html#panel", _panel(request, message, {}))


def sample_position(request: HttpRequest) -> int:
    value = request.POST.get("sample") or request.GET.get("sample") or "0"
    return min(int(value), 100_000) if value.isascii() and value.isdigit() and len(value) < 7 else 0


def _panel(request: HttpRequest, message: Message, faults: dict[str, str]) -> dict[str, Any]:
    content = Content.from_data(message.working)
    # Every part of the panel shows the incident as it is now: asked once.
    content.facts = content.facts or facts_of(message.incident)
    position = sample_position(request)
    is_draft = message.state == State.DRAFT
    # Once it is with the approvers or out, nobody can mend it here: what time has changed since is no fault of it.
    found = checking.faults_for_approval(content, message.incident, request.now, message.kind) if is_draft else {}
    remarks = facts.remarks(content, message.incident, request.now) if is_draft else []
    reach = recipients.reach_shown(content.rule_for(message.incident))
    authors = {*message.editors, request.user.pk}
    stages = queries.stages_for(message, authors)
    return {
        "message": message,
        "incident": message.incident,
        "content": content,
        "faults": faults,
        "findings": found,
        "remarks": [one for one in remarks if one[1] not in found.values()],
        "outdated": facts.out_of_date([message], message.incident).get(message.pk, []),
        "preview": queries.preview(message, content, position=position),
        "public": queries.public_preview(message, content),
        "position": position,
        "following": (position + 1) % max(reach.contacts, 1),
        "reach": reach,
        "rule": content.rule_for(message.incident).sentence(),
        "stages": stages,
        "people_asked": sum(len(stage["people"]) for stage in stages),
        "revision": message.revision,
        "is_draft": is_draft,
        "may_work": access.may_work(request.user, message),
    }


def _show(
    request: HttpRequest,
    message: Message,
    form: ContentForm,
    *,
    faults: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    form.show(faults or {})
    deadline = message.incident.deadlines.open().filter(kind__in=["acknowledge", "update"]).order_by("due_at").first()
    context = {
        **_panel(request, message, faults or {}),
        **queries.approval_state(message),
        "form": form,
        "fields": FIELDS,
        "fact_chips": [(fact, fact.is_embargoed(request.now)) for fact in facts.chips(message.incident)],
        "deadline": deadline,
        "steps": queries.version_steps(message),
        "theirs": Content.from_data(message.working) if faults and "conflict" in faults else None,
        "here": presence.look(f"message:{message.pk}", by=request.user, now=request.now),
        "mark": "",
    }
    return render(request, "messaging/message_compose.html", context, status=status)


@require_POST
def request_approval(request: HttpRequest, message_id: int) -> HttpResponse:
    """Save what stands on the page, freeze it, ask. Whatever is wrong is shown in place."""
    message = access.get_message(request.user, message_id)
    form = ContentForm(request.POST)
    if "revision" in request.POST:
        saved = _save(request, message, form)
        if not isinstance(saved, Message):
            return _show(request, message, form, faults=saved, status=409 if "conflict" in saved else 422)
    message = access.get_message(request.user, message_id)
    try:
        actions.request_approval(message_id=message.pk, by=request.user, now=request.now)
    except BadContent as bad:
        return _show(request, message, ContentForm.of(message), faults=bad.faults, status=422)
    except Refused as refusal:
        return _show(request, message, ContentForm.of(message), faults={"refused": str(refusal)}, status=409)
    return redirect("messaging:compose", message.pk)


@require_POST
def reopen(request: HttpRequest, message_id: int) -> HttpResponse:
    message = access.get_message(request.user, message_id)
    try:
        actions.reopen_message(message_id=message.pk, by=request.user, now=request.now)
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("messaging:compose", message.pk)


@require_GET
def status(request: HttpRequest, message_id: int) -> HttpResponse:
    """The live region: who was asked and what they said."""
    message = access.get_message(request.user, message_id)
    context = {**queries.approval_state(message), "message": message, "incident": message.incident}
    answer = live(request, "messaging/message_compose.html#status", context)
    if message.state not in (State.IN_REVIEW, State.APPROVED):
        # Decided otherwise, or sent: the whole page is another one now. Nothing can have been typed on the locked one.
        answer = HttpResponse(headers={"HX-Refresh": "true"})
    return answer
