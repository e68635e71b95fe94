"""Whoever needs a second factor and has none is led to set one up, and can do nothing else."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url

from crisiscomms.signin import rules, sessions

LED_TO = "account_second_factor"
# What setting one up takes, and the ways out.
ALLOWED = {
    LED_TO,
    "account_logout",
    "account_reauthenticate",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_view_recovery_codes",
}


class SecondFactor:
    """Also notes the visit, because both ask once per request who is signed in.

    On pages that are open to strangers a session that still owes its factor is a stranger's: an approval link takes
    a code or a remembered device from it, as from anybody, and not the half of a sign-in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, *_: Any) -> HttpResponse | None:
        if not hasattr(request, "now") or not request.user.is_authenticated:
            return None
        sessions.note_visit(request)
        due = rules.lacks_factor(request)
        if due is None or request.now < due or str(request.resolver_match.view_name) in ALLOWED:
            return None
        if not getattr(view, "login_required", True):
            request.user = AnonymousUser()
            return None
        if request.htmx:
            return HttpResponse(headers={"HX-Redirect": resolve_url(LED_TO)})
        return redirect(LED_TO)
