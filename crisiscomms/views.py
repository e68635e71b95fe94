"""Health, and the first minutes of an empty installation."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from crisiscomms import clock
from crisiscomms import people as actions
from crisiscomms.forms import WelcomeForm
from crisiscomms.models import User
from crisiscomms.refusal import Refused
from crisiscomms.tasks import KEY

log = structlog.get_logger("crisiscomms")
PAGE = ["GET", "HEAD", "POST"]
BEAT_LIMIT = timedelta(seconds=90)


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks nothing of anything else."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Database, broker, and whether a worker has answered beat's knock lately. Says which part is not ready."""
    checks = {"database": _database(), "broker": False, "workers": False}
    try:
        cache.set("readyz", 1, timeout=5)
        # The cache forgives a Redis that is gone, so the answer is what counts.
        checks["broker"] = cache.get("readyz") == 1
        last = cache.get(KEY)
        moment = clock.now() if checks["database"] else timezone.now()
        checks["workers"] = last is not None and moment.timestamp() - last < BEAT_LIMIT.total_seconds()
    except Exception as error:  # noqa: BLE001 - any client error means: not ready
        log.warning("broker not ready", error=type(error).__name__)
    return JsonResponse(checks, status=200 if all(checks.values()) else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone())
    except (DatabaseError, InterfaceError) as error:
        log.warning("database not ready", error=type(error).__name__)
        return False


@login_not_required
@require_http_methods(PAGE)
def welcome(request: HttpRequest) -> HttpResponse:
    """The first person of an empty installation. In production this happens at the command line instead."""
    if User.objects.active().exists():
        return redirect("setup" if request.user.is_authenticated else "account_login")
    form = WelcomeForm(request.POST or None)
    if request.method == "POST" and settings.LOCAL and form.is_valid():
        try:
            person = actions.set_up_first(**form.cleaned_data, now=request.now)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            login(request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
            return redirect("setup")
    return render(
        request,
        "crisiscomms/welcome.html",
        {"form": form, "is_local": settings.LOCAL},
        status=422 if form.is_bound else 200,
    )


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "400.html", status=400)
