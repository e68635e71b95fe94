"""Sources of signals, for the administrator. A key and a secret stand on the answer to the press that made them."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from crisiscomms.refusal import Refused
from incidents import access, actions
from incidents.actions.signal_sources import Shown
from incidents.forms.signals import RotateForm, SourceForm, SourceSecretForm
from incidents.hooks import PROTOCOLS
from incidents.models import SignalSource

PAGE = ["GET", "HEAD", "POST"]


@never_cache
@require_http_methods(PAGE)
def sources(request: HttpRequest) -> HttpResponse:
    """What may knock, how much it told, and what was refused last, with why."""
    access.page(request.user, "set_up")
    form = SourceForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            shown = actions.create_source(**form.cleaned_data, by=request.user, now=request.now)
        except Refused as refusal:
            form.add_error("name", str(refusal))
        else:
            return _source_page(request, shown.source, shown=shown)
    context = {"form": form, "sources": SignalSource.objects.all()}
    return render(request, "incidents/signal_source_list.html", context, status=422 if form.is_bound else 200)


@never_cache
@require_http_methods(PAGE)
def source(request: HttpRequest, source_id: int) -> HttpResponse:
    access.page(request.user, "set_up")
    row = get_object_or_404(SignalSource, pk=source_id)
    rotate = RotateForm(request.POST if "rotate" in request.POST else None, prefix="r")
    secret = SourceSecretForm(request.POST if "set_secret" in request.POST else None, prefix="s")
    said = {"source_id": row.pk, "by": request.user, "now": request.now}
    try:
        if "switch" in request.POST:
            actions.switch_source(is_active=not row.is_active, **said)
            messages.success(request, f"{row.name} is {'off' if row.is_active else 'on'}.")
            return redirect("incidents:signal_source", row.pk)
        if rotate.is_bound and rotate.is_valid():
            shown = actions.rotate_source(**rotate.cleaned_data, **said)
            return _source_page(request, shown.source, shown=shown)
        if secret.is_bound and secret.is_valid():
            actions.set_source_secret(**secret.cleaned_data, **said)
            messages.success(request, "The secret is set, sealed. Send a test from the other side.")
            return redirect("incidents:signal_source", row.pk)
    except Refused as refusal:
        secret.add_error("secret", str(refusal)) if secret.is_bound else messages.error(request, str(refusal))
    return _source_page(request, row, rotate=rotate, secret=secret)


def _source_page(
    request: HttpRequest,
    row: SignalSource,
    *,
    shown: Shown | None = None,
    rotate: RotateForm | None = None,
    secret: SourceSecretForm | None = None,
) -> HttpResponse:
    protocol = PROTOCOLS[row.kind]
    context: dict[str, Any] = {
        "source": row,
        "shown": shown,
        "address": settings.BASE_URL + reverse("incidents:hook", args=[row.kind, shown.key]) if shown else "",
        "pattern": settings.BASE_URL + f"/hooks/{row.kind}/…/",
        "rotate": rotate or RotateForm(prefix="r"),
        "secret": secret or SourceSecretForm(prefix="s"),
        "takes_secret": not protocol.makes_secret,
        "has_secret": bool(row.secret),
        "lacks_secret": protocol.needs_secret and not row.secret,
        "previous_counts": row.takes_previous(request.now),
        "signals": row.signals.count(),
    }
    bad = (rotate and rotate.is_bound) or (secret and secret.is_bound)
    return render(request, "incidents/signal_source.html", context, status=422 if bad else 200)
