"""The approval page: from the mailed link on a phone, or signed in. Opening it changes nothing."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_http_methods

from crisiscomms import policy
from crisiscomms.models import User
from crisiscomms.refusal import Conflict, Refused
from crisiscomms.throttle import throttled
from incidents.models import Incident
from messaging import access, actions, cadence, facts, queries
from messaging.actions.approvals import over_words
from messaging.content import Content
from messaging.forms import WRONG_CODE, DecisionForm
from messaging.models import ApprovalDecision, ApprovalRequest, ApprovalSeat
from messaging.views.composing import sample_position

Proof = ApprovalDecision.Proof
COOKIE = "cc-device" if settings.LOCAL else "__Host-cc-device"
READING = "cc-reading"
READING_SECONDS = 30 * 60
COOKIE_SECONDS = 180 * 24 * 3600


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def approve_link(request: HttpRequest, token: str) -> HttpResponse:
    """The mailed link. It says whose decision it is; it does not prove that this is that person."""
    if throttled(request, "approve", limit=60, seconds=60):
        return render(request, "429.html", status=429)
    link = actions.open_link(token=token, now=request.now)
    if link is None:
        return _private(
            render(
                request,
                "messaging/approval_over.html",
                {
                    "words": "This link is not one of ours, or it was cut short on its way. Open the newest mail again, or sign in."
                },
                status=404,
            )
        )
    seat = link.seat
    if link.is_over(request.now) or not seat.person.is_active:
        return _private(_over(request, seat, is_expired=link.revoked_at is None))
    return _private(_page(request, seat, link_fingerprint=link.fingerprint))


@require_http_methods(["GET", "HEAD", "POST"])
def approve(request: HttpRequest, request_id: int) -> HttpResponse:
    """The same page for somebody who is signed in."""
    asked, seat = access.get_request(request.user, request_id)
    if asked.state != ApprovalRequest.State.OPEN:
        return _private(_over(request, seat))
    return _private(_page(request, seat, link_fingerprint=asked.version.fingerprint))


def _private(response: HttpResponse) -> HttpResponse:
    add_never_cache_headers(response)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _over(request: HttpRequest, seat: ApprovalSeat, *, is_expired: bool = False) -> HttpResponse:
    asked = seat.stage.request
    mine = asked.decisions.filter(person=seat.person).first()
    words = "You have decided on this. Thank you." if mine else over_words(asked)
    if is_expired and not mine and asked.state == ApprovalRequest.State.OPEN:
        words = "This link has expired. Sign in to decide, or ask the writer to ask you again."
    context = {
        "words": words,
        "decision": mine,
        "seat": seat,
        "asked": asked if not asked.message.incident.restricted else None,
    }
    return render(request, "messaging/approval_over.html", context, status=409 if request.method == "POST" else 200)


def proof_of(request: HttpRequest, person: User) -> str:
    """How we know that it is this person, without asking: signed in, or on their enrolled device; else empty."""
    if request.user.is_authenticated and request.user.pk == person.pk:
        return str(Proof.SESSION)
    if actions.known_device(person=person, secret=request.COOKIES.get(COOKIE, ""), now=request.now):
        return str(Proof.DEVICE)
    return ""


def _page(request: HttpRequest, seat: ApprovalSeat, *, link_fingerprint: str) -> HttpResponse:
    asked = seat.stage.request
    if asked.decisions.filter(person=seat.person).exists():
        return _over(request, seat)
    proof = proof_of(request, seat.person)
    if request.method != "POST":
        return _show(request, seat, proof)
    form = DecisionForm(request.POST)
    if "send_code" in request.POST:
        # Without a choice it may be the page that shows nothing yet, and a choice can still be made with the code.
        return _send_code(request, seat, proof) if "reason" not in form.errors else _wrong(request, seat, proof, form)
    if "unlock" in request.POST:
        return _unlock(request, seat, proof)
    if not form.is_valid():
        return _wrong(request, seat, proof, form)
    if link_fingerprint != asked.version.fingerprint:
        return _over(request, seat)
    return _decide(request, seat, form, proof)


def _wrong(request: HttpRequest, seat: ApprovalSeat, proof: str, form: DecisionForm) -> HttpResponse:
    """What is wrong with what was typed, in place; somebody who was asked for a code already still is."""
    needs_code = "send_code" in request.POST or "code_sent" in request.POST
    return _show(request, seat, proof, form=form, needs_code=needs_code, status=422)


def _said(sentence: str, field: str = "") -> DecisionForm:
    """A form that says what the rules refused."""
    form = DecisionForm()
    form.show({field: sentence})
    return form


def _send_code(request: HttpRequest, seat: ApprovalSeat, proof: str) -> HttpResponse:
    try:
        actions.request_code(request=seat.stage.request, person=seat.person, now=request.now, with_proof=bool(proof))
    except Refused as refusal:
        return _show(request, seat, proof, form=_said(str(refusal)), needs_code=True, status=429)
    return _show(request, seat, proof, needs_code=True, code_sent=True)


def _unlock(request: HttpRequest, seat: ApprovalSeat, proof: str) -> HttpResponse:
    """A restricted incident shows nothing before a proof: the code opens it for reading, for half an hour."""
    code = request.POST.get("code", "")[:20]
    asked = seat.stage.request
    if not actions.check_code(request=asked, person=seat.person, code=code, now=request.now, with_proof=bool(proof)):
        return _show(request, seat, proof, form=_said(WRONG_CODE, "code"), needs_code=True, status=422)
    response = redirect(request.path)
    value = signing.dumps({"person": seat.person_id, "request": asked.pk}, salt=READING)
    response.set_cookie(
        READING, value, max_age=READING_SECONDS, secure=not settings.LOCAL, httponly=True, samesite="Lax"
    )
    return response


def _may_read_here(request: HttpRequest, seat: ApprovalSeat) -> bool:
    try:
        opened = signing.loads(request.COOKIES.get(READING, ""), salt=READING, max_age=READING_SECONDS)
    except signing.BadSignature:
        return False
    return bool(opened == {"person": seat.person_id, "request": seat.stage.request_id})


def _decide(request: HttpRequest, seat: ApprovalSeat, form: DecisionForm, proof: str) -> HttpResponse:
    asked, data = seat.stage.request, form.cleaned_data
    needs_code = asked.fresh_code or not proof
    if needs_code and not data["code"].strip():
        return _show(request, seat, proof, needs_code=True, status=200)
    if needs_code and not actions.check_code(
        request=asked, person=seat.person, code=data["code"], now=request.now, with_proof=bool(proof)
    ):
        return _show(request, seat, proof, form=_said(WRONG_CODE, "code"), needs_code=True, status=422)
    try:
        decision = actions.decide(
            request_id=asked.pk,
            person=seat.person,
            verdict=data["verdict"],
            reason=data["reason"],
            fingerprint=data["fingerprint"],
            proof=str(Proof.CODE) if needs_code else proof,
            now=request.now,
        )
    except Conflict as conflict:
        return _show(request, seat, proof, form=_said(str(conflict)), status=409)
    except Refused as refusal:
        return _show(request, seat, proof, form=_said(str(refusal)), status=403)
    response = render(
        request,
        "messaging/approval_over.html",
        {"words": "", "decision": decision, "seat": seat, "asked": asked, "is_new": True},
    )
    if needs_code and data["remember"]:
        _remember(request, response, seat.person)
    return response


def _remember(request: HttpRequest, response: HttpResponse, person: User) -> None:
    label = request.headers.get("User-Agent", "")[:200]
    secret = actions.enroll_device(person=person, label=label, now=request.now)
    response.set_cookie(
        COOKIE, secret, max_age=COOKIE_SECONDS, secure=not settings.LOCAL, httponly=True, samesite="Lax", path="/"
    )


def _show(
    request: HttpRequest,
    seat: ApprovalSeat,
    proof: str,
    *,
    form: DecisionForm | None = None,
    needs_code: bool = False,
    code_sent: bool = False,
    status: int = 200,
) -> HttpResponse:
    """Exactly what goes out, to whom, when, what changed, who else, time left; then the decision."""
    asked = ApprovalRequest.objects.select_related("message__incident__lead", "version", "requested_by").get(
        pk=seat.stage.request_id
    )
    incident = asked.message.incident
    may_read = bool(proof) or _readable_by_link(incident) or _may_read_here(request, seat)
    context: dict[str, Any] = {
        "asked": asked,
        "seat": seat,
        "stage": seat.stage,
        "incident": incident,
        "proof": proof,
        "may_read": may_read,
        "form": form or DecisionForm(),
        "needs_code": needs_code or ((not proof) and "code" in request.POST),
        "code_sent": code_sent or bool(request.POST.get("code_sent")),
        "typed": {name: request.POST.get(name, "") for name in ("verdict", "reason", "remember")},
        "wants_code": asked.fresh_code or not proof,
    }
    if may_read:
        context |= _content(request, asked, seat, proof)
    return render(request, "messaging/approval_page.html", context, status=status)


def _content(request: HttpRequest, asked: ApprovalRequest, seat: ApprovalSeat, proof: str) -> dict[str, Any]:
    """A link alone shows what its mail carried: the text for an invented reader, and no customer's name."""
    content = Content.from_data(asked.version.content)
    position = sample_position(request) if proof else -1
    people = queries.approval_state(asked.message)["stages_asked"]
    return {
        "content": content,
        "rests_on": list(facts.said_in(content).values()),
        "preview": queries.preview(asked.message, content, position=position),
        "public": queries.public_preview(asked.message, content),
        "position": position,
        "following": (position + 1) % max(asked.reach["contacts"], 1),
        "changes": queries.changes_since_seen(asked, seat.person_id),
        "people": people,
        "is_alone": all(other.person_id == seat.person_id for _, seats in people for other, _ in seats),
        "asks_more": bool(cadence.others_when_late(seat.stage)),
        "hold_seconds": policy.current("messaging")["settings"]["hold_seconds"],
    }


def _readable_by_link(incident: Incident) -> bool:
    """The mail carried the text anyway, so policy may let the link show it; never of a restricted incident."""
    shows: bool = policy.current("messaging")["settings"]["show_content_without_proof"]
    return shows and not incident.restricted
