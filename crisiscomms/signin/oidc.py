"""Sign-in by the company's identity provider: whom its word lets in, and which roles it decides."""

from datetime import datetime
from typing import Any

import structlog
from allauth.account.signals import user_logged_in
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.openid_connect.views import callback as allauth_callback
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.dispatch import receiver
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from requests import RequestException

from crisiscomms import people
from crisiscomms.environment import Oidc
from crisiscomms.forms import HIDDEN_SIGNS
from crisiscomms.models import User
from crisiscomms.refusal import Refused
from crisiscomms.signin.rules import BY_PROVIDER
from crisiscomms.throttle import throttled

log = structlog.get_logger("crisiscomms")
PROVIDER = "company"
NO_ANSWER = "Your company’s sign-in does not answer as it should. Try again, or sign in with your password."


class Adapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """allauth speaks the protocol; who comes in is decided by `person_for`. It keeps no rows of its own here."""

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        """The one provider of the environment; the table of providers is not asked."""
        given: Oidc | None = settings.OIDC
        if given is None or provider not in (None, PROVIDER, "openid_connect"):
            return []
        app = SocialApp(provider="openid_connect", provider_id=PROVIDER, name=given.name)
        app.client_id, app.secret = given.client_id, given.client_secret
        app.settings = {"server_url": given.issuer}
        return [app]

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        try:
            sociallogin.user = person_for(sociallogin.account.extra_data, given=settings.OIDC, now=request.now)
        except Refused as refusal:
            raise ImmediateHttpResponse(_refused(request, str(refusal))) from None

    def on_authentication_error(self, request: HttpRequest, provider: Any, **_: Any) -> None:
        raise ImmediateHttpResponse(_refused(request, NO_ANSWER))


def _refused(request: HttpRequest, words: str) -> HttpResponse:
    return render(request, "account/oidc_refused.html", {"words": words}, status=403)


def person_for(data: dict[str, Any], *, given: Oidc, now: datetime) -> User:
    """Whom the provider's word means, with the roles that it gives. Only an address that it calls verified counts."""
    signed, told = data.get("id_token") or {}, data.get("userinfo") or {}
    if signed and told and signed.get("sub") != told.get("sub"):
        raise Refused(NO_ANSWER)
    claims = {**signed, **told}
    email = claims.get("email")
    if not isinstance(email, str) or not email.strip() or claims.get("email_verified") is not True:
        raise Refused(f"{given.name} did not confirm an e-mail address of yours. Ask those who run it to confirm one.")
    person = User.objects.get_queryset().filter(email__iexact=email.strip()).first()
    if person is not None and not person.is_active:
        raise Refused("This account is switched off. An administrator can switch it on again.")
    if person is None and not given.create:
        raise Refused("Nobody here has your e-mail address. Ask an administrator to add you.")
    granted = roles_of(claims, given)
    if person is None:
        return _add(email, claims, sorted(granted), now)
    if given.role_claim:
        governed = {role for roles in given.role_map.values() for role in roles}
        person = people.take_roles(person_id=person.pk, granted=granted, governed=governed, source=given.name, now=now)
    return person


def _add(email: str, claims: dict[str, Any], roles: list[str], now: datetime) -> User:
    name = HIDDEN_SIGNS.sub(" ", str(claims.get("name") or email.partition("@")[0])).strip()[:120]
    if HIDDEN_SIGNS.search(email) or len(email) > 254:
        raise Refused(NO_ANSWER)
    return people.add_person(email=email, name=name or "New person", roles=roles, by=None, now=now)


def roles_of(claims: dict[str, Any], given: Oidc) -> set[str]:
    """Our roles for the values of the claim; `a.b` looks into nested claims. Without the claim: none."""
    value: Any = claims
    for part in given.role_claim.split(".") if given.role_claim not in claims else [given.role_claim]:
        value = value.get(part) if isinstance(value, dict) else None
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return {role for one in values if isinstance(one, str) for role in given.role_map.get(one, [])}


@receiver(user_logged_in)
def note_provider(request: HttpRequest, sociallogin: SocialLogin | None = None, **_: Any) -> None:
    if sociallogin is not None:
        request.session[BY_PROVIDER] = True


@never_cache
@login_not_required
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Off to the provider, with a state and a PKCE challenge that only this browser can answer.

    A plain link, because the Content-Security-Policy keeps forms on this site. Whoever is made to follow it signs in
    as nobody but themselves.
    """
    if settings.OIDC is None:
        raise Http404
    if request.user.is_authenticated:
        return redirect("/")
    if throttled(request, "oidc", limit=30, seconds=60):
        return render(request, "429.html", status=429)
    after = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(after, allowed_hosts={request.get_host()}):
        after = "/"
    try:
        provider = Adapter(request).get_provider(request, PROVIDER)
        answer: HttpResponse = provider.redirect(request, process="login", next_url=after)
    except (RequestException, ImmediateHttpResponse, KeyError, TypeError, AttributeError, ValueError) as error:
        log.warning("identity provider does not answer", error=type(error).__name__)
        return _refused(request, NO_ANSWER)
    return answer


@never_cache
@login_not_required
@require_safe
def come_back(request: HttpRequest, provider_id: str) -> HttpResponse:
    """The provider's answer. What is wrong with it is said in words, without what it was."""
    if settings.OIDC is None:
        raise Http404
    if throttled(request, "oidc", limit=30, seconds=60):
        return render(request, "429.html", status=429)
    try:
        answer: HttpResponse = allauth_callback(request, provider_id=provider_id)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        log.warning("identity provider’s answer is not understood", error=type(error).__name__)
        return _refused(request, NO_ANSWER)
    return answer
