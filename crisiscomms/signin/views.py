"""One’s own sign-in: second factors, passkeys, sessions. allauth does the steps; the pages around them are ours."""

from typing import Any

from allauth.account.views import LoginView, password_change
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.views import ReauthenticateWebAuthnView, RemoveWebAuthnView
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crisiscomms.models import Role, User
from crisiscomms.refusal import Refused
from crisiscomms.signin import factors, rules, sessions
from crisiscomms.signin.forms import PasskeyNameForm

Type = Authenticator.Type


class SignIn(LoginView):  # type: ignore[misc]
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "oidc": settings.OIDC, "next": self.request.GET.get("next", "")}


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    answer: HttpResponse = SignIn.as_view()(request)
    return answer


class RemovePasskey(RemoveWebAuthnView):  # type: ignore[misc]
    success_url = reverse_lazy("mfa_index")


class ProveByPasskey(ReauthenticateWebAuthnView):  # type: ignore[misc]
    def form_invalid(self, form: Any) -> HttpResponse:
        """Back to the same question, not to the front door."""
        messages.error(self.request, " ".join(form.errors.get("credential", [])))
        return redirect(self.request.get_full_path())


@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """How I sign in, and where I am signed in."""
    mine = list(Authenticator.objects.filter(user=request.user).order_by("created_at"))
    codes = next((one for one in mine if one.type == Type.RECOVERY_CODES), None)
    context = {
        "app": next((one for one in mine if one.type == Type.TOTP), None),
        "passkeys": [one for one in mine if one.type == Type.WEBAUTHN],
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else 0,
        "has_factor": any(one.type != Type.RECOVERY_CODES for one in mine),
        "due": rules.lacks_factor(request),
        "sessions": sessions.sessions_of(request.user, this=request.session.session_key, now=request.now),
    }
    return render(request, "account/sign_in_page.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def rename_passkey(request: HttpRequest, pk: int) -> HttpResponse:
    """Another name for one of one's own; 404 alike for what is missing and what is another's."""
    passkey = get_object_or_404(Authenticator, pk=pk, user=request.user, type=Type.WEBAUTHN)
    form = PasskeyNameForm(request.POST if request.method == "POST" else None, initial={"name": str(passkey)})
    if form.is_valid():
        try:
            factors.rename_passkey(
                passkey_id=passkey.pk, name=form.cleaned_data["name"], by=request.user, now=request.now
            )
        except Refused as refusal:
            form.add_error("name", str(refusal))
        else:
            messages.success(request, "The passkey has its new name.")
            return redirect("mfa_index")
    context = {"form": form, "passkey": passkey}
    return render(request, "account/passkey_rename.html", context, status=422 if form.is_bound else 200)


def change_password(request: HttpRequest) -> HttpResponse:
    """allauth’s page, for those who have a password to change."""
    if request.user.is_authenticated and not request.user.has_usable_password():
        messages.info(request, "You sign in without a password, so there is none to change here.")
        return redirect("mfa_index")
    answer: HttpResponse = password_change(request)
    return answer


@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    """Sign out one other session, or all others. This one has the button “Sign out”."""
    only = request.POST.get("session", "")
    if not only and "others" not in request.POST:
        messages.error(request, "Choose which session to sign out.")
        return redirect("mfa_index")
    count = sessions.end_sessions(by=request.user, keep=request.session.session_key, only=only, now=request.now)
    if count:
        messages.success(request, f"Signed out {'one session' if count == 1 else f'{count} sessions'}.")
    else:
        messages.info(request, "Nothing to sign out: it had ended already.")
    return redirect("mfa_index")


@never_cache
@require_safe
def second_factor(request: HttpRequest) -> HttpResponse:
    """Where somebody is led whose role needs a second factor, until there is one."""
    due = rules.lacks_factor(request)
    if due is None:
        return redirect("mfa_index")
    return render(request, "account/second_factor.html", {"is_due": due <= request.now, "due": due})


def _administrator(request: HttpRequest) -> None:
    if not request.user.has_role(Role.ADMINISTRATOR):
        raise Http404


@require_safe
def rules_page(request: HttpRequest) -> HttpResponse:
    """Who needs a second factor, who has none yet, and whether the company's own sign-in is connected."""
    _administrator(request)
    found = rules.rules()
    context = {
        "rules": found,
        "roles": [Role(role).label for role in found.roles],
        "without": _without(found.roles),
        "oidc": settings.OIDC,
    }
    return render(request, "crisiscomms/sign_in_rules.html", context)


def _without(roles: tuple[str, ...]) -> list[User]:
    """Who is asked for a second factor and has none yet."""
    have = Authenticator.objects.filter(type__in=rules.FACTORS).values("user")
    return list(User.objects.with_role(*roles).exclude(pk__in=have).order_by("name")) if roles else []


@require_POST
def take_away_factors(request: HttpRequest, person_id: int) -> HttpResponse:
    _administrator(request)
    person = get_object_or_404(User, pk=person_id)
    try:
        count = factors.take_away_factors(person_id=person.pk, by=request.user, now=request.now)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        words = "is signed out everywhere and signs in with the password alone" if count else "has no second factor"
        messages.success(request, f"{person.name} {words}.")
    return redirect("setup_person", person.pk)
