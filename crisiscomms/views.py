"""Health, the first minutes of an empty installation, and setting up people and the organisation."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from crisiscomms import clock
from crisiscomms import people as actions
from crisiscomms.forms import OrganisationForm, PersonForm, WelcomeForm
from crisiscomms.models import Role, User
from crisiscomms.organisation import get_organisation, set_organisation
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


def _administrator(request: HttpRequest) -> None:
    if not request.user.has_role(Role.ADMINISTRATOR):
        raise Http404


@require_http_methods(PAGE)
def setup(request: HttpRequest) -> HttpResponse:
    """What still has to be set up, and the organisation's own facts."""
    _administrator(request)
    form = OrganisationForm(request.POST or None, instance=get_organisation())
    if request.method == "POST" and form.is_valid():
        set_organisation(**form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("setup")
    return render(request, "crisiscomms/setup.html", {"form": form}, status=422 if form.is_bound else 200)


@require_http_methods(PAGE)
def people(request: HttpRequest) -> HttpResponse:
    _administrator(request)
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            person = actions.add_person(by=request.user, now=request.now, **form.cleaned_data)
        except Refused as refusal:
            form.add_error("email", str(refusal))
        else:
            messages.success(request, f"{person.name} is added. They set a password by “Forgot your password?”.")
            return redirect("setup_people")
    context = {
        "form": form,
        "people": User.objects.get_queryset().order_by("-is_active", "name").select_related("deputy"),
    }
    return render(request, "crisiscomms/person_list.html", context, status=422 if form.is_bound else 200)


@require_http_methods(PAGE)
def person(request: HttpRequest, person_id: int) -> HttpResponse:
    _administrator(request)
    who = get_object_or_404(User, pk=person_id)
    form = PersonForm(request.POST or None, instance=who)
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_person(person_id=who.pk, by=request.user, now=request.now, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Saved.")
            return redirect("setup_people")
    who = get_object_or_404(User, pk=person_id)
    return render(
        request, "crisiscomms/person_edit.html", {"form": form, "person": who}, status=422 if form.is_bound else 200
    )


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "400.html", status=400)
