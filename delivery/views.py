"""The send plan: what goes out, held, running, stopped, settled; and the public's unsubscribe page."""

import csv
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crisiscomms.exports import defuse, record_export
from crisiscomms.live import live
from crisiscomms.refusal import Refused
from crisiscomms.throttle import throttled
from delivery import access, actions, forms, queries
from delivery.channels.email import contact_of
from delivery.models import Dispatch
from messaging.models import Message
from stakeholders.actions import unsubscribe_contact
from stakeholders.models import Contact


@require_GET
def send_plan(request: HttpRequest, message_id: int) -> HttpResponse:
    message = access.get_message(request.user, message_id)
    return render(request, "delivery/send_plan.html", {**_plan(request, message), "mark": ""})


@require_GET
def progress(request: HttpRequest, message_id: int) -> HttpResponse:
    """The live region of the send plan; it stops asking when nothing moves any more."""
    message = access.get_message(request.user, message_id)
    return live(request, "delivery/send_plan.html#progress", _plan(request, message))


def _plan(request: HttpRequest, message: Message) -> dict[str, Any]:
    channels = queries.channels_of(message)
    channels = [] if message.state == Message.State.APPROVED else channels
    mail = next((channel for channel in channels if channel.dispatch.channel == Dispatch.Channel.EMAIL), None)
    troubles = queries.failures(mail.dispatch) if mail else []
    held = [channel for channel in channels if channel.dispatch.state == Dispatch.State.HELD]
    return {
        "message": message,
        "incident": message.incident,
        "channels": channels,
        "mail": mail,
        "held": held,
        "can_take_back": bool(channels) and not any(channel.dispatch.released_at for channel in channels),
        "troubles": troubles,
        "accounts_by_id": queries.account_names(troubles),
        "left_out": queries.left_out(mail.dispatch) if mail and mail.tally.skipped else [],
        "moves": queries.is_under_way(channels),
        "plan": queries.plan_for(message, request.user, request.now) if message.state == Message.State.APPROVED else {},
    }


@require_POST
def order(request: HttpRequest, message_id: int) -> HttpResponse:
    message = access.get_message(request.user, message_id)
    return _do(
        request, message, lambda: actions.order_dispatch(message_id=message.pk, by=request.user, now=request.now)
    )


@require_POST
def take_back(request: HttpRequest, message_id: int) -> HttpResponse:
    message = access.get_message(request.user, message_id)
    return _do(request, message, lambda: actions.take_back(message_id=message.pk, by=request.user, now=request.now))


@require_POST
def stop(request: HttpRequest, dispatch_id: int) -> HttpResponse:
    dispatch = access.get_dispatch(request.user, dispatch_id)
    form = forms.StopForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(form.errors["reason"]))
        return redirect("delivery:send_plan", dispatch.message_id)
    reason = form.cleaned_data["reason"]
    return _do(
        request,
        dispatch.message,
        lambda: actions.stop_dispatch(dispatch_id=dispatch.pk, reason=reason, by=request.user, now=request.now),
    )


@require_POST
def open_early(request: HttpRequest, dispatch_id: int) -> HttpResponse:
    dispatch = access.get_dispatch(request.user, dispatch_id)
    form = forms.StopForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say why the public should read it before these customers have their mail.")
        return redirect("delivery:send_plan", dispatch.message_id)
    reason = form.cleaned_data["reason"]
    return _do(
        request,
        dispatch.message,
        lambda: actions.open_early(dispatch_id=dispatch.pk, reason=reason, by=request.user, now=request.now),
    )


@require_POST
def resume(request: HttpRequest, dispatch_id: int) -> HttpResponse:
    dispatch = access.get_dispatch(request.user, dispatch_id)
    return _do(
        request,
        dispatch.message,
        lambda: actions.resume_dispatch(dispatch_id=dispatch.pk, by=request.user, now=request.now),
    )


@require_POST
def retry(request: HttpRequest, dispatch_id: int) -> HttpResponse:
    dispatch = access.get_dispatch(request.user, dispatch_id)
    return _do(
        request,
        dispatch.message,
        lambda: actions.retry_failed(dispatch_id=dispatch.pk, by=request.user, now=request.now),
    )


@require_POST
def settle(request: HttpRequest, dispatch_id: int) -> HttpResponse:
    dispatch = access.get_dispatch(request.user, dispatch_id)
    form = forms.SettleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose what to do with the mails that have no answer.")
        return redirect("delivery:send_plan", dispatch.message_id)
    again = form.cleaned_data["choice"] == "again"
    return _do(
        request,
        dispatch.message,
        lambda: actions.settle_unknown(dispatch_id=dispatch.pk, send_again=again, by=request.user, now=request.now),
    )


def _do(request: HttpRequest, message: Message, act: Callable[[], Any]) -> HttpResponse:
    try:
        act()
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("delivery:send_plan", message.pk)


class _Echo:
    """A file that gives each line back instead of keeping it, so that an export streams."""

    def write(self, value: str) -> str:
        return value


@require_GET
def recipients_csv(request: HttpRequest, dispatch_id: int) -> StreamingHttpResponse:
    """Every recipient of a dispatch and what became of it, safe to open in a spreadsheet."""
    dispatch = access.get_dispatch(request.user, dispatch_id)
    what = f"the recipients of {dispatch.message.name} of {dispatch.incident.ref}"
    record_export(what=what, of="recipients", by=request.user, now=request.now)
    writer = csv.writer(_Echo())
    lines = (writer.writerow([defuse(cell) for cell in row]) for row in queries.rows_for_export(dispatch))
    name = f"{dispatch.incident.ref}-message-{dispatch.message.number}-{dispatch.channel}.csv"
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


# No CSRF token: mail programs press this for the reader (RFC 8058); the signed link is the proof.
@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Opening the page changes nothing; a press, or a mail program's one-click POST, unsubscribes."""
    if throttled(request, "unsubscribe", limit=60, seconds=60):
        return render(request, "429.html", status=429)
    contact_id = contact_of(token)
    if contact_id is None:
        return render(request, "delivery/unsubscribe.html", {"state": "unknown"}, status=404)
    if request.method != "POST":
        is_out = Contact.objects.filter(pk=contact_id, unsubscribed_at__isnull=False).exists()
        return render(request, "delivery/unsubscribe.html", {"state": "done" if is_out else "ask"})
    unsubscribe_contact(contact_id=contact_id, now=request.now, how="by the link in a mail")
    return render(request, "delivery/unsubscribe.html", {"state": "done"})
