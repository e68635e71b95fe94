"""The first minutes of an empty installation, and what is said when something broke."""

import sys

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template import loader
from django.views.decorators.http import require_http_methods

from crisiscomms import outages
from crisiscomms import people as actions
from crisiscomms.forms import WelcomeForm
from crisiscomms.models import User
from crisiscomms.refusal import Refused

PAGE = ["GET", "HEAD", "POST"]


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


def server_error(request: HttpRequest) -> HttpResponse:
    """Drawn without the request's context, session or database: any of them may be what is broken.

    A database that is gone or only to be read is no fault of the page: 503, and it comes back by itself.
    """
    status = 503 if outages.is_one(sys.exc_info()[1]) else 500
    page = loader.get_template(f"{status}.html")
    return HttpResponse(page.render({"request_id": getattr(request, "trace_id", "")}), status=status)
